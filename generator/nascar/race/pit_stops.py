"""Pit stops under green: who is called in, the way to the box, the work there, and the way back.

Boxes stand in one row; in a large field cars share a box and are called so that only one of them comes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.car import TANK_GAL
from nascar.race.chance import CarDraws, Purpose
from nascar.race.engine import DOWN_TO_SECOND_MPS, UP_TO_THIRD_MPS
from nascar.race.frames import TICK_S, Bools, Floats
from nascar.race.motion import BLOCK_TICKS
from nascar.race.speed_plan import Style
from nascar.race.state import BOX_M, LANE_M, Cars, Lane, Phase, Whole
from nascar.race.track import Track
from nascar.race.traffic import LEAVE_WINDOW_M, Traffic

_FULL_LAP_GAL: Final = 0.294
"""A green lap's fuel: 20 gal for 68 laps."""
_RESERVE_LAPS: Final = 1.3
"""Fuel that a crew chief keeps in hand at least when he calls his car in: it could still miss a lap."""
_CALLS_PER_LAP: Final = 9
"""Pit road serves so many cars a lap without a queue: the calls of a field are spread over its laps."""
_RESERVE_PER_MATE_LAPS: Final = 3.5
"""More in hand for each car that shares the box: it may be its turn."""
_CROWD: Final = 24
"""With so many cars in their stops, those that can wait a lap do."""
_UNSCHEDULED: Final = 0.0006
"""Chance of a stop on a lap for another reason than fuel: a vibration, a loose wheel."""
_STANDING_S: Final = (8.0, 9.8)
"""Four tires and fuel; by law 8 to 11 s."""
_RIGHT_SIDE: Final = 0.45
_LEFT_SIDE: Final = 0.9
"""When the new tires are on, as shares of the stop."""
_FILLED: Final = 0.95
_AT_BOX_M: Final = 0.6
_SLIDE_FROM_M: Final = 14.0
"""A car on the way in leaves the lane beside the boxes from here on."""
_PAST_NEIGHBOUR_M: Final = 5.2
_LEAVE_OVER_M: Final = 9.0
_SLIDE_PER_TICK: Final = TICK_S / 1.4
_ALONGSIDE: Final = 0.72
"""Share of the way from lane to box that stays clear of the cars in the neighbouring boxes."""
_ASK_AHEAD_TICKS: Final = round(2.0 / TICK_S)
"""The spotter holds a gap for his car so long before it is ready."""
_YIELD_MPS2: Final = 4.0
"""Cars on pit road brake so hard at most for one that crosses or leaves its box."""
_LAUNCH_MPS2: Final = 3.0
"""What a car that leaves its box gains meanwhile."""
_PRESSES_PER_S: Final = 4.0
_BOLDEST: Final = 4.0
_PATIENCE_S: Final = 1.0
"""The longer a car has waited for a gap, the smaller a gap will do; after this it gives way to no car that
is not yet in the lane."""
_CROSS_FROM_M: Final = 60.0
_BESIDE: Final = (LANE_M[Lane.PIT_OUT] - LANE_M[Lane.PIT_IN]) / (BOX_M - LANE_M[Lane.PIT_IN])
_OUT_OF_LANE: Final = 0.35
"""Share of the way from which the cars in the lane of those on the way in get by."""
_SIDES: Final = ((1, 3), (0, 2))
"""Tires changed first and second."""


