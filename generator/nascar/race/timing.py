"""Timing and scoring: line crossings, lap times, gaps and stops, read out of the frames as they come.

It knows nothing but frames, so it can stand beside any source of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import TICK_S, Bools, Floats, Frames, FrameSource

_LAPS_REMEMBERED: Final = 64
"""Laps whose first crossing is kept for the gaps; a car further behind is timed by its distance."""


@dataclass(frozen=True, slots=True)
class Standings:
    """The field in running order at one tick; arrays are ``(cars,)``, the leader first."""

    race_time_s: float
    leader_lap: int
    flag: int
    """Index into `frames.FLAGS`."""
    car: NDArray[np.intp]
    """Place of the car on the entry list."""
    lap: NDArray[np.int32]
    gap_s: Floats
    """Behind the leader at the last line crossing; before the first, by distance and speed."""
    last_lap_s: Floats
    """0 before the first whole lap."""
    best_lap_s: Floats
    stops: NDArray[np.int64]
    on_pit_road: Bools


class Timing:
    """Times a field on a lap of `lap_length_m` metres. Memory does not grow with the race."""

    def __init__(self, cars: int, lap_length_m: float) -> None:
        self._lap_length_m = lap_length_m
        self._crossed_s = np.full(cars, np.nan)
        self._crossings = np.zeros(cars, np.int64)
        self._last_lap_s = np.zeros(cars)
        self._best_lap_s = np.zeros(cars)
        self._stops = np.zeros(cars, np.int64)
        self._first_s: dict[int, float] = {}
        """When the first car crossed the line for the given time."""
        self._latest: Frames | None = None

    def observe(self, frames: Frames) -> None:
        """Take in the next frames, without a gap to those before."""
        before = self._latest
        if before is None:
            distance_m, pit = frames.distance_m, frames.on_pit_road
            # Who stands on the line as the watch starts has crossed it then.
            self._crossed_s[distance_m[0] == 0.0] = frames.first_tick * TICK_S
        else:
            distance_m = np.concatenate((before.distance_m[-1:], frames.distance_m))
            pit = np.concatenate((before.on_pit_road[-1:], frames.on_pit_road))
        first_tick = frames.first_tick - (0 if before is None else 1)
        laps = np.floor_divide(distance_m, self._lap_length_m)
        rows, cars = np.nonzero(laps[1:] > laps[:-1])
        for row, car in zip(rows.tolist(), cars.tolist(), strict=True):
            start, end = distance_m[row, car], distance_m[row + 1, car]
            line_m = laps[row + 1, car] * self._lap_length_m
            self._cross(
                car, int(laps[row + 1, car]), (first_tick + row + (line_m - start) / (end - start)) * TICK_S
            )
        self._stops += (pit[1:] & ~pit[:-1]).sum(axis=0)
        self._latest = frames

    def standings(self) -> Standings | None:
        """The field at the last tick seen; None before the first."""
        frames = self._latest
        if frames is None:
            return None
        distance_m = frames.distance_m[-1]
        order = np.argsort(-distance_m, kind="stable")
        return Standings(
            race_time_s=(frames.first_tick + frames.ticks - 1) * TICK_S,
            leader_lap=int(frames.lap[-1, order[0]]),
            flag=int(frames.flag[-1]),
            car=order,
            lap=frames.lap[-1, order],
            gap_s=self._gaps_s(frames)[order],
            last_lap_s=self._last_lap_s[order],
            best_lap_s=self._best_lap_s[order],
            stops=self._stops[order],
            on_pit_road=frames.on_pit_road[-1, order],
        )

    def _cross(self, car: int, crossing: int, at_s: float) -> None:
        """The car has come to the end of lap `crossing`; crossing 0 is the start line from the grid."""
        since_s = self._crossed_s[car]
        if crossing > 0 and not np.isnan(since_s):
            lap_s = at_s - since_s
            best_s = self._best_lap_s[car]
            self._last_lap_s[car] = lap_s
            self._best_lap_s[car] = lap_s if best_s == 0 else min(best_s, lap_s)
        self._crossed_s[car] = at_s
        self._crossings[car] = crossing
        if crossing not in self._first_s or at_s < self._first_s[crossing]:
            self._first_s[crossing] = at_s
            self._first_s.pop(crossing - _LAPS_REMEMBERED, None)

    def _gaps_s(self, frames: Frames) -> Floats:
        distance_m, speed_mps = frames.distance_m[-1], frames.speed_mps[-1]
        leader_m = distance_m.max()
        gaps_s: Floats = (leader_m - distance_m) / np.maximum(speed_mps, 10.0)
        for car, crossing in enumerate(self._crossings.tolist()):
            first_s = self._first_s.get(crossing)
            if crossing > 0 and first_s is not None:
                gaps_s[car] = self._crossed_s[car] - first_s
        return gaps_s


class TimedRace:
    """A source of frames with timing and scoring beside it."""

    def __init__(self, race: FrameSource, timing: Timing) -> None:
        self._race = race
        self.timing = timing

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks of the race."""
        frames = self._race.advance(ticks)
        self.timing.observe(frames)
        return frames
