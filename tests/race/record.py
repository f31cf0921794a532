"""A race run to its end: what happened, what the laws said of every tick, and the ticks thinned out to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.commands import Command
from nascar.race.entries import Entry, field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.frames import TICK_S, Bools, Floats, Frames, Ints, join_frames
from nascar.race.rules import Rules
from nascar.race.simulation import Race
from nascar.race.track import Track

from .laws import breaches

CHUNK_TICKS: Final = 1_000
"""Of forty cars; of fewer it may be more."""
EVERY_TICKS: Final = 5
TIRES_EVERY_TICKS: Final = 25
_KEPT: Final = {
    "distance_m": np.float64,
    "speed_mps": np.float32,
    "lane_m": np.float32,
    "fuel_gal": np.float32,
    "position": np.int16,
    "on_pit_road": np.bool_,
    "steering_angle_deg": np.float32,
    "lateral_g": np.float32,
}
_KEPT_OF_TIRES: Final = ("tire_temp_f", "tire_pressure_psi", "tire_wear")
_SLOWEST_MPS: Final = 25.0
"""A race whose leader is on average slower than the pace car does not come to its end."""
_REST_S: Final = 2_000.0
"""Cautions of a short race, and the cool-down."""


@dataclass(frozen=True, slots=True)
class Record:
    """A whole race. Arrays are ``(rows, cars)``, a row for every `EVERY_TICKS` ticks."""

    entries: tuple[Entry, ...]
    track: Track
    rules: Rules
    events: tuple[Event, ...]
    breaches: tuple[str, ...]
    """What the laws that hold at every tick have to say: nothing."""
    finished_tick: int
    """By which the race said that it was finished, and …"""
    ticks: int
    """… over."""
    flag: NDArray[np.int8]
    """``(rows,)``."""
    distance_m: Floats
    speed_mps: Floats
    lane_m: Floats
    fuel_gal: Floats
    position: Ints
    on_pit_road: Bools
    steering_angle_deg: Floats
    lateral_g: Floats
    tire_temp_f: Floats
    """``(rows, cars, 4)``, a row for every `TIRES_EVERY_TICKS` ticks, as the two that follow."""
    tire_pressure_psi: Floats
    tire_wear: Floats
    flags_shown: tuple[tuple[int, int], ...]
    """Tick and flag, for each change, the first at tick 0."""

    @property
    def cars(self) -> int:
        return len(self.entries)

    def of(self, kind: EventKind, car: int | None = None) -> list[Event]:
        """The events of a kind, of one car or of all."""
        return [event for event in self.events if event.kind is kind and car in (None, event.car)]

    def row(self, tick: int) -> int:
        """The first row at or after a tick."""
        return min(-(-tick // EVERY_TICKS), self.flag.size - 1)

    def crossed_s(self, car: int) -> Floats:
        """Race time at which a car crosses the line, ``(laps + 1,)``, the start of lap 1 first."""
        distance_m = self.distance_m[:, car]
        lines_m = np.arange(int(distance_m[-1] // self.track.length_m) + 1) * self.track.length_m
        # Where a car stands the distance does not grow.
        grows = np.concatenate(([True], np.diff(distance_m) > 0))
        at_s = np.arange(distance_m.size)[grows] * (EVERY_TICKS * TICK_S)
        return np.asarray(np.interp(lines_m, distance_m[grows], at_s))

    def place_m(self) -> Floats:
        """Lap distance of every car at every row."""
        return np.mod(self.distance_m, self.track.length_m)


def run_to_end(
    cars: int,
    track: Track,
    seed: int,
    rules: Rules,
    commands: Sequence[Command] = (),
    *,
    from_grid: bool = False,
    look_every: int = 1,
) -> Record:
    """Run a race of the packaged entries until it is over, and watch the laws at every tick.

    A long race may be looked at in one of `look_every` stretches of ticks only.
    """
    race = Race(field(load_entries(), cars), track, seed, rules, commands=commands, from_grid=from_grid)
    kept: dict[str, list[NDArray[Any]]] = {name: [] for name in (*_KEPT, *_KEPT_OF_TIRES, "flag")}
    found: list[str] = []
    events: list[Event] = []
    shown: list[tuple[int, int]] = []
    last: Frames | None = None
    finished_tick = -1
    ticks = stretch = 0
    longest_s = rules.laps * track.length_m / _SLOWEST_MPS + _REST_S
    chunk = CHUNK_TICKS * min(max(40 // cars, 1), 5)
    while not race.over:
        if ticks * TICK_S > longest_s:
            found.append(f"no stall: not over after {ticks * TICK_S:.0f} s")
            break
        frames = race.advance(chunk)
        ticks += frames.ticks
        if finished_tick < 0 and race.finished:
            finished_tick = ticks
        events += frames.events
        seen = frames if last is None else join_frames([last, frames])
        last = frames.cut(frames.ticks - 1, 1)
        if stretch % look_every == 0:
            found += breaches(seen, track, rolling=not from_grid)
        stretch += 1
        changed = np.flatnonzero(np.diff(seen.flag)).tolist()
        if not shown:
            shown.append((0, int(seen.flag[0])))
        shown += [(seen.first_tick + row + 1, int(seen.flag[row + 1])) for row in changed]
        for name, kind in _KEPT.items():
            kept[name].append(getattr(frames, name)[::EVERY_TICKS].astype(kind))
        kept["flag"].append(frames.flag[::EVERY_TICKS].copy())
        for name in _KEPT_OF_TIRES:
            kept[name].append(getattr(frames, name)[::TIRES_EVERY_TICKS].astype(np.float32))
    arrays: dict[str, Any] = {name: np.concatenate(parts) for name, parts in kept.items()}
    return Record(
        entries=race.entries,
        track=track,
        rules=rules,
        events=tuple(events),
        breaches=tuple(found),
        finished_tick=finished_tick,
        ticks=ticks,
        flags_shown=tuple(shown),
        **arrays,
    )
