"""The way the leader has come: how long ago the lead was where another car is now."""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.frames import Floats

KEPT: Final = 36_000
"""Places of the trail that are remembered: an hour of race at ten a second."""
SLOWEST_MPS: Final = 10.0
"""Where nobody of the trail has been, the gap is the distance over the leader's speed, or over this."""
_CREPT_M: Final = 1e-6
"""Places of the trail must differ."""


class LeaderTrail:
    """Distance of the foremost car over race time. Memory is bounded by `kept` places."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        # Twice as long, so that the newest places lie in one piece and are seldom moved.
        self._times_s = np.empty(2 * kept)
        self._places_m = np.empty(2 * kept)
        self._first = self._stop = 0
        self._stood_s: float | None = None
        """Until when the lead stood at its last place."""

    def clear(self) -> None:
        """Forget it: another race begins."""
        self._first = self._stop = 0
        self._stood_s = None

    def add(self, time_s: float, place_m: float) -> None:
        """The foremost car is at `place_m`, a distance since the race's start; times only grow."""
        if self._stop > self._first:
            before_m = float(self._places_m[self._stop - 1])
            if place_m <= before_m:
                # It stands there, or what was foremost is gone: the lead is where it was.
                self._stood_s = time_s
                return
            if self._stood_s is not None:
                # It stood up to then; without this it would seem to have crept on all the while.
                self._keep(self._stood_s, before_m + _CREPT_M)
        self._stood_s = None
        self._keep(time_s, place_m)

    def gaps_s(self, times_s: Floats, places_m: Floats, leads_m: Floats, speeds_mps: Floats) -> Floats:
        """Seconds since the lead was at `places_m`, which are ``(instants, cars)``.

        Of each of the instants, all of which have been added: its time, its foremost place and the speed
        there, each ``(instants,)``. What was added later changes nothing.
        """
        trail_s = self._times_s[self._first : self._stop]
        trail_m = self._places_m[self._first : self._stop]
        gaps_s = times_s[:, None] - np.interp(places_m, trail_m, trail_s)
        missing_m = np.maximum(0.0, trail_m[0] - places_m)
        gaps_s += missing_m / np.maximum(speeds_mps, SLOWEST_MPS)[:, None]
        return np.where(places_m < leads_m[:, None], gaps_s, 0.0)

    def _keep(self, time_s: float, place_m: float) -> None:
        if self._stop == self._times_s.size:
            kept = self._stop - self._first
            for array in (self._times_s, self._places_m):
                array[:kept] = array[self._first : self._stop]
            self._first, self._stop = 0, kept
        self._times_s[self._stop], self._places_m[self._stop] = time_s, place_m
        self._stop += 1
        self._first = max(self._first, self._stop - self._kept)
