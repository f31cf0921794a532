"""Who follows whom, who drafts, and who changes lanes: no two cars are ever in the same place.

Each car claims the lane it is in, and while it changes lanes both. It keeps clear of the nearest car ahead
that claims a lane of its own, and it may claim another lane only where there is room, ahead and behind. Lane
changes go inwards and outwards by turns, so two cars can never take the same room from both sides at once.
"""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.car import LENGTH_M
from nascar.race.following import (
    ANSWER_PER_S,
    BRAKES_MPS2,
    FOLLOWING_M,
    closing_allowed_mps,
    forward_m,
    room_around,
)
from nascar.race.frames import TICK_S
from nascar.race.state import FREE_M, LANE_M, NOBODY, Cars, Course, Field, Lane, Mode, Phase

STEP_TICKS: Final = 5
"""Ticks between two looks at the traffic."""
_CHANGE_TICKS_PER_M: Final = 14.0
_LONGEST_CHANGE_TICKS: Final = 90.0
"""A lane change of three metres takes 1.7 s."""
_REST_TICKS: Final = round(2.5 / TICK_S)
"""Between two lane changes of a car."""
_HELD_M: Final = 16.0
_HELD_S: Final = 3.0
"""Held up: nearer to the car ahead than this, plus so many seconds of the closing speed."""
_WORTH_M: Final = 10.0
"""Another lane must offer so much more room ahead."""
_CLEAR_M: Final = 45.0
"""Back to a lower lane where it is clear for so far ahead."""
_CAUTION_MERGE: Final = 0.55
"""Share of the pace car's speed from which a car on the way out may join the field under caution."""
_QUEUE_M: Final = 2.5
"""More room than on the track is kept on the way to the boxes, where every car ahead stops."""
_WAY_IN_MPS2: Final = 3.6
_YIELD_M: Final = 130.0
"""Racing cars make room for a car that comes back from its stop so far ahead of them."""

DRAFT_M: Final = 20.0
"""Behind a car: three lengths between the bumpers; from here on its wake saves drag …"""
_DRAFT: Final = 0.16
"""… up to this share, nose to tail (estimate)."""
_ALONGSIDE_M: Final = 2.2
_DIRT_M: Final = 30.0
_DIRT: Final = 0.010
"""Cornering speed lost in dirty air, nose to tail (estimate)."""
_LANE_LOSS: Final = 0.0014
"""Cornering speed lost per lane above the low one; the high-line drivers lose least (estimate)."""
_AIR_SHARE: Final = 0.25
"""How fast air and lane tell, per look."""


@compiled
def look(cars: Cars, field: Field, course: Course, tick: int) -> None:
    """End and begin lane changes, then find every car's leader and the air it drives in."""
    _end_changes(cars, tick)
    step = tick // STEP_TICKS
    find_leaders(cars, course.length_m)
    if step % 2 == 0:
        inwards = step % 4 == 0
        for i in range(cars.size):
            _consider(cars, field, course, i, tick, inwards)
        find_leaders(cars, course.length_m)
    _feel_air(cars, course.length_m)


@compiled
def find_leaders(cars: Cars, length_m: float) -> None:
    """Of the cars ahead in one's own lanes, the one that allows the least speed."""
    for i in range(cars.size):
        car = cars[i]
        best, least, best_way = NOBODY, 1.0e9, 0.0
        room_m = FOLLOWING_M + (_QUEUE_M if car.phase == Phase.COMING_IN else 0.0)
        if car.claims != 0:
            for j in range(cars.size):
                other = cars[j]
                if j == i or other.claims & car.claims == 0:
                    continue
                way = forward_m(car.s, other.s, length_m)
                allowed = (
                    closing_allowed_mps(way - room_m, BRAKES_MPS2) + other.speed + other.accel / ANSWER_PER_S
                )
                if allowed < least:
                    best, least, best_way = j, allowed, way
        car.leader[0] = best
        car.room[0] = room_m
        if best != NOBODY:
            car.offset[0] = car.s + best_way - cars[best].s


@compiled
def lane_at(car: Cars, tick: int) -> float:
    """Offset from the centre line on track, m."""
    end = LANE_M[car.lane]
    if car.from_lane == car.lane:
        return end
    start = LANE_M[car.from_lane]
    share = min((tick - car.change_tick) / _change_ticks(car), 1.0)
    return float(start + (end - start) * (share * share * (3.0 - 2.0 * share)))


@compiled
def _change_ticks(car: Cars) -> float:
    way_m = abs(LANE_M[car.lane] - LANE_M[car.from_lane])
    return max(min(way_m * _CHANGE_TICKS_PER_M, _LONGEST_CHANGE_TICKS), 1.0)


@compiled
def _end_changes(cars: Cars, tick: int) -> None:
    for i in range(cars.size):
        car = cars[i]
        if car.from_lane != car.lane and tick - car.change_tick >= _change_ticks(car):
            car.from_lane = car.lane
            car.claims = 1 << car.lane


@compiled
def _is_yielding(cars: Cars, i: int, course: Course) -> bool:
    """Whether a racing car should leave the low lane to a car ahead that comes back from its stop."""
    if cars[i].phase != Phase.RACING:
        return False
    for j in range(cars.size):
        other = cars[j]
        merging = other.phase == Phase.GOING_OUT and other.speed >= course.merge_mps
        if merging and forward_m(cars[i].s, other.s, course.length_m) < _YIELD_M:
            return True
    return False


