"""The way to the box, the work there, and the way back to the track.

Boxes stand in one row; in a large field cars share a box and are called so that only one of them comes.
Cars on the way in use the lane farther from the boxes, cross the lane beside the boxes where there is room,
and leave through it. Under caution the light at pit road's end is red while the field goes by.
"""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.car import TANK_GAL
from nascar.race.chance import draw
from nascar.race.following import forward_m, has_room, room_around
from nascar.race.frames import TICK_S
from nascar.race.happenings import Code, tell
from nascar.race.speed_plan import Style
from nascar.race.state import (
    BOX_M,
    FREE_M,
    INFIELD_M,
    INFIELD_STEP_M,
    LANE_M,
    NEVER,
    Cars,
    Course,
    Field,
    Lane,
    Mode,
    Phase,
)

_FOUR_TIRES_S: Final = (8.1, 0.9)
"""Least and spread of the time that four tires take; by law 8 to 11 s stand in the box."""
_TWO_TIRES_S: Final = (5.0, 1.0)
_FILLING_GAL_PER_S: Final = 2.6
"""Two cans of 11 gal in about nine seconds."""
_SETTLE_S: Final = 0.6
_STOP_AND_GO_S: Final = 1.0
_RIGHT_SIDE: Final = 0.45
_LEFT_SIDE: Final = 0.9
"""When the new tires are on, as shares of the stop."""
_FILLED: Final = 0.95
_PIT_IN: Final = int(Style.PIT_IN)
_PIT_OUT: Final = int(Style.PIT_OUT)
_SPEEDING: Final = 0.006
"""Share of the visits to pit road with a speeding car (estimate)."""
SPEEDING_FACTOR: Final = 1.15
CAUGHT: Final = 1.06
"""Shares of the limit: what such a driver goes, and from where on he is clocked."""
CLOCKED: Final = 2
"""`speeding` of a car that has been."""
_AT_BOX_M: Final = 0.6
_SLIDE_FROM_M: Final = 14.0
"""A car on the way in leaves the lane beside the boxes from here on."""
_PAST_NEIGHBOUR_M: Final = 5.2
_LEAVE_OVER_M: Final = 9.0
_SLIDE_PER_TICK: Final = TICK_S / 1.4
_ALONGSIDE: Final = 0.72
"""Share of the way from lane to box that stays clear of the cars in the neighbouring boxes."""
_ASK_AHEAD_TICKS: Final = round(3.0 / TICK_S)
"""The spotter holds a gap for his car so long before it is ready."""
_YIELD_MPS2: Final = 4.0
"""Cars on pit road brake so hard at most for one that crosses or leaves its box."""
_PRESSES_PER_S: Final = 4.0
_LAUNCH_MPS2: Final = 4.5
"""What a car that leaves its box gains meanwhile."""
_BOLDEST: Final = 6.0
_CROSS_FROM_M: Final = 60.0
_BESIDE: Final = (LANE_M[Lane.PIT_OUT] - LANE_M[Lane.PIT_IN]) / (BOX_M - LANE_M[Lane.PIT_IN])
_OUT_OF_LANE: Final = 0.35
"""Share of the way from which the cars in the lane of those on the way in get by."""
_LIGHT_M: Final = 8.0
_GOES_BY_M: Final = 110.0
_GOES_BY_S: Final = 5.0
"""The light is red while a car of the field is so near behind the end of pit road."""


@compiled
def step(cars: Cars, field: Field, course: Course, events: object, tick: int) -> None:
    """Move every stop on to its next phase."""
    for i in range(cars.size):
        car = cars[i]
        if car.phase == Phase.CALLED and car.lane == Lane.PIT_IN:
            come_in(car, field, course, i)
        elif car.phase == Phase.COMING_IN:
            _approach(cars, field, course, events, i, tick)
        elif car.phase == Phase.IN_BOX and tick >= car.release_tick - _ASK_AHEAD_TICKS:
            _release(cars, field, course, events, i, tick)
        elif car.phase == Phase.GOING_OUT:
            _leave(cars, field, course, i)


@compiled
def come_in(car: Cars, field: Field, course: Course, i: int) -> None:
    """The car is on the apron: from here on it is on its way to its box."""
    lap_from_m = car.laps * course.length_m
    if car.s - lap_from_m < course.limit_to_m - course.length_m:
        lap_from_m -= course.length_m
    car.phase = Phase.COMING_IN
    car.style = _PIT_IN
    car.box_s = lap_from_m + course.first_box_m + course.box_spacing_m * car.box
    car.stop_s = car.box_s
    car.entry_s = lap_from_m + course.entry_m
    car.exit_s = lap_from_m + course.limit_to_m
    car.crossing = 0
    car.slide = 0.0
    car.speeding = 0
    if field.mode != Mode.CHECKERED and not car.stop_and_go:
        car.speeding = int(_draw(car, field, i) < _SPEEDING)


