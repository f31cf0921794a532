"""The loop over ticks: everything of the race that cannot be done a block at a time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.compiled import compiled
from nascar.race import finish, incidents, pit_stops, race_control, strategy, traffic
from nascar.race.chance import draw
from nascar.race.engine import DOWN_TO_SECOND_MPS, UP_TO_THIRD_MPS
from nascar.race.frames import TICK_S, Bools, Floats, Ints
from nascar.race.happenings import Code, Reason, Refusal, tell
from nascar.race.lineup import leader_of
from nascar.race.motion import commit, drive, hold_caps
from nascar.race.pit_stops import CAUGHT, CLOCKED, SPEEDING_FACTOR
from nascar.race.speed_plan import CELL_M, Style
from nascar.race.state import LANE_M, Cars, Course, Field, Lane, Mode, Phase
from nascar.race.traffic import STEP_TICKS

BLOCK_TICKS: Final = 25
"""Ticks worked on at a time. A block is always whole, so that no result depends on how ticks are asked for."""
STEP_S: Final = STEP_TICKS * TICK_S
_LATE: Final = int(Style.LATE)
_FIRM: Final = int(Style.FIRM)
_SAVE: Final = int(Style.SAVE)
_PIT_IN: Final = int(Style.PIT_IN)
_PIT_OUT: Final = int(Style.PIT_OUT)
_SEARCHING: Final = 0.97
"""A car that has been called in lets the low lane go by until there is a gap."""
_SLOWS_M: Final = 120.0
_AS_ON_APRON: Final = 0.92
"""Short of the apron a car that will pit slows down to what the apron allows."""
_TRAP_M: Final = 12.0
"""Behind the line from which pit road's limit holds."""
_LOOSE: Final = 0.95
_LINE_M: Final = 0.3
"""How far drivers' lines leave the middle of the lane: out on the straights, in at the apex."""
_LINE_PER_TICK: Final = 0.01
_CAUTION_THIRD_MPS: Final = 22.0
"""Under caution a car on its way out is on the track from this speed on, in third gear."""
_BACK_TO_APRON_M: Final = 0.12
_PUSHED_M: Final = 0.08
"""In a tick, of a car that is pushed behind the wall."""
_CALM_M: Final = 2.2


@compiled
def work_out(
    cars: Cars,
    field: Field,
    course: Course,
    speed_plan: Floats,
    accel_plan: Floats,
    bend_plan: Floats,
    commands: NDArray[np.int64],
    events: Any,
    order: NDArray[np.int64],
    first_tick: int,
    floats: Floats,
    on_pit_road: Bools,
    position: Ints,
    flag: NDArray[np.int8],
    gaining: NDArray[np.int8],
) -> None:
    """Work out a block of ticks.

    `floats` is ``(8, ticks, cars)``: distance, speed, acceleration, throttle, brake pressure, lane, fuel that
    goes in, looseness; `commands` is ``(n, 3)``: tick, verb, car.
    """
    if first_tick == 0 and field.mode == Mode.GREEN:
        tell(events, field, 0, Code.GREEN, leader_of(cars), 0, 0.0, 0.0)
    for row in range(BLOCK_TICKS):
        tick = first_tick + row
        for k in range(commands.shape[0]):
            if commands[k, 0] == tick:
                obey(cars, field, course, events, tick, commands[k, 1], commands[k, 2])
        if row % STEP_TICKS == 0:
            race_control.step(cars, field, course, events, tick, STEP_S)
            if row == 0:
                strategy.call(cars, field, course, tick)
            traffic.look(cars, field, course, tick)
            pit_stops.step(cars, field, course, events, tick)
            incidents.step(cars, field, course, events, tick)
            hold_caps(cars, STEP_S)
            _set_pace(cars, field, course)
            traffic.find_leaders(cars, course.length_m)
        drive(cars, field, course, speed_plan, accel_plan, tick)
        _rank(cars, order)
        third = UP_TO_THIRD_MPS if field.mode == Mode.GREEN else _CAUTION_THIRD_MPS
        for i in range(cars.size):
            car = cars[i]
            _place_across(car, course, bend_plan, tick)
            floats[0, row, i] = car.s
            floats[1, row, i] = car.speed
            floats[2, row, i] = car.accel
            floats[3, row, i] = car.next_throttle
            floats[4, row, i] = car.next_brake
            floats[5, row, i] = car.lane_m
            floats[6, row, i] = car.fill_gal if car.fill_from <= tick < car.fill_to else 0.0
            floats[7, row, i] = car.loose
            on_pit_road[row, i] = pit_stops.is_on_pit_road(car, DOWN_TO_SECOND_MPS, third)
            gaining[row, i] = 1 if car.phase == Phase.GOING_OUT else (2 if car.gaining else 0)
        for place in range(cars.size):
            position[row, order[place]] = place + 1
        flag[row] = field.flag
        commit(cars)
        _count_laps(cars, field, course, events, tick)


