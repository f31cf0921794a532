"""Race control: flags, pace car, restarts, stages and the end.

Under caution the field closes up behind the pace car in single file, pit road opens, lapped cars at the
front are waved around and those in the middle fall to the tail, and after one more lap in double file the
race goes on. Nobody passes on the way.
"""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.car import LENGTH_M
from nascar.race.following import forward_m
from nascar.race.frames import TICK_S
from nascar.race.happenings import Code, tell
from nascar.race.lineup import (
    ON_THE_WAY,
    gap_m,
    in_line,
    is_tail,
    keep_file,
    keep_rows,
    leader_of,
    number_rows,
)
from nascar.race.state import (
    NOBODY,
    UNLIMITED_MPS,
    Cars,
    Course,
    Field,
    Lane,
    Mode,
    Phase,
)

GREEN: Final = 0
YELLOW: Final = 1
WHITE: Final = 3
CHECKERED: Final = 4
_PICK_UP_M: Final = 70.0
"""The pace car comes out so far ahead of the leader …"""
_PICK_UP_FACTOR: Final = 1.9
"""… once he has slowed down to so many times its speed."""
_COMMITTED_M: Final = 350.0
"""A car so near the way to pit road when the flag comes out may go in."""
_EASY_MPS2: Final = 2.0
"""How gently the leader slows down behind it."""
_PAST_PACE_CAR: Final = 2
"""A car that gets a lap back: up to the pace car, and from there around to the tail."""
_GATHERED_M: Final = 45.0
_LONGEST_MODE_LAPS: Final = 3.2
"""Race control goes on after so many laps of the pace car, whoever is missing."""
_ASKING_TICKS: Final = round(1.5 / TICK_S)
_SHORTEST_LAPS: Final = 1.6
"""One to go is given so many laps of the pace car after the yellow flag at the earliest."""
_LINE_UP: Final = 1.08
"""Of the pace, the most that cars do to close up double file."""
_PULLS_OFF_M: Final = 300.0
_COOL_DOWN_MPS: Final = 45.0
_AHEAD_M: Final = 30.0


@compiled
def show_yellow(
    cars: Cars, field: Field, course: Course, events: object, tick: int, cause: int, culprit: int
) -> None:
    """The caution is out."""
    if field.mode != Mode.GREEN:
        return
    field.mode = Mode.GATHER
    field.flag = YELLOW
    field.mode_tick = field.yellow_tick = tick
    field.cause, field.cause_car = cause, culprit
    field.cautions += 1
    field.pace_on = 0
    field.sorted = 0
    for car in cars:
        car.drop = 0
        car.around = 0
        car.row = -1
        car.gaining = 0
        car.asked = 0
        _call_off(car, course)
    tell(events, field, tick, Code.YELLOW, culprit, cause, 0.0, 0.0)


@compiled
def _call_off(car: Cars, course: Course) -> None:
    """Pit road is closed: who is not near it yet, and need not come in, stays out."""
    must = car.failing or car.flat_tire >= 0 or car.dry or car.stop_and_go or car.fuel_gal < car.burn_gal
    far = car.s - car.laps * course.length_m < course.leave_m - _COMMITTED_M
    if car.phase == Phase.CALLED and car.lane != Lane.PIT_IN and far and not must:
        car.phase = Phase.RACING


@compiled
def step(cars: Cars, field: Field, course: Course, events: object, tick: int, elapsed_s: float) -> None:
    """Move race control on, and tell every car its most speed and whom it may not pass."""
    for car in cars:
        for k in range(1, 3):
            car.leader[k] = NOBODY
    if field.mode == Mode.GREEN:
        for car in cars:
            car.cap_goal = UNLIMITED_MPS
            if car.flat_tire >= 0 or car.failing:
                car.cap_goal = course.catch_up_mps * 1.2
            if car.gaining and car.speed > 62.0:
                car.gaining = 0
        return
    if field.mode == Mode.CHECKERED:
        for car in cars:
            car.cap_goal = _COOL_DOWN_MPS if car.finished else UNLIMITED_MPS
            if field.white == 0:
                car.cap_goal = min(car.cap_goal, _COOL_DOWN_MPS)
        return
    _move_pace_car(cars, field, course, elapsed_s)
    _set_caps(cars, field, course)
    if field.mode == Mode.LINE_UP:
        _restart(cars, field, course, events, tick)
    else:
        keep_file(cars, field, course)
        _advance(cars, field, course, events, tick)