@compiled
def retire(car: Cars, field: Field, events: object, i: int, tick: int, reason: int) -> None:
    """The car is out where it stands."""
    car.out = 1
    car.score = car.s
    tell(events, field, tick, Code.RETIRED, i, reason, 0.0, 0.0)


@compiled
def is_taken(cars: Cars, i: int) -> bool:
    """Whether a car that shares the box of car `i` is on its way to it, in it, or just leaving it."""
    if not cars[i].mates:
        return False
    for j in range(cars.size):
        other = cars[j]
        same = j != i and other.box == cars[i].box
        leaving = other.phase == Phase.STOPPED and other.lane_m < INFIELD_M - 0.5
        if same and (leaving or Phase.CALLED <= other.phase <= Phase.IN_BOX):
            return True
    return False


@compiled
def slide_m(car: Cars, lane_m: float) -> float:
    """`lane_m` with the way into and out of the box, one tick further."""
    if car.box_s >= FREE_M * FREE_M:
        return lane_m
    past_m = car.s - car.box_s
    if car.phase < Phase.GOING_OUT or car.phase == Phase.STOPPED:
        wish = _way_in(-past_m) if car.crossing else 0.0
        start_m = LANE_M[Lane.PIT_IN]
    else:
        wish = 1.0 - min(max(past_m / _LEAVE_OVER_M, 0.0), 1.0)
        start_m = LANE_M[Lane.PIT_OUT]
    car.slide += min(max(wish - car.slide, -_SLIDE_PER_TICK), _SLIDE_PER_TICK)
    return start_m + (BOX_M - start_m) * car.slide if car.slide > 0.0 else lane_m


@compiled
def is_on_pit_road(car: Cars, slow_mps: float, third_mps: float) -> bool:
    """Pit road begins at its entry, or where cars queue up to it, and ends where it does, or where a car
    has third gear again: what is slow is on pit road."""
    inside = car.entry_s <= car.s < car.exit_s
    queuing = car.phase == Phase.COMING_IN and car.speed < slow_mps
    gaining = car.phase == Phase.GOING_OUT and car.speed < third_mps
    return bool(inside or queuing or gaining or car.phase == Phase.IN_BOX)


@compiled
def _draw(car: Cars, field: Field, i: int) -> float:
    car.drawn += 1
    return draw(field.seed, i, car.drawn)


@compiled
def _approach(cars: Cars, field: Field, course: Course, events: object, i: int, tick: int) -> None:
    car = cars[i]
    left_m = car.stop_s - car.s
    if left_m > _CROSS_FROM_M:
        return
    if not car.crossing:
        room = room_around(cars, i, 1 << Lane.PIT_OUT, course.length_m)
        if has_room(room, _YIELD_MPS2):
            car.crossing = 1
            car.claims |= 1 << Lane.PIT_OUT
        return
    if car.slide > _OUT_OF_LANE:
        car.claims = 1 << Lane.PIT_OUT
    if car.speed <= 0.0 and left_m < _AT_BOX_M and car.slide >= 0.999999:
        _serve(car, field, events, i, tick)


@compiled
def _serve(car: Cars, field: Field, events: object, i: int, tick: int) -> None:
    """Begin the work: tires side by side, fuel, and what has to be mended."""
    car.phase = Phase.IN_BOX
    car.claims = 0
    fuel_gal = TANK_GAL - car.fuel_gal
    tires = car.tires_due
    chance = _draw(car, field, i)
    if car.stop_and_go:
        standing, fuel_gal, tires = _STOP_AND_GO_S, 0.0, 0
    elif tires == 4:
        standing = _FOUR_TIRES_S[0] + _FOUR_TIRES_S[1] * chance
    elif tires == 2:
        standing = _TWO_TIRES_S[0] + _TWO_TIRES_S[1] * chance
    else:
        standing = 2.0 + chance
    standing = max(standing, fuel_gal / _FILLING_GAL_PER_S + _SETTLE_S)
    ticks = int(standing / TICK_S + 0.5)
    car.fill_from = tick + 1
    car.fill_to = tick + int(_FILLED * ticks)
    car.fill_gal = fuel_gal / max(car.fill_to - car.fill_from, 1)
    car.filled_gal = fuel_gal
    car.first_tick = tick + int(_RIGHT_SIDE * ticks) if tires >= 2 else NEVER
    car.second_tick = tick + int(_LEFT_SIDE * ticks) if tires == 4 else NEVER
    car.tires_due = tires
    if car.repair:
        ticks += int(car.repair / TICK_S)
    if car.failing and not car.finished:
        retire(car, field, events, i, tick, car.failing - 1)
        car.fill_to, car.first_tick, car.second_tick = 0, NEVER, NEVER
    car.release_tick = tick + ticks
    car.standing_s = tick * TICK_S


