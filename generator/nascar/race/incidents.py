"""What goes wrong: debris, spins, crashes, punctures, engines that fail, tanks that run dry.

A car that loses control slides down to the infield, where it is in nobody's way, and only where it can do so
without crossing pit road; it begins to slide when there is room for it, which in a race's traffic is within
moments. From there it drives to its box on the apron, or is out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from nascar.compiled import compiled
from nascar.race.chance import draw
from nascar.race.following import forward_m, room_around
from nascar.race.frames import TICK_S
from nascar.race.happenings import Cause, Code, Reason, tell
from nascar.race.lineup import leader_of
from nascar.race.pit_stops import come_in, is_taken, retire
from nascar.race.race_control import CHECKERED, show_yellow
from nascar.race.state import (
    INFIELD_M,
    INFIELD_STEP_M,
    LANE_M,
    NOBODY,
    Cars,
    Course,
    Field,
    Lane,
    Mode,
    Phase,
)


class FateCodes(NamedTuple):
    """Kinds of what is to go wrong by itself."""

    DEBRIS: int = 0
    SPIN: int = 1
    CRASH: int = 2
    FAILURE: int = 3
    PUNCTURE: int = 4


Fate: Final = FateCodes()


_SETTLED_TICKS: Final = round(150.0 / TICK_S)
"""Nothing goes wrong by itself so soon after a green flag."""
_SLIDE_TICKS: Final = 65.0
"""From the track to the infield."""
_OFF_LANE_M: Final = 2.2
_CLEAR_AHEAD_M: Final = 9.0
_CLEAR_BEHIND_M: Final = 15.0
_CLEAR_S: Final = 1.2
_PATIENCE_S: Final = 15.0
_LEAST_CLEAR_M: Final = 7.4
_CROSSES_S: Final = 2.8
_CROSSES_M: Final = 12.0
_OUT_FURTHER_M: Final = 16.0
_WAY_OUT_M: Final = 90.0
_INVOLVED_M: Final = 70.0
_INVOLVED: Final = 0.45
_MOST_INVOLVED: Final = 6
_OUT_AFTER_CRASH: Final = 0.40
_CRASH_REPAIR_S: Final = (25.0, 90.0)
_SPIN_REPAIR_S: Final = (2.0, 8.0)
_RESTS_S: Final = (6.0, 14.0)
_FAILING_PACE: Final = 0.72
_FLAT_PACE: Final = 0.70
_BENT_PACE: Final = 0.985
_OIL_ON_TRACK: Final = 0.3
_LEADER_SPARED: Final = 0.85
"""A leader has clean air and nobody beside him: he spins less often than he has room to."""


@compiled
def step(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """Let fate have its way, and move every car in trouble on."""
    _meet_fate(cars, field, course, events, tick)
    for i in range(cars.size):
        car = cars[i]
        if car.due and car.phase <= Phase.CALLED:
            try_spin(cars, field, course, events, i, tick)
        if car.phase == Phase.SPINNING:
            _slide_off(car, tick)
            if car.speed <= 0.0:
                _come_to_rest(car, field, events, i, tick)
        elif car.phase == Phase.STOPPED and not car.out and not car.finished:
            _drive_on(cars, field, course, i, tick)
        elif car.dry and car.phase <= Phase.CALLED and car.speed < 30.0:
            if not car.due:
                car.wait_tick = tick
            car.due = Code.DRY


@compiled
def lane_off(car: Cars, tick: int) -> float:
    """Offset from the centre line of a car that slides, or lies, on the infield."""
    start = LANE_M[car.from_lane]
    share = min((tick - car.spin_tick) / _SLIDE_TICKS, 1.0)
    return float(start + (car.infield_m - start) * (share * share * (3.0 - 2.0 * share)))


@compiled
def puncture(car: Cars, field: Field, events: object, i: int, tick: int) -> None:
    """A tire goes down: the right front, which works hardest, more often than the others."""
    car.drawn += 1
    chance = draw(field.seed, i, car.drawn)
    car.flat_tire = 1 if chance < 0.6 else (3 if chance < 0.85 else (0 if chance < 0.95 else 2))
    car.flat_tick = tick
    car.damage = _FLAT_PACE
    tell(events, field, tick, Code.PUNCTURE, i, car.flat_tire, 0.0, 0.0)


@compiled
def fail(car: Cars, field: Field, events: object, i: int, tick: int, reason: int) -> None:
    """The car limps to its box and is out there."""
    car.failing = 1 + reason
    car.damage = _FAILING_PACE
    tell(events, field, tick, Code.FAILURE, i, reason, 0.0, 0.0)


@compiled
def may_spin(cars: Cars, course: Course, i: int, waited_s: float, infield_m: float) -> bool:
    """Whether car `i` is where it can slide to `infield_m`, with room for it on the way.

    The longer it has waited for that, the less room will do.
    """
    car = cars[i]
    lap_m = car.s - car.laps * course.length_m
    if not course.spin_from_m <= lap_m <= course.spin_to_m or car.from_lane != car.lane:
        return False
    others = ((1 << Lane.PIT_OUT) | ((1 << (car.lane + 1)) - 1)) & ~car.claims
    room = room_around(cars, i, others, course.length_m)
    closing, closed = max(room[1], 0.0), max(room[3], 0.0)
    clear_m = max(_CLEAR_BEHIND_M * (1.0 - waited_s / _PATIENCE_S), _LEAST_CLEAR_M)
    if room[0] <= min(_CLEAR_AHEAD_M, clear_m) + _CLEAR_S * closing:
        return False
    if room[2] <= clear_m + _CLEAR_S * closed + closed * closed / 8.0:
        return False
    # Whoever lies on the infield must not be in the way where the car crosses his place.
    for j in range(cars.size):
        other = cars[j]
        if j == i or other.infield_m <= 0.0 or other.infield_m > infield_m + INFIELD_STEP_M:
            continue
        way = forward_m(car.s, other.s, course.length_m)
        if way < _CROSSES_S * car.speed + _CROSSES_M or way > course.length_m - _CROSSES_M:
            return False
    return True


@compiled
def _place_on_infield(cars: Cars, stays: bool) -> float:
    """Where a car is to lie: those that go on again nearest to the apron, those that are out further in."""
    taken = 0
    for car in cars:
        lies = car.infield_m > 0.0
        if stays:
            taken += lies and (car.out or car.failing)
        else:
            taken += lies and not car.out and not car.failing
    return INFIELD_M + INFIELD_STEP_M * taken + (_OUT_FURTHER_M if stays else 0.0)


@compiled
def try_spin(cars: Cars, field: Field, course: Course, events: object, i: int, tick: int) -> bool:
    """Let car `i` lose control if it can now."""
    car = cars[i]
    kind = car.due
    chance = draw(field.seed, i, car.drawn + 3)
    length = draw(field.seed, i, car.drawn + 2)
    stays = kind == Code.DRY or car.failing > 0 or (kind == Code.CRASH and chance < _OUT_AFTER_CRASH)
    infield_m = _place_on_infield(cars, stays)
    if not may_spin(cars, course, i, (tick - car.wait_tick) * TICK_S, infield_m):
        return False
    car.due = 0
    car.phase = Phase.SPINNING
    car.spin_tick = tick
    car.claims |= (1 << Lane.PIT_OUT) | ((1 << (car.lane + 1)) - 1)
    car.infield_m = infield_m
    car.change_tick = tick
    car.drawn += 3
    car.wait_tick = int((_RESTS_S[0] + (_RESTS_S[1] - _RESTS_S[0]) * length) / TICK_S)
    cause = Cause.SPIN
    if kind == Code.DRY:
        car.failing = 1 + Reason.FUEL
        cause = Cause.STOPPED_CAR
        tell(events, field, tick, Code.DRY, i, 0, 0.0, 0.0)
    elif kind == Code.CRASH:
        cause = Cause.CRASH
        if stays:
            car.failing = 1 + Reason.CRASH
        car.repair = int(_CRASH_REPAIR_S[0] + (_CRASH_REPAIR_S[1] - _CRASH_REPAIR_S[0]) * length)
        tell(events, field, tick, Code.CRASH, i, 0, 0.0, 0.0)
    else:
        car.repair = int(_SPIN_REPAIR_S[0] + (_SPIN_REPAIR_S[1] - _SPIN_REPAIR_S[0]) * length)
        tell(events, field, tick, Code.SPIN, i, 0, 0.0, 0.0)
    show_yellow(cars, field, course, events, tick, cause, i)
    return True


@compiled
def _meet_fate(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    if field.mode != Mode.GREEN or field.fate >= field.fates or tick - field.green_tick < _SETTLED_TICKS:
        return
    if field.leader_lap >= field.lap_count - 1 and field.lap_count > 1:
        return
    most = -1.0
    for car in cars:
        if not car.out:
            most = max(most, car.s)
    if most < field.fate_m[field.fate]:
        return
    kind = field.fate_kind[field.fate]
    if kind == Fate.DEBRIS:
        field.fate += 1
        show_yellow(cars, field, course, events, tick, Cause.DEBRIS, NOBODY)
        return
    field.drawn += 1
    i = int(draw(field.seed, 1_000_000, field.drawn) * cars.size)
    car = cars[i]
    if car.phase != Phase.RACING or car.damage < 1.0 or car.out or car.finished:
        return
    field.drawn += 1
    if i == leader_of(cars) and draw(field.seed, 1_000_000, field.drawn) < _LEADER_SPARED:
        return
    if kind == Fate.PUNCTURE:
        field.fate += 1
        puncture(car, field, events, i, tick)
    elif kind == Fate.FAILURE:
        field.fate += 1
        fail(car, field, events, i, tick, Reason.ENGINE)
        field.drawn += 1
        if draw(field.seed, 1_000_000, field.drawn) < _OIL_ON_TRACK:
            show_yellow(cars, field, course, events, tick, Cause.FAILURE, i)
    else:
        car.due = Code.CRASH if kind == Fate.CRASH else Code.SPIN
        car.wait_tick = tick
        if not try_spin(cars, field, course, events, i, tick):
            car.due = 0
            return
        field.fate += 1
        if kind == Fate.CRASH:
            _involve(cars, field, course, i)


@compiled
def _involve(cars: Cars, field: Field, course: Course, i: int) -> None:
    """Cars close behind a crash are caught up in it."""
    involved = 1
    for j in range(cars.size):
        other = cars[j]
        if j == i or other.phase > Phase.CALLED or involved >= _MOST_INVOLVED:
            continue
        if forward_m(other.s, cars[i].s, course.length_m) < _INVOLVED_M:
            field.drawn += 1
            if draw(field.seed, 1_000_000, field.drawn) < _INVOLVED:
                involved += 1
                if draw(field.seed, 2_000_000, field.drawn) < 0.5:
                    other.due = Code.CRASH
                    other.wait_tick = cars[i].spin_tick
                else:
                    other.damage = _BENT_PACE


@compiled
def _slide_off(car: Cars, tick: int) -> None:
    """Give up the lanes that the car has left behind."""
    at_m = lane_off(car, tick)
    for lane in range(5):
        if at_m - LANE_M[lane] > _OFF_LANE_M:
            car.claims &= ~(1 << lane)


@compiled
def _come_to_rest(car: Cars, field: Field, events: object, i: int, tick: int) -> None:
    if tick - car.spin_tick < _SLIDE_TICKS:
        return
    car.phase = Phase.STOPPED
    car.claims = 0
    car.wait_tick += tick
    if car.failing or field.flag == CHECKERED:
        retire(car, field, events, i, tick, max(car.failing - 1, 0) if car.failing else Reason.CRASH)


@compiled
def _drive_on(cars: Cars, field: Field, course: Course, i: int, tick: int) -> None:
    """Back to the apron and around to the box, for four tires and what else is needed."""
    car = cars[i]
    if tick < car.wait_tick:
        return
    lanes = (1 << Lane.PIT_IN) | (1 << Lane.PIT_OUT)
    room = room_around(cars, i, lanes, course.length_m)
    for j in range(cars.size):
        # Nearer to the apron somebody lies in the way.
        nearer = j != i and 0.0 < cars[j].infield_m < car.infield_m
        if nearer and forward_m(car.s, cars[j].s, course.length_m) < _WAY_OUT_M:
            return
    if room[0] < 25.0 or room[2] < 60.0 + room[3] * room[3] / 6.0 or is_taken(cars, i):
        return
    car.claims = lanes
    car.lane = car.from_lane = Lane.PIT_IN
    car.tires_due = 4
    car.dry = 0
    come_in(car, field, course, i)
    car.speeding = 0