@compiled
def _count_laps(cars: Cars, field: Field, course: Course, events: Any, tick: int) -> None:
    """Everybody who has crossed the line in the tick just worked out, in order of crossing."""
    while True:
        first, earliest = -1, 2.0
        for i in range(cars.size):
            car = cars[i]
            line_m = (car.laps + 1) * course.length_m
            if car.s >= line_m:
                since = (car.s - line_m) / max(car.speed * TICK_S, 1.0e-9)
                if first < 0 or 1.0 - since < earliest:
                    first, earliest = i, 1.0 - since
        if first < 0:
            return
        car = cars[first]
        car.laps += 1
        strategy.pass_line(car, field)
        finish.cross_line(
            cars, field, course, events, tick + 1, first, (tick + min(max(earliest, 0.0), 1.0)) * TICK_S
        )


@compiled
def _rank(cars: Cars, order: NDArray[np.int64]) -> None:
    """Sort the order of the tick before: nearly sorted already."""
    for place in range(1, order.size):
        i = order[place]
        mine = _score(cars[i])
        at = place
        while at > 0 and _score(cars[order[at - 1]]) < mine:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i


@compiled
def _score(car: Cars) -> float:
    """Distance for the standings: what counts stays as it was when a car took the checkered flag."""
    return float(car.score) if car.finished else float(car.s)


@compiled
def _place_across(car: Cars, course: Course, bend_plan: Floats, tick: int) -> None:
    """Where the car is across the track."""
    if car.phase == Phase.SPINNING:
        car.lane_m = incidents.lane_off(car, tick)
        since = (tick - car.spin_tick) * TICK_S
        car.loose = min(since, 1.0) if car.speed > 1.0 else max(car.loose - TICK_S, 0.0)
        return
    car.loose = max(car.loose - TICK_S, 0.0)
    if car.phase == Phase.STOPPED:
        car.lane_m = min(car.lane_m + _PUSHED_M, car.infield_m)
        return
    if car.phase == Phase.COMING_IN and car.infield_m > 0.0:
        # From the infield over to the apron, once the car rolls.
        sideways_m = _BACK_TO_APRON_M * min(car.speed, 1.0)
        car.lane_m = max(car.lane_m - sideways_m, LANE_M[Lane.PIT_IN])
        if LANE_M[Lane.PIT_OUT] - car.lane_m > _CALM_M:
            car.claims &= ~(1 << Lane.PIT_OUT)
        if car.lane_m <= LANE_M[Lane.PIT_IN]:
            car.infield_m = 0.0
        return
    lane_m = pit_stops.slide_m(car, traffic.lane_at(car, tick))
    racing = car.phase <= Phase.CALLED and car.lane != Lane.PIT_IN
    car.line_share += min(max((1.0 if racing else 0.0) - car.line_share, -_LINE_PER_TICK), _LINE_PER_TICK)
    cell = int((car.s - car.laps * course.length_m) / CELL_M)
    bend = bend_plan[min(max(cell, 0), course.plan_cells - 1)]
    car.lane_m = lane_m + car.line_share * car.line * _LINE_M * (2.0 * bend - 1.0)