@compiled
def _release(cars: Cars, field: Field, course: Course, events: object, i: int, tick: int) -> None:
    """Claim the lane beside the box as soon as there is room, and go when the work is done."""
    car = cars[i]
    done = tick >= car.release_tick
    if car.out or car.finished:
        # The box may be needed by another car.
        if done and (car.out or car.mates):
            _push_back(cars, i)
        return
    if car.claims == 0:
        room = room_around(cars, i, 1 << Lane.PIT_OUT, course.length_m)
        waited_s = max(tick - car.release_tick, 0) * TICK_S
        brakes = _YIELD_MPS2
        if done:
            brakes += min(_LAUNCH_MPS2 + _PRESSES_PER_S * waited_s, _BOLDEST)
        if not has_room(room, brakes):
            return
        car.claims = 1 << Lane.PIT_OUT
        car.lane = car.from_lane = Lane.PIT_OUT
    if not done:
        return
    tell(events, field, tick, Code.STOP, i, car.tires_due, car.filled_gal, tick * TICK_S - car.standing_s)
    if not car.stop_and_go:
        car.damage, car.repair, car.flat_tire = 1.0, 0, -1
        if car.tires_due > 0:
            car.tire_lap = car.laps
        car.stops += 1
    car.stop_and_go = 0
    clocked, car.speeding = car.speeding == CLOCKED, 0
    if clocked:
        car.stop_and_go = 1
        tell(events, field, tick, Code.SPEEDING, i, 0, 0.0, 0.0)
    # Drawn anew for the stint that begins.
    car.reserve_laps = 0.0
    car.phase = Phase.GOING_OUT
    car.style = _PIT_OUT
    car.stop_s = FREE_M * FREE_M
    car.asked = 0


@compiled
def _push_back(cars: Cars, i: int) -> None:
    """A car that is out goes behind the wall, and its box is free."""
    car = cars[i]
    before = 0
    for j in range(cars.size):
        before += j != i and cars[j].box == car.box and cars[j].phase == Phase.STOPPED
    car.phase = Phase.STOPPED
    car.claims = 0
    # The first goes furthest back, so that the next need not pass it.
    car.infield_m = INFIELD_M + INFIELD_STEP_M * max(car.mates - before, 0)
    car.box_s = FREE_M * FREE_M


@compiled
def _leave(cars: Cars, field: Field, course: Course, i: int) -> None:
    car = cars[i]
    if car.lane == Lane.LOW:
        car.phase = Phase.RACING
        car.entry_s = car.exit_s = car.box_s = car.stop_s = FREE_M * FREE_M
        car.slide = 0.0
        return
    car.stop_s = FREE_M * FREE_M
    lap_from_m = car.laps * course.length_m
    if car.s >= car.exit_s and course.leave_m <= car.s - lap_from_m < course.entry_m:
        # No way onto the track all along the apron: through pit road once more.
        car.entry_s = lap_from_m + course.entry_m
        car.exit_s = lap_from_m + course.limit_to_m
        car.box_s = FREE_M * FREE_M
    if field.mode == Mode.GREEN or car.s >= car.exit_s - 2.0:
        return
    if _field_goes_by(cars, course, car.exit_s, i):
        car.stop_s = car.exit_s - _LIGHT_M


@compiled
def _field_goes_by(cars: Cars, course: Course, exit_s: float, i: int) -> bool:
    for j in range(cars.size):
        other = cars[j]
        if j != i and other.phase <= Phase.CALLED and other.lane != Lane.PIT_IN:
            behind_m = forward_m(other.s, exit_s, course.length_m)
            if (
                behind_m < _GOES_BY_M + _GOES_BY_S * max(other.speed - course.pace_mps, 0.0)
                or behind_m > course.length_m - 12.0
            ):
                return True
    return False


@compiled
def _way_in(left_m: float) -> float:
    """Share of the way by the distance left: over to the boxes at once, past the neighbours, then in."""
    past = min(max((_SLIDE_FROM_M - left_m) / (_SLIDE_FROM_M - _PAST_NEIGHBOUR_M), 0.0), 1.0)
    inside = min(max((_PAST_NEIGHBOUR_M - left_m) / (_PAST_NEIGHBOUR_M - 1.0), 0.0), 1.0)
    return _BESIDE + (_ALONGSIDE - _BESIDE) * past + (1.0 - _ALONGSIDE) * inside