class PitStops:
    """Calls, stops and releases of one field."""

    def __init__(self, seed: int, track: Track, cars: int) -> None:
        self._track = track
        self._calls = CarDraws(seed, Purpose.PIT_CALLS, cars)
        self._work = CarDraws(seed, Purpose.PIT_STOPS, cars)
        self._box = np.arange(cars) % track.pit.boxes
        self._mates = np.bincount(self._box, minlength=track.pit.boxes)[self._box] - 1
        self._gate_m = track.pit.leave_m + LEAVE_WINDOW_M
        self._laps_called = np.zeros(cars, np.int64)
        self._reserve_laps = self._draw_reserve(np.arange(cars))
        self.entry_m = np.full(cars, np.inf)
        """Distance of the race at which pit road begins for the stop at hand; infinite without one."""
        self.exit_m = np.full(cars, np.inf)
        """Distance of the race at which the speed limit ends for the stop at hand."""
        self._box_m = np.full(cars, np.inf)
        self._release_tick = np.zeros(cars, np.int64)
        self._fill_from = np.zeros(cars, np.int64)
        self._fill_to = np.zeros(cars, np.int64)
        self._fill_gal = np.zeros(cars)
        """Fuel that goes in at each tick from `fill_from` to before `fill_to`."""
        self._tire_changes: list[tuple[int, int, tuple[int, int]]] = []
        """Tick, car and the two tires that are new from then on."""
        self._crossing = np.zeros(cars, np.bool_)
        self._slide = np.zeros(cars)
        """How far a car is on the way from its lane (0) into its box (1)."""

    def call(self, cars: Cars) -> None:
        """Call in the cars that have just passed by with too little fuel for two laps more, or with a trouble."""
        laps = np.rint(cars.base_m / self._track.length_m).astype(np.int64) + (cars.lap_m >= self._gate_m)
        new = np.flatnonzero(laps > self._laps_called)
        if new.size == 0:
            return
        self._laps_called[new] = laps[new]
        trouble = self._calls.take(new)[:, 0] < _UNSCHEDULED
        left_laps = cars.fuel_gal[new] / _FULL_LAP_GAL - 2.0
        short = left_laps < self._reserve_laps[new]
        urgent = left_laps < _RESERVE_LAPS
        for car in new[(short | trouble) & (cars.phase[new] == Phase.RACING)]:
            busy = cars.phase != Phase.RACING
            crowded = np.count_nonzero(busy) >= _CROWD and not urgent[new == car][0]
            at_box = busy & (cars.phase != Phase.GOING_OUT) & (self._box == self._box[car])
            if not crowded and not at_box.any():
                cars.phase[car] = Phase.CALLED

    def step(self, cars: Cars, tick: int, traffic: Traffic) -> None:
        """Move every stop on to its next phase."""
        for car in np.flatnonzero(cars.phase >= Phase.CALLED).tolist():
            phase = cars.phase[car]
            if phase == Phase.CALLED and cars.lane[car] == Lane.PIT_IN:
                self._come_in(cars, car)
            elif phase == Phase.COMING_IN:
                self._approach(cars, car, tick, traffic)
            elif phase == Phase.IN_BOX and tick >= self._release_tick[car] - _ASK_AHEAD_TICKS:
                self._release(cars, car, tick, traffic)
            elif phase == Phase.GOING_OUT and cars.lane[car] == Lane.LOW:
                self._rejoin(cars, car)

    def lanes_m(self, cars: Cars, lap_m: Floats, lanes_m: Floats) -> Floats:
        """`lanes_m` ``(ticks, cars)`` with the ways into and out of the boxes."""
        moving = np.flatnonzero((cars.phase >= Phase.COMING_IN) & np.isfinite(self._box_m))
        if moving.size == 0:
            return lanes_m
        lanes_m = lanes_m.copy()
        past_m = lap_m[:, moving] + cars.base_m[moving] - self._box_m[moving]
        inwards = cars.phase[moving] < Phase.GOING_OUT
        crossing = self._crossing[moving]
        wish = np.where(inwards, _way_in(-past_m) * crossing, _way_out(past_m))
        slide = self._slide[moving]
        start_m = np.where(inwards, LANE_M[Lane.PIT_IN], LANE_M[Lane.PIT_OUT])
        on_track = lanes_m[:, moving]
        for tick in range(lap_m.shape[0]):
            slide = slide + np.clip(wish[tick] - slide, -_SLIDE_PER_TICK, _SLIDE_PER_TICK)
            boxed = start_m + (BOX_M - start_m) * slide
            on_track[tick] = np.where(slide > 0.0, boxed, on_track[tick])
        lanes_m[:, moving] = on_track
        self._slide[moving] = slide
        return lanes_m

    def on_pit_road(self, cars: Cars, distance_m: Floats, speed_mps: Floats) -> Bools:
        """Whether each car is on pit road, ``(ticks, cars)``.

        Pit road begins at its entry, or where cars queue up to it, and ends where it does, or where a car
        has third gear again: what is slow is on pit road.
        """
        inside = (distance_m >= self.entry_m) & (distance_m < self.exit_m)
        queuing = (cars.phase == Phase.COMING_IN) & (speed_mps < DOWN_TO_SECOND_MPS)
        gaining = (cars.phase == Phase.GOING_OUT) & (speed_mps < UP_TO_THIRD_MPS)
        return np.asarray(inside | queuing | gaining)

    def filled_gal(self, tick: int) -> Floats:
        """Fuel that goes in at each tick of the block from `tick` on, ``(ticks, cars)``."""
        ticks = np.arange(tick, tick + BLOCK_TICKS)[:, None]
        return np.where((ticks >= self._fill_from) & (ticks < self._fill_to), self._fill_gal, 0.0)

    def take_changes(self, tick: int) -> list[tuple[int, int, tuple[int, int]]]:
        """Tire changes due in the block from `tick` on, by the block's rows; they are not given again."""
        due = [change for change in self._tire_changes if change[0] < tick + BLOCK_TICKS]
        self._tire_changes = [change for change in self._tire_changes if change[0] >= tick + BLOCK_TICKS]
        return [(at - tick, car, tires) for at, car, tires in due]

    def _draw_reserve(self, cars: Whole) -> Floats:
        least = _RESERVE_LAPS + _RESERVE_PER_MATE_LAPS * self._mates[cars]
        spread = max(1.0, self._box.size / _CALLS_PER_LAP)
        return np.asarray(least + spread * self._calls.take(cars)[:, 0])

    def _come_in(self, cars: Cars, car: int) -> None:
        pit, lap_from_m = self._track.pit, cars.base_m[car]
        if cars.lap_m[car] >= self._track.length_m:
            lap_from_m += self._track.length_m
        box_m = pit.first_box_m + pit.box_spacing_m * self._box[car]
        cars.phase[car] = Phase.COMING_IN
        cars.style[car] = Style.PIT_IN
        cars.pace[car] = 1.0
        cars.stop_lap_m[car] = box_m + lap_from_m - cars.base_m[car]
        self.entry_m[car] = lap_from_m + pit.entry_m
        self.exit_m[car] = lap_from_m + pit.limit_to_m
        self._box_m[car] = lap_from_m + box_m
        self._crossing[car] = False
        self._slide[car] = 0.0

    def _approach(self, cars: Cars, car: int, tick: int, traffic: Traffic) -> None:
        left_m = cars.stop_lap_m[car] - cars.lap_m[car]
        if left_m > _CROSS_FROM_M:
            return
        if not self._crossing[car]:
            if traffic.room(cars, car, Lane.PIT_OUT).suffices(_YIELD_MPS2):
                self._crossing[car] = True
                cars.claims[car] |= 1 << Lane.PIT_OUT
            return
        if self._slide[car] > _OUT_OF_LANE:
            cars.claims[car] = 1 << Lane.PIT_OUT
        if cars.speed_mps[car] <= 0.0 and left_m < _AT_BOX_M and self._slide[car] >= 0.999_999:
            self._serve(cars, car, tick)

    def _serve(self, cars: Cars, car: int, tick: int) -> None:
        shortest, longest = _STANDING_S
        standing = shortest + (longest - shortest) * float(self._work.take(np.array([car]))[0, 0])
        ticks = round(standing / TICK_S)
        cars.phase[car] = Phase.IN_BOX
        cars.claims[car] = 0
        self._release_tick[car] = tick + ticks
        self._fill_from[car] = tick + 1
        self._fill_to[car] = tick + round(_FILLED * ticks)
        filling = self._fill_to[car] - self._fill_from[car]
        self._fill_gal[car] = (TANK_GAL - cars.fuel_gal[car]) / filling
        for share, side in zip((_RIGHT_SIDE, _LEFT_SIDE), _SIDES, strict=True):
            self._tire_changes.append((tick + round(share * ticks), int(car), side))

    def _release(self, cars: Cars, car: int, tick: int, traffic: Traffic) -> None:
        """Claim the lane beside the box as soon as there is room, and go when the work is done."""
        done = tick >= self._release_tick[car]
        if not cars.claims[car]:
            room = traffic.room(cars, car, Lane.PIT_OUT)
            waited_s = max(tick - int(self._release_tick[car]), 0) * TICK_S
            brakes_mps2 = _YIELD_MPS2 + (
                min(_LAUNCH_MPS2 + _PRESSES_PER_S * waited_s, _BOLDEST) if done else 0.0
            )
            patient = waited_s < _PATIENCE_S
            if not room.suffices(brakes_mps2) or (patient and self._somebody_crosses(cars, car)):
                return
            cars.claims[car] = 1 << Lane.PIT_OUT
            cars.lane[car] = cars.from_lane[car] = Lane.PIT_OUT
        if not done:
            return
        cars.phase[car] = Phase.GOING_OUT
        cars.style[car] = Style.PIT_OUT
        cars.stop_lap_m[car] = np.inf
        self._reserve_laps[car] = self._draw_reserve(np.array([car]))[0]

    def _somebody_crosses(self, cars: Cars, car: int) -> bool:
        """Whether a car that drives past has its box a little further on."""
        behind_m = cars.distance_m[car] - cars.distance_m
        further_m = self._box_m - self._box_m[car]
        length_m = self._track.length_m
        behind_m = behind_m - np.rint(behind_m / length_m) * length_m
        further_m = np.where(np.isfinite(further_m), further_m, 0.0)
        further_m = further_m - np.rint(further_m / length_m) * length_m
        near = (behind_m > -8.0) & (behind_m < 14.0) & (further_m > 0.0) & (further_m < 45.0)
        return bool(np.any(near & (cars.phase == Phase.COMING_IN)))

    def _rejoin(self, cars: Cars, car: int) -> None:
        cars.phase[car] = Phase.RACING
        self.entry_m[car] = self.exit_m[car] = self._box_m[car] = np.inf


def _way_in(left_m: Floats) -> Floats:
    """Share of the way by the distance left: over to the boxes at once, past the neighbours, then in."""
    past = np.clip((_SLIDE_FROM_M - left_m) / (_SLIDE_FROM_M - _PAST_NEIGHBOUR_M), 0.0, 1.0)
    inside = np.clip((_PAST_NEIGHBOUR_M - left_m) / (_PAST_NEIGHBOUR_M - 1.0), 0.0, 1.0)
    return _BESIDE + (_ALONGSIDE - _BESIDE) * past + (1.0 - _ALONGSIDE) * inside


def _way_out(past_m: Floats) -> Floats:
    """Share of the way that is left by the distance from the box."""
    return 1.0 - np.clip(past_m / _LEAVE_OVER_M, 0.0, 1.0)
