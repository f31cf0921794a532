"""Who follows whom, and who changes lanes: no two cars are ever in the same place.

Each car claims the lane it is in, and while it changes lanes both. It keeps clear of the nearest car ahead
that claims a lane of its own (`Motion` does that at every tick), and it may claim another lane only where
there is room, ahead and behind. Lane changes go inwards and outwards by turns, so two cars can never take
the same room from both sides at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.car import LENGTH_M
from nascar.race.following import ANSWER_PER_S, closing_allowed_mps
from nascar.race.frames import TICK_S, Bools, Floats
from nascar.race.state import LANE_M, Cars, Lane, Phase, Whole
from nascar.race.track import Track

STEP_TICKS: Final = 5
"""Ticks between two looks at the traffic."""
_CHANGE_TICKS_PER_M: Final = 14
_LONGEST_CHANGE_TICKS: Final = 90
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
_MERGE_MPS: Final = 55.0
"""From this speed on a car on the way out may join the racing lanes."""
_YIELD_M: Final = 130.0
"""Racing cars make room for a car that comes back from its stop so far ahead of them."""
_MERGED_M: Final = 250.0
"""A merge begins at least so far ahead of the place where cars leave for pit road."""
_FREE_M: Final = 1.0e6
LEAVE_WINDOW_M: Final = 220.0
"""A called car that has not found its way to the apron within this stays out for another lap."""


@dataclass(frozen=True, slots=True)
class Room:
    """Centre-to-centre distances to the nearest cars in a lane, and how fast the gaps close."""

    ahead_m: float
    closing_mps: float
    behind_m: float
    closed_mps: float

    def suffices(self, brakes_mps2: float) -> bool:
        """Whether the car can go there, and the cars there and itself brake no harder for it."""
        closing, closed = max(self.closing_mps, 0.0), max(self.closed_mps, 0.0)
        return self.ahead_m > LENGTH_M + 2.1 + closing * closing / (
            2.0 * brakes_mps2
        ) and self.behind_m > LENGTH_M + 3.1 + closed * closed / (2.0 * brakes_mps2)


class Traffic:
    """Leaders and lane changes of one field."""

    def __init__(self, track: Track, cars: int) -> None:
        self._track = track
        self._self = np.arange(cars)
        self.leader: NDArray[np.intp] = np.arange(cars)
        """Car that each car follows; itself on a free road."""
        self.ahead_m: Floats = np.full(cars, _FREE_M)
        """What to add to the leader's `lap_m` to have it ahead of one's own on one line."""
        self._lane_m = np.array(LANE_M)

    def look(self, cars: Cars, tick: int) -> None:
        """End and begin lane changes, then find every car's leader."""
        self._end_changes(cars, tick)
        between = self._between(cars)
        leader, gap_m = _leaders(cars, between)
        step = tick // STEP_TICKS
        if step % 2 == 0:
            yields = self._yields(cars, between)
            target = self._targets(cars, tick, step % 4 == 0, yields, leader, gap_m)
            if self._change(cars, tick, target, yields, between, gap_m):
                leader, gap_m = _leaders(cars, between)
        free = gap_m >= _FREE_M
        self.leader = np.where(free, self._self, leader)
        self.ahead_m = np.where(free, _FREE_M, gap_m - (cars.lap_m.take(self.leader) - cars.lap_m))

    def room(self, cars: Cars, car: int, lane: int) -> Room:
        """The room around a car in a lane it is not in."""
        there = (cars.claims & (1 << lane)) != 0
        there[car] = False
        if not there.any():
            return Room(_FREE_M, 0.0, _FREE_M, 0.0)
        between = self._between(cars)[car]
        ahead_m = np.where(there, between, _FREE_M)
        behind_m = np.where(there, self._track.length_m - between, _FREE_M)
        speed = cars.speed_mps - cars.speed_mps[car]
        leader, follower = ahead_m.argmin(), behind_m.argmin()
        return Room(
            ahead_m=float(ahead_m[leader]),
            closing_mps=float(-speed[leader]),
            behind_m=float(behind_m[follower]),
            closed_mps=float(speed[follower]),
        )

    def lanes_m(self, cars: Cars, tick: int, ticks: int) -> Floats:
        """Offsets from the centre line at `ticks` ticks from `tick` on, ``(ticks, cars)``."""
        start, end = self._lane_m.take(cars.from_lane), self._lane_m.take(cars.lane)
        if not (cars.from_lane != cars.lane).any():
            return np.broadcast_to(end, (ticks, cars.cars))
        since = np.arange(tick, tick + ticks)[:, None] - cars.change_tick
        share = np.minimum(since / np.maximum(self._change_ticks(cars), 1), 1.0)
        return np.asarray(start + (end - start) * (share * share * (3.0 - 2.0 * share)))

    def _change_ticks(self, cars: Cars) -> Floats:
        way_m = self._lane_m.take(cars.lane) - self._lane_m.take(cars.from_lane)
        return np.asarray(np.minimum(np.abs(way_m) * _CHANGE_TICKS_PER_M, _LONGEST_CHANGE_TICKS))

    def _end_changes(self, cars: Cars, tick: int) -> None:
        changing = cars.from_lane != cars.lane
        if changing.any():
            done = changing & (tick - cars.change_tick >= self._change_ticks(cars))
            cars.from_lane = np.where(done, cars.lane, cars.from_lane)
            cars.claims = np.where(done, 1 << cars.lane, cars.claims)

    def _between(self, cars: Cars) -> Floats:
        """Metres from each car (row) forward to every other (column), around the lap; far to itself."""
        length_m = self._track.length_m
        place = np.where(cars.lap_m >= length_m, cars.lap_m - length_m, cars.lap_m)
        between = place[None, :] - place[:, None]
        between = np.where(between < 0.0, between + length_m, between)
        between.reshape(-1)[:: place.size + 1] = _FREE_M
        return between

    def _yields(self, cars: Cars, between: Floats) -> Bools:
        """Racing cars that leave the low lane to a car ahead that comes back from its stop."""
        out = np.flatnonzero((cars.phase == Phase.GOING_OUT) & (cars.speed_mps >= _MERGE_MPS))
        if out.size == 0:
            return np.zeros(cars.cars, np.bool_)
        near = between[:, out].min(axis=1) < _YIELD_M
        return np.asarray(near & (cars.phase == Phase.RACING))

    def _targets(
        self,
        cars: Cars,
        tick: int,
        inwards: bool,
        yields: Bools,
        leader: NDArray[np.intp],
        gap_m: Floats,
    ) -> Whole:
        """Lane that each car would like to change to now; its own where none."""
        lane, phase = cars.lane, cars.phase
        settled = (cars.from_lane == lane) & (tick - cars.change_tick >= _REST_TICKS)
        racing = settled & (phase == Phase.RACING)
        if not inwards:
            closing = np.maximum(cars.speed_mps - cars.speed_mps.take(leader), 0.0)
            held = gap_m < _HELD_M + _HELD_S * closing
            quicker = (cars.pace > cars.pace.take(leader)) | (closing > 1.0)
            out = racing & held & quicker & (lane < Lane.HIGH)
            out |= racing & yields & (lane == Lane.LOW)
            target = lane + out
            if (phase == Phase.GOING_OUT).any():
                target = np.where(self._may_merge(cars), Lane.LOW, target)
            return np.asarray(target)
        target = lane - (racing & (lane > Lane.LOW) & ~(yields & (lane == Lane.MIDDLE)))
        if (phase == Phase.CALLED).any():
            called = (phase == Phase.CALLED) & (cars.from_lane == lane)
            leave_m = self._track.pit.leave_m
            leaving = (cars.lap_m >= leave_m) & (cars.lap_m < leave_m + LEAVE_WINDOW_M)
            target = target - (called & ((lane > Lane.LOW) | leaving))
        return np.asarray(target)

    def _may_merge(self, cars: Cars) -> Bools:
        past_m = self._track.pit.limit_to_m - self._track.length_m
        # Further on, cars on the way in slow down on the apron that a merging car would have to cross.
        last_m = self._track.pit.leave_m - _MERGED_M
        waiting = (cars.phase == Phase.GOING_OUT) & (cars.lane == Lane.PIT_OUT)
        return np.asarray(
            waiting & (cars.speed_mps >= _MERGE_MPS) & (cars.lap_m > past_m) & (cars.lap_m < last_m)
        )

    def _change(
        self, cars: Cars, tick: int, target: Whole, yields: Bools, between: Floats, gap_m: Floats
    ) -> bool:
        """Begin the wanted changes that there is room for; whether there was any."""
        wanting = np.flatnonzero(target != cars.lane)
        if wanting.size == 0:
            return False
        goal = target[wanting]
        needed = 1 << goal
        # The way from the boxes' lane to the track crosses the lane of the cars on the way in.
        merging = cars.lane[wanting] == Lane.PIT_OUT
        needed = needed | np.where(merging, 1 << Lane.PIT_IN, 0)
        there = (needed[:, None] & cars.claims[None, :]) != 0
        rows = between[wanting]
        leader, ahead_m = _nearest(rows, there)
        follower, behind_m = _nearest(self._track.length_m - rows, there & (rows < _FREE_M))
        speed = cars.speed_mps[wanting]
        closing = np.maximum(speed - cars.speed_mps[leader], 0.0)
        closed = np.maximum(cars.speed_mps[follower] - speed, 0.0)
        room = ahead_m - LENGTH_M > 1.8 + 0.4 * closing + closing * closing / 6.0
        # For a car that has to get onto the track those behind brake harder than for one that wants to pass.
        brakes_mps2 = np.where(merging, 3.0, 2.0)
        room &= behind_m - LENGTH_M > 2.2 + 0.5 * closed + closed * closed / (2.0 * brakes_mps2)
        racing = cars.phase[wanting] == Phase.RACING
        outwards = goal > cars.lane[wanting]
        own_m = gap_m[wanting]
        slower_there = cars.pace[wanting] > cars.pace[leader]
        worth = np.where(
            outwards,
            ahead_m > own_m + _WORTH_M,
            (ahead_m > _CLEAR_M) | (~slower_there & (ahead_m > own_m + _WORTH_M)),
        )
        going = wanting[room & (worth | ~racing | yields[wanting])]
        if going.size == 0:
            return False
        goal = target[going]
        cars.claims[going] |= (1 << goal) | np.where(cars.lane[going] == Lane.PIT_OUT, 1 << Lane.PIT_IN, 0)
        cars.from_lane[going] = cars.lane[going]
        cars.lane[going] = goal
        cars.change_tick[going] = tick
        return True