@compiled
def _move_pace_car(cars: Cars, field: Field, course: Course, elapsed_s: float) -> None:
    leader = leader_of(cars)
    if leader == NOBODY:
        return
    if field.pace_on == 0 and field.mode == Mode.GATHER:
        head = cars[leader]
        if head.speed < _PICK_UP_FACTOR * course.pace_mps or head.phase > Phase.CALLED:
            field.pace_on = 1
            closing = max(head.speed - course.pace_mps, 0.0)
            field.pace_s = head.s + _PICK_UP_M + closing * closing / (2.0 * _EASY_MPS2)
            field.pace_speed = course.pace_mps
            for i in range(cars.size):
                # Whoever is caught between the two goes on around.
                ahead_m = forward_m(head.s, cars[i].s, course.length_m)
                if i != leader and in_line(cars[i], course) and ahead_m < field.pace_s - head.s + LENGTH_M:
                    cars[i].around = ON_THE_WAY
        return
    field.pace_s += field.pace_speed * elapsed_s


@compiled
def _set_caps(cars: Cars, field: Field, course: Course) -> None:
    for car in cars:
        goal = course.catch_up_mps
        if field.mode == Mode.LINE_UP:
            goal = course.pace_mps * _LINE_UP
        if car.drop:
            goal = course.drop_mps
        if car.repair or car.phase == Phase.SPINNING:
            goal = min(goal, course.pace_mps)
        car.cap_goal = goal


@compiled
def _is_gathered(cars: Cars, field: Field, course: Course, pits_count: bool) -> bool:
    """Whether the whole field runs nose to tail behind the pace car."""
    if not field.pace_on:
        return False
    for i in range(cars.size):
        car = cars[i]
        if car.out or car.phase == Phase.SPINNING or car.phase == Phase.STOPPED:
            continue
        if car.around or car.drop or car.phase == Phase.GOING_OUT:
            return False
        if not in_line(car, course):
            if pits_count and not car.repair and car.phase != Phase.RACING:
                return False
            continue
        if pits_count and car.phase == Phase.CALLED:
            return False
        if gap_m(cars, field, car) > _GATHERED_M:
            return False
    return True