@compiled
def _consider(cars: Cars, field: Field, course: Course, i: int, tick: int, inwards: bool) -> None:
    """Begin the lane change that car `i` would like, if there is room for it."""
    car = cars[i]
    if car.from_lane != car.lane:
        return
    yields = field.mode == Mode.GREEN and _is_yielding(cars, i, course)
    target = _target(cars, field, course, i, tick, inwards, yields)
    if target == car.lane:
        return
    needed = 1 << target
    merging = car.lane == Lane.PIT_OUT
    if merging:
        # The way from the boxes' lane to the track crosses the lane of the cars on the way in.
        needed |= 1 << Lane.PIT_IN
    ahead_m, closing, behind_m, closed, leader = room_around(cars, i, needed, course.length_m)
    closing, closed = max(closing, 0.0), max(closed, 0.0)
    # For a car that has to get onto the track those behind brake harder than for one that wants to pass.
    brakes = 3.0 if merging else 2.0
    # A car on its way in brakes anyway.
    own_brakes = _WAY_IN_MPS2 if car.phase == Phase.CALLED else 3.0
    if ahead_m - LENGTH_M <= 1.8 + 0.4 * closing + closing * closing / (2.0 * own_brakes):
        return
    if behind_m - LENGTH_M <= 2.2 + 0.5 * closed + closed * closed / (2.0 * brakes):
        return
    if field.mode == Mode.GREEN and car.phase == Phase.RACING and not yields:
        own_m = FREE_M
        if car.leader[0] != NOBODY:
            own_m = cars[car.leader[0]].s + car.offset[0] - car.s
        worth = ahead_m > own_m + _WORTH_M
        if target < car.lane:
            slower = leader >= 0 and car.pace > cars[leader].pace
            worth = ahead_m > _CLEAR_M or (not slower and worth)
        if not worth:
            return
    car.claims |= needed
    car.from_lane = car.lane
    car.lane = target
    car.change_tick = tick


@compiled
def _target(cars: Cars, field: Field, course: Course, i: int, tick: int, inwards: bool, yields: bool) -> int:
    """Lane that a car would like to change to now; its own where none."""
    car = cars[i]
    lane = int(car.lane)
    if car.phase == Phase.GOING_OUT:
        return Lane.LOW if not inwards and _may_merge(car, field, course) else lane
    if car.phase == Phase.CALLED:
        if not inwards:
            return lane
        lap_m = car.s - car.laps * course.length_m
        leave_m = course.leave_m
        leaving = leave_m <= lap_m < course.leave_to_m
        return lane - 1 if lane > Lane.LOW or (leaving and lane == Lane.LOW) else lane
    if car.phase != Phase.RACING:
        return lane
    if field.mode != Mode.GREEN and field.mode != Mode.CHECKERED:
        return _caution_target(car, field, inwards)
    if tick - car.change_tick < _REST_TICKS:
        return lane
    if inwards:
        if lane > Lane.LOW and not (yields and lane == Lane.MIDDLE):
            return lane - 1
        return lane
    if lane >= Lane.HIGH:
        return lane
    if yields and lane == Lane.LOW:
        return lane + 1
    leader = car.leader[0]
    if leader == NOBODY:
        return lane
    ahead = cars[leader]
    own_m = ahead.s + car.offset[0] - car.s
    closing = max(car.speed - ahead.speed, 0.0)
    held = own_m < _HELD_M + _HELD_S * closing
    quicker = car.pace + car.boldness > ahead.pace or closing > 1.0
    return lane + 1 if held and quicker else lane


@compiled
def _caution_target(car: Cars, field: Field, inwards: bool) -> int:
    lane = int(car.lane)
    if car.around == 1 or car.drop:
        goal = Lane.HIGH
    elif field.mode == Mode.LINE_UP and car.row >= 0:
        goal = Lane.MIDDLE if car.row % 2 else Lane.LOW
    else:
        goal = Lane.LOW
    if inwards:
        return lane - 1 if goal < lane else lane
    return lane + 1 if goal > lane else lane


@compiled
def _may_merge(car: Cars, field: Field, course: Course) -> bool:
    least = course.merge_mps if field.mode == Mode.GREEN else _CAUTION_MERGE * course.pace_mps
    lap_m = car.s - car.laps * course.length_m
    past_m = course.limit_to_m - course.length_m
    return bool(car.lane == Lane.PIT_OUT and car.speed >= least and past_m < lap_m < course.merged_m + 2.0)


@compiled
def _feel_air(cars: Cars, length_m: float) -> None:
    """Draft and dirty air of the nearest car ahead in about the same line."""
    for i in range(cars.size):
        car = cars[i]
        draft, dirt = 0.0, 0.0
        if car.phase <= Phase.CALLED:
            nearest = FREE_M
            for j in range(cars.size):
                other = cars[j]
                if j != i and other.phase <= Phase.CALLED and abs(other.lane_m - car.lane_m) < _ALONGSIDE_M:
                    nearest = min(nearest, forward_m(car.s, other.s, length_m))
            draft = _DRAFT * min(max((DRAFT_M - nearest) / (DRAFT_M - LENGTH_M), 0.0), 1.0)
            dirt = _DIRT * min(max((_DIRT_M - nearest) / (_DIRT_M - LENGTH_M), 0.0), 1.0)
            above = max(car.lane - Lane.LOW, 0)
            dirt += _LANE_LOSS * above * (1.0 - car.high_line)
        car.draft += (draft - car.draft) * _AIR_SHARE
        car.dirt += (dirt - car.dirt) * _AIR_SHARE