def _leaders(cars: Cars, between: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Of the cars ahead in one's own lanes, the nearest, and how far it is.

    For a car between two lanes it is the one that allows the least speed: there a slow car may come behind
    a quick one.
    """
    claims = cars.claims
    leader, gap_m = _nearest(between, (claims[:, None] & claims[None, :]) != 0)
    rows = np.flatnonzero(claims & (claims - 1))
    if rows.size:
        allowed = closing_allowed_mps(between[rows])
        allowed += cars.speed_mps + cars.accel_mps2 / ANSWER_PER_S
        allowed[(claims[rows, None] & claims[None, :]) == 0] = _FREE_M
        allowed[np.arange(rows.size), rows] = _FREE_M
        leader[rows] = allowed.argmin(axis=1)
        shares = (claims[rows] & claims[leader[rows]] != 0) & (leader[rows] != rows)
        gap_m[rows] = np.where(shares, between[rows, leader[rows]], _FREE_M)
    return leader, gap_m


def _nearest(between: Floats, there: Bools) -> tuple[NDArray[np.intp], Floats]:
    """Of the cars that are `there`, the nearest to each row's car, and how far it is."""
    distance_m = np.where(there, between, _FREE_M)
    nearest = distance_m.argmin(axis=1)
    return nearest, distance_m[np.arange(nearest.size), nearest]
