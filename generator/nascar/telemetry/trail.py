"""The way the leader has come: how long ago the lead was where another car is now."""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.frames import Floats

KEPT: Final = 36_000
"""Places of the trail that are remembered: an hour of race at ten a second."""
SLOWEST_MPS: Final = 10.0
"""Where nobody of the trail has been, the gap is the distance over the leader's speed, or over this."""


class LeaderTrail:
    """Distance of the foremost car over race time. Memory is bounded by `kept` places."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        # Twice as long, so that the newest places lie in one piece and are seldom moved.
        self._times_s = np.empty(2 * kept)
        self._places_m = np.empty(2 * kept)
        self._first = self._stop = 0

    def clear(self) -> None:
        """Forget it: another race begins."""
        self._first = self._stop = 0

    def add(self, time_s: float, place_m: float) -> None:
        """The foremost car is at `place_m`, a distance since the race's start; times only grow."""
        last = self._stop - 1
        if self._stop > self._first and place_m <= self._places_m[last]:
            # It stands there, or what was foremost is gone: the lead is where it was.
            self._times_s[last] = time_s
            return
        if self._stop == self._times_s.size:
            kept = self._stop - self._first
            for array in (self._times_s, self._places_m):
                array[:kept] = array[self._first : self._stop]
            self._first, self._stop = 0, kept
        self._times_s[self._stop], self._places_m[self._stop] = time_s, place_m
        self._stop += 1
        self._first = max(self._first, self._stop - self._kept)

    def gaps_s(self, places_m: Floats, speed_mps: float) -> Floats:
        """Seconds since the lead was at each of `places_m`; `speed_mps` is the leader's now.

        Not defined before the first `add`.
        """
        times_s = self._times_s[self._first : self._stop]
        trail_m = self._places_m[self._first : self._stop]
        gaps_s: Floats = times_s[-1] - np.interp(places_m, trail_m, times_s)
        gaps_s += np.maximum(0.0, trail_m[0] - places_m) / max(speed_mps, SLOWEST_MPS)
        return gaps_s