@compiled
def _advance(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """From gathering to open pits to the order of the restart."""
    for i in range(cars.size):
        car = cars[i]
        if car.around == ON_THE_WAY and field.pace_on:
            past_m = forward_m(field.pace_s, car.s, course.length_m)
            if _AHEAD_M < past_m < course.length_m / 2:
                car.around = _PAST_PACE_CAR
        elif car.around == _PAST_PACE_CAR and gap_m(cars, field, car) < _GATHERED_M:
            car.around = 0
        if car.drop and is_tail(cars, i, course):
            car.drop = 0
    since_laps = (tick - field.mode_tick) * TICK_S * course.pace_mps / course.length_m
    overdue = since_laps > _LONGEST_MODE_LAPS
    if field.mode == Mode.GATHER:
        if _is_gathered(cars, field, course, False) or overdue:
            _enter(field, Mode.PITS_OPEN, tick)
            tell(events, field, tick, Code.PITS_OPEN, NOBODY, 0, 0.0, 0.0)
            _give_free_pass(cars, field, course, events, tick)
    elif field.mode == Mode.PITS_OPEN:
        # The crew chiefs need a moment to make up their minds.
        asked = tick - field.mode_tick > _ASKING_TICKS
        if (asked and _is_gathered(cars, field, course, True)) or overdue:
            _enter(field, Mode.SORT, tick)
            _sort(cars, field, course, events, tick)
    elif field.mode == Mode.SORT and (_is_gathered(cars, field, course, True) or overdue):
        out_laps = (tick - field.yellow_tick) * TICK_S * course.pace_mps / course.length_m
        field.sorted = out_laps > _SHORTEST_LAPS


@compiled
def _enter(field: Field, mode: int, tick: int) -> None:
    field.mode = mode
    field.mode_tick = tick


@compiled
def _give_free_pass(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """The first car a lap down gets its lap back, unless it caused the caution."""
    leader = leader_of(cars)
    if leader == NOBODY:
        return
    lucky, most = NOBODY, -1.0e18
    for i in range(cars.size):
        car = cars[i]
        down = cars[leader].s - car.s > course.length_m
        if down and in_line(car, course) and not car.repair and i != field.cause_car and car.s > most:
            lucky, most = i, car.s
    if lucky != NOBODY and cars[lucky].phase == Phase.RACING:
        cars[lucky].around = ON_THE_WAY
        tell(events, field, tick, Code.FREE_PASS, lucky, 0, 0.0, 0.0)


@compiled
def _sort(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """Lapped cars ahead of the leader go around; those between cars of the lead lap fall to the tail."""
    leader = leader_of(cars)
    if leader == NOBODY:
        return
    head = cars[leader]
    last_m = 0.0
    for i in range(cars.size):
        car = cars[i]
        if in_line(car, course) and head.s - car.s < course.length_m / 2:
            last_m = max(last_m, head.s - car.s)
    for i in range(cars.size):
        car = cars[i]
        if i == leader or car.phase != Phase.RACING or not in_line(car, course):
            continue
        behind_m = forward_m(car.s, head.s, course.length_m)
        lapped = head.s - car.s > course.length_m / 2
        ahead_m = course.length_m - behind_m
        if lapped and ahead_m < forward_m(head.s, field.pace_s, course.length_m):
            car.around = ON_THE_WAY
            tell(events, field, tick, Code.WAVE_AROUND, i, 0, 0.0, 0.0)
        elif lapped and behind_m < last_m:
            car.drop = 1
        elif car.stop_and_go:
            car.stop_and_go = 0
            car.drop = 1
            tell(events, field, tick, Code.TO_THE_TAIL, i, 0, 0.0, 0.0)


@compiled
def begin_line_up(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """One lap to go: number the field from the pace car backwards."""
    _enter(field, Mode.LINE_UP, tick)
    number_rows(cars, field, course)
    tell(events, field, tick, Code.ONE_TO_GO, NOBODY, 0, 0.0, 0.0)


@compiled
def _restart(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """Double file to the line: the pace car pulls off, and the flag goes green."""
    head = keep_rows(cars, field, course)
    if head == NOBODY:
        # The whole field is in the pits: whoever comes out first leads.
        go_green(cars, field, events, tick)
        return
    to_line_m = course.length_m - (cars[head].s - cars[head].laps * course.length_m)
    lined_up = (tick - field.mode_tick) * TICK_S * course.pace_mps > 0.4 * course.length_m
    if lined_up and to_line_m < min(_PULLS_OFF_M, 0.3 * course.length_m):
        field.pace_on = 0
        if to_line_m < course.restart_m:
            go_green(cars, field, events, tick)


@compiled
def go_green(cars: Cars, field: Field, events: object, tick: int) -> None:
    """The race is on again; with too few laps left it goes into overtime."""
    field.mode = Mode.GREEN
    field.mode_tick = tick
    field.green_tick = tick
    field.flag = GREEN
    field.pace_on = 0
    for car in cars:
        car.row = -1
        car.drop = 0
        car.around = 0
        car.gaining = 1
    tell(events, field, tick, Code.GREEN, leader_of(cars), 0, 0.0, 0.0)
    # The line that comes next counts as a lap of the caution.
    if field.cautions and field.leader_lap + 3 > field.lap_count:
        field.lap_count = field.leader_lap + 3
        field.overtime += 1
        tell(events, field, tick, Code.OVERTIME, NOBODY, field.lap_count, 0.0, 0.0)