@compiled
def _set_pace(cars: Cars, field: Field, course: Course) -> None:
    """Cornering speed and way of driving of every car, from all that has a say in it."""
    for i in range(cars.size):
        car = cars[i]
        _pass_gates(car, field, course, i)
        if car.phase >= Phase.COMING_IN:
            car.style = _PIT_OUT if car.phase == Phase.GOING_OUT else _PIT_IN
            car.pace = SPEEDING_FACTOR if car.speeding and car.phase == Phase.COMING_IN else 1.0
            limited_s = car.entry_s + course.limit_from_m - course.entry_m + _TRAP_M
            if car.speeding and limited_s < car.s and car.speed > CAUGHT * course.pit_mps:
                # Only who has been clocked is penalised: traffic may hold the car up.
                car.speeding = CLOCKED
            continue
        car.pace = car.form * car.mood * car.damage * (1.0 - car.dirt)
        if car.due:
            # Loose already: the car falls back until it has room to spin.
            car.pace *= _LOOSE
        car.style = _SAVE if car.saving else car.turn_style
        if car.phase == Phase.CALLED and car.lane != Lane.LOW:
            car.pace *= _SEARCHING
        elif car.phase == Phase.CALLED and car.s - car.laps * course.length_m > course.leave_m - _SLOWS_M:
            car.pace *= _AS_ON_APRON


@compiled
def _pass_gates(car: Cars, field: Field, course: Course, i: int) -> None:
    """Draw mood and style anew for a car that has passed the gate ahead of a turn."""
    lap_m = car.s - car.laps * course.length_m
    passed = car.laps * course.gates
    for k in range(course.gates):
        passed += lap_m >= course.gate_m[k]
    if passed <= car.gates:
        return
    opening = car.gates < 0 or (car.s < course.length_m / 2 and field.green_tick == 0)
    car.gates = passed
    total = -6.0
    for k in range(12):
        total += draw(field.seed, i, car.drawn + 1 + k)
    car.drawn += 14
    car.mood = 1.0 + car.spread * total
    # At the green flag nobody with a name for it gives way.
    late = draw(field.seed, i, car.drawn - 1) < car.late_chance or (opening and car.late_braker == 1)
    firmness = 0.7 * car.firmness + 0.3 * draw(field.seed, i, car.drawn)
    car.turn_style = _LATE if late else min(int(firmness * (_FIRM + 1)), _FIRM)


@compiled
def obey(cars: Cars, field: Field, course: Course, events: Any, tick: int, verb: int, i: int) -> None:
    """Carry out one command, or say why not."""
    refusal = -1
    if field.mode == Mode.CHECKERED:
        refusal = Refusal.OVER
    elif verb == 0:
        if field.mode != Mode.GREEN:
            refusal = Refusal.CAUTION
    elif cars[i].out or cars[i].failing:
        refusal = Refusal.OUT
    elif cars[i].phase > Phase.CALLED or (verb == 1 and cars[i].phase != Phase.RACING):
        refusal = Refusal.BUSY
    if refusal >= 0:
        tell(events, field, tick, Code.REFUSED, i, verb, float(refusal), 0.0)
        return
    tell(events, field, tick, Code.OBEYED, i, verb, 0.0, 0.0)
    if verb == 0:
        race_control.show_yellow(cars, field, course, events, tick, 5, -1)
    elif verb == 1:
        cars[i].phase = Phase.CALLED
        cars[i].tires_due = 4
        cars[i].called_lap = cars[i].laps + 1
    elif verb == 2:
        incidents.puncture(cars[i], field, events, i, tick)
    elif verb == 3:
        cars[i].due = Code.SPIN
        cars[i].wait_tick = tick
    else:
        incidents.fail(cars[i], field, events, i, tick, Reason.COMMAND)
