"""One car alone on the track: a qualifying lap, and a fuel run until it comes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nascar.race.car import TANK_GAL
from nascar.race.drivers import draw_drivers
from nascar.race.entries import Entry
from nascar.race.frames import Floats, Frames, join_frames
from nascar.race.kernel import BLOCK_TICKS
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.timing import LapRecord, Timing
from nascar.race.track import Track

QUALIFYING_FUEL_GAL: Final = 3.0
QUALIFYING_LAPS: Final = 3
"""Out of the pace laps, then two timed ones; the best of all counts."""
_RACE_LAPS: Final = 200
"""So far that nobody saves fuel for the end, or stays out to it."""
_FIRST: Final = 3
"""Laps of a run before this one are still to warm the tires."""
_ENDS: Final = 3
"""Laps at the begin, and at the end, of a run that its fall-off compares."""


@dataclass(frozen=True, slots=True)
class FuelRun:
    """A run from a full cell and new tires to the first stop; the lap into the pits is left out."""

    car_number: int
    long_run: float
    """−1 a car set up for the first laps of a run … 1 for the last."""
    lap_s: Floats
    """From the first lap."""
    burnt_gal: Floats
    """In each lap from the second on."""

    @property
    def average_s(self) -> float:
        return float(self.lap_s[1:].mean())

    @property
    def fall_off_s(self) -> float:
        """The last laps against the first on warm tires."""
        first = self.lap_s[_FIRST - 1 : _FIRST - 1 + _ENDS]
        return float(self.lap_s[-_ENDS:].mean() - first.mean())

    @property
    def noise_s(self) -> float:
        """Standard deviation of the laps about a smooth course."""
        laps = self.lap_s[_FIRST - 1 :]
        number = np.arange(laps.size) / laps.size
        course = np.polyval(np.polyfit(number, laps, 3), number)
        return float(np.std(laps - course))

    @property
    def window_laps(self) -> float:
        """Laps that a full cell lasts."""
        return float(TANK_GAL / self.burnt_gal.mean())


def qualify(entries: Sequence[Entry], track: Track, place: int, seed: int) -> float:
    """Best lap in seconds of entry `place`, alone, on new tires that pace laps have warmed and little fuel."""
    laps: list[LapRecord] = []
    for _, done in _run(entries, track, place, seed, QUALIFYING_FUEL_GAL):
        laps += done
        if len(laps) >= QUALIFYING_LAPS:
            break
    return min(lap.lap_time_s for lap in laps)


def fuel_run(entries: Sequence[Entry], track: Track, place: int, seed: int) -> FuelRun:
    """The run of entry `place`, alone."""
    laps: list[LapRecord] = []
    for _, done in _run(entries, track, place, seed, None):
        laps += done
        if laps and laps[-1].pit:
            break
    stayed = [lap for lap in laps if not lap.pit]
    fuel_gal = np.array([lap.fuel_gal for lap in stayed])
    return FuelRun(
        car_number=entries[place].car_number,
        long_run=float(draw_drivers(seed, entries[place : place + 1]).long_run[0]),
        lap_s=np.array([lap.lap_time_s for lap in stayed]),
        burnt_gal=-np.diff(fuel_gal),
    )


def opening_laps(entries: Sequence[Entry], track: Track, seed: int, seconds: int) -> Frames:
    """Every tick of the first entry's first `seconds` seconds, alone."""
    parts: list[Frames] = []
    for frames, _ in _run(entries, track, 0, seed, None):
        parts.append(frames)
        if len(parts) == seconds:
            break
    return join_frames(parts)


def _run(
    entries: Sequence[Entry], track: Track, place: int, seed: int, fuel_gal: float | None
) -> Iterator[tuple[Frames, list[LapRecord]]]:
    """A second of the run after the other, with the laps that end in it; None: with a full cell."""
    rules = Rules(_RACE_LAPS, Cautions.NONE)
    one = entries[place : place + 1]
    if fuel_gal is None:
        race = Race(one, track, seed, rules)
    else:
        race = Race(one, track, seed, rules, start_fuel_gal=fuel_gal)
    timing = Timing(1, track.length_m)
    while not race.finished:
        frames = race.advance(BLOCK_TICKS)
        timing.observe(frames)
        yield frames, timing.take_laps()
