"""Where the cars are: the rows of `track_position`, read between the ticks of the race."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.entries import Entry
from nascar.race.frames import FLAGS, Floats, Frames
from nascar.telemetry.chart import Chart, Map
from nascar.telemetry.moments import TICK_US
from nascar.telemetry.rows import Rows, make_rows
from nascar.telemetry.schema import MPH_PER_MPS, TRACK_POSITION
from nascar.telemetry.trail import LeaderTrail

INSTANT_US: Final = 100_000
"""Ten instants a second. A tick has 40 ms: every other instant lies between two ticks."""
_LONGEST_STEP_M: Final = 20.0
"""No car drives further in a tick: what does is put somewhere else, and has no place in between."""
_NEVER: Final = np.iinfo(np.int64).max

_READ: Final = ("distance_m", "lane_m", "speed_mps", "lap", "position", "on_pit_road", "flag")


class Positions:
    """Reads the places of all cars at every tenth of a second out of frames that follow one another."""

    def __init__(self, entries: Sequence[Entry], track: Map, start_us: int, end_us: int | None) -> None:
        self._track = track
        self._chart = Chart(track)
        self._start_us = start_us
        self._end_us = end_us
        self._car_numbers = np.array([entry.car_number for entry in entries], np.int64)
        self._drivers = tuple(entry.driver for entry in entries)
        self._teams = tuple(entry.team for entry in entries)
        self._manufacturers = tuple(entry.manufacturer for entry in entries)
        step_m = 10.0 ** -TRACK_POSITION.column("lap_distance_m").decimals
        self._longest_lap_m = math.floor(track.length_m / step_m) * step_m
        """No place of a lap is rounded to beyond its end."""
        self._next = 0
        """The instant that comes next."""
        self._last: Mapping[str, NDArray[Any]] | None = None
        """The last tick of the frames before."""
        self._trail = LeaderTrail()
        self._lead_m = -np.inf
        self._finished = np.full(len(entries), _NEVER)
        """Instant from which on a car has taken the checkered flag …"""
        self._finished_s = np.zeros(len(entries))
        """… and its gap then."""

    def finish(self, car: int, time_us: int, gap_s: float) -> None:
        """The car takes the checkered flag so far behind: that is its gap until another race begins."""
        self._finished[car] = -(-(time_us - self._start_us) // INSTANT_US)
        self._finished_s[car] = gap_s

    def read(self, frames: Frames) -> Rows:
        """The instants that `frames` complete."""
        arrays: dict[str, NDArray[Any]] = {name: getattr(frames, name) for name in _READ}
        first_tick = frames.first_tick
        if self._last is not None:
            last = self._last
            arrays = {name: np.concatenate((last[name], values)) for name, values in arrays.items()}
            first_tick -= 1
        else:
            self._next = -(-first_tick * TICK_US // INSTANT_US)
        self._last = {name: values[-1:].copy() for name, values in arrays.items()}
        last_tick = frames.first_tick + frames.ticks - 1
        # An instant is complete when the tick at or after it is known.
        stop = last_tick * TICK_US // INSTANT_US + 1
        if self._end_us is not None:
            stop = min(stop, -(-(self._end_us - self._start_us) // INSTANT_US))
        instants = np.arange(self._next, max(stop, self._next), dtype=np.int64)
        self._next = max(stop, self._next)
        ticks, rest_us = np.divmod(instants * INSTANT_US, TICK_US)
        return self._rows(instants, arrays, ticks - first_tick, (rest_us / TICK_US)[:, None])

    def _rows(
        self,
        instants: NDArray[np.int64],
        arrays: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64],
        parts: Floats,
    ) -> Rows:
        """Rows of `instants`, which lie `parts` of a tick behind the ticks at `rows` of the arrays."""
        behind = np.minimum(rows + 1, len(arrays["flag"]) - 1)
        distance_m = arrays["distance_m"][rows]
        step_m = arrays["distance_m"][behind] - distance_m
        parts = np.where(np.abs(step_m) > _LONGEST_STEP_M, 0.0, parts)
        distance_m = distance_m + parts * step_m
        lane_m, speed_mps = (
            arrays[name][rows] + parts * (arrays[name][behind] - arrays[name][rows])
            for name in ("lane_m", "speed_mps")
        )
        lap = arrays["lap"][rows]
        # The lap counts up where the car crosses the line, as in the published tables.
        crossed = (arrays["lap"][behind] > lap) & (distance_m >= lap * self._chart.length_m) & (parts > 0)
        x_m, y_m = self._chart.place_m(distance_m, lane_m)
        cars = self._car_numbers.size
        count = len(instants)
        flags = [FLAGS[flag] for flag in arrays["flag"][rows].tolist()]
        return make_rows(
            TRACK_POSITION,
            np.repeat(self._start_us + instants * INSTANT_US, cars),
            {
                "car_number": np.tile(self._car_numbers, count),
                "driver": self._drivers * count,
                "team": self._teams * count,
                "manufacturer": self._manufacturers * count,
                "x_m": x_m.ravel(),
                "y_m": y_m.ravel(),
                "lap": (lap + crossed).ravel(),
                "lap_distance_m": np.minimum(
                    self._track.lap_distance_m(distance_m), self._longest_lap_m
                ).ravel(),
                "turn": self._track.turn(distance_m).ravel(),
                "position": arrays["position"][rows].ravel(),
                "gap_s": self._gaps_s(instants, distance_m, speed_mps).ravel(),
                "speed_mph": (speed_mps * MPH_PER_MPS).ravel(),
                "in_pit": arrays["on_pit_road"][rows].ravel(),
                "flag": [flag for flag in flags for _ in range(cars)],
            },
        )

    def _gaps_s(self, instants: NDArray[np.int64], distance_m: Floats, speed_mps: Floats) -> Floats:
        if not len(instants):
            return distance_m
        leaders = distance_m.argmax(axis=1)[:, None]
        leads_m, speeds_mps = (
            np.take_along_axis(values, leaders, axis=1)[:, 0] for values in (distance_m, speed_mps)
        )
        # Where the foremost place falls back, another race begins.
        falls = np.flatnonzero(np.diff(leads_m, prepend=self._lead_m) < -_LONGEST_STEP_M)
        self._lead_m = float(leads_m[-1])
        gaps_s = np.empty_like(distance_m)
        bounds = [0, *falls.tolist(), len(instants)]
        for first, stop in pairwise(bounds):
            if first in falls:
                self._trail.clear()
                self._finished[:] = _NEVER
            rows = slice(first, stop)
            times_s = np.asarray(instants[rows] * (INSTANT_US / 1e6), np.float64)
            for time_s, lead_m in zip(times_s.tolist(), leads_m[rows].tolist(), strict=True):
                self._trail.add(time_s, lead_m)
            if first < stop:
                running_s = self._trail.gaps_s(times_s, distance_m[rows], leads_m[rows], speeds_mps[rows])
                before = instants[rows, None] < self._finished
                gaps_s[rows] = np.where(before, running_s, self._finished_s)
        return gaps_s
