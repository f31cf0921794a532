"""A whole race, looked at from outside: its laps, stops, cautions, trains, and what it cost to work out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.box_score import BoxScore, box_score
from nascar.race.car import LENGTH_M
from nascar.race.entries import Entry
from nascar.race.events import Event, EventKind
from nascar.race.frames import FLAGS, TICK_S, Floats, Frames
from nascar.race.kernel import BLOCK_TICKS
from nascar.race.rules import Rules
from nascar.race.simulation import Race
from nascar.race.timing import LapRecord, Timing
from nascar.race.track import Track

TRAIN_LENGTHS: Final = 3
"""A car drafts if its nose is within so many car lengths of the tail ahead."""
_RACING_MPS: Final = 50.0
"""A slower car is in trouble or on its way in or out."""
_LONGEST_S: Final = 8 * 3_600.0
"""A race that is not over by then has come to a stall."""
YELLOW: Final = FLAGS.index("yellow")

LAP: Final = np.dtype(
    [
        ("car", "i4"),
        ("lap", "i4"),
        ("lap_s", "f8"),
        ("position", "i4"),
        ("gap_s", "f8"),
        ("tire_age", "i4"),
        ("fuel_gal", "f8"),
        ("at_s", "f8"),
        ("pit", "?"),
        ("green", "?"),
        ("flying", "?"),
    ]
)
"""A lap of one car. Green: no other flag was out, and the car was not on pit road. Flying: the lap before it
was green too."""

STOP: Final = np.dtype(
    [("car", "i4"), ("tires", "i4"), ("standing_s", "f8"), ("fuel_gal", "f8"), ("yellow", "?")]
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What some plots need of every second of a race. ``(seconds, cars)``."""

    distance_m: Floats
    speed_mps: Floats
    lateral_g: Floats
    vertical_g: Floats
    fuel_gal: Floats
    tire_temp_f: Floats
    """``(seconds, cars, 4)``"""


@dataclass(frozen=True, slots=True)
class Survey:
    """One race."""

    seed: int
    box: BoxScore
    stalled: bool
    """Not over after many hours; it was broken off."""
    laps: NDArray[Any]
    """Records of `LAP`, in order of crossing."""
    stops: NDArray[Any]
    """Records of `STOP`."""
    cautions_s: tuple[tuple[float, float], ...]
    """From when to when the yellow flag was out, in race time."""
    train_share: float
    """Of the time that cars race under green: within `TRAIN_LENGTHS` of the car ahead."""
    race_s: float
    """Race time that was worked out."""
    green_s: float
    """Of it, not under the yellow flag."""
    green_cpu_s: float
    """CPU time of `Race.advance` for that …"""
    yellow_cpu_s: float
    """… and for the rest."""
    timing_cpu_s: float
    """CPU time of timing and scoring beside it."""
    trace: Trace | None


def survey(
    entries: Sequence[Entry], track: Track, rules: Rules, seed: int, keep_trace: bool = False
) -> Survey:
    """Run a race to its end. What it costs to start, compilation above all, is not counted."""
    race = Race(entries, track, seed, rules)
    timing = Timing(len(entries), track.length_m, rules=rules)
    watch = _Watch(track.length_m)
    cpu_s = [0.0, 0.0]
    timing_cpu_s = 0.0
    stalled = False
    # The last car may be about to cross the line as the race is over: one block more.
    blocks_after = 1
    while blocks_after:
        blocks_after -= race.finished
        begin_s = time.process_time()
        frames = race.advance(BLOCK_TICKS)
        worked_s = time.process_time()
        timing.observe(frames)
        timed_s = time.process_time()
        if frames.first_tick:
            cpu_s[int(frames.flag[-1] == YELLOW)] += worked_s - begin_s
            timing_cpu_s += timed_s - worked_s
        watch.look(frames, timing.take_laps(), timing.take_events(), keep_trace)
        if frames.first_tick * TICK_S > _LONGEST_S:
            stalled = True
            break
    flags = np.concatenate(watch.flags)
    return Survey(
        seed=seed,
        box=box_score(timing, entries, official=not stalled),
        stalled=stalled,
        laps=marked(watch.laps, flags),
        stops=np.array(watch.stops, STOP),
        cautions_s=periods_s(flags),
        train_share=watch.close_s / max(watch.racing_s, 1),
        race_s=flags.size * TICK_S,
        green_s=float(np.count_nonzero(flags != YELLOW)) * TICK_S,
        green_cpu_s=cpu_s[0],
        yellow_cpu_s=cpu_s[1],
        timing_cpu_s=timing_cpu_s,
        trace=watch.trace() if keep_trace else None,
    )


class _Watch:
    """Gathers what goes by."""

    def __init__(self, lap_m: float) -> None:
        self._lap_m = lap_m
        self.flags: list[NDArray[np.int8]] = []
        self.laps: list[LapRecord] = []
        self.stops: list[tuple[int, int, float, float, bool]] = []
        self.racing_s = 0
        """Seconds of all cars together, of those that race under green."""
        self.close_s = 0
        """Of them, in the draft of another."""
        self._kept: dict[str, list[Floats]] = {name: [] for name in Trace.__dataclass_fields__}

    def look(self, frames: Frames, laps: list[LapRecord], events: list[Event], keep: bool) -> None:
        self.flags.append(frames.flag)
        self.laps += laps
        for event in events:
            if event.kind is EventKind.STOP:
                yellow = event.flag == YELLOW
                self.stops.append((event.car, event.tires, event.standing_s, event.fuel_gal, yellow))
        if frames.flag[0] == FLAGS.index("green"):
            racing = (frames.speed_mps[0] > _RACING_MPS) & ~frames.on_pit_road[0]
            gaps_m = gaps_ahead_m(frames.distance_m[0][racing], self._lap_m)
            self.racing_s += gaps_m.size
            self.close_s += int(np.count_nonzero(gaps_m < TRAIN_LENGTHS * LENGTH_M))
        if keep:
            for name, rows in self._kept.items():
                rows.append(getattr(frames, name)[0].astype(np.float32))

    def trace(self) -> Trace:
        return Trace(**{name: np.stack(rows) for name, rows in self._kept.items()})


def gaps_ahead_m(distance_m: Floats, lap_m: float) -> Floats:
    """From each car's nose to the tail of the next car on the road, whatever lap that is on, in order of the
    road; a car alone has a lap's length. Side by side is less than nought."""
    place_m = np.sort(np.mod(distance_m, lap_m))
    return np.asarray(np.diff(place_m, append=place_m[:1] + lap_m) - LENGTH_M)


def marked(laps: Sequence[LapRecord], flags: NDArray[np.int8]) -> NDArray[Any]:
    """`laps` as records of `LAP`; `flags` is that of every tick of the race."""
    shut = ~np.isin(flags, (FLAGS.index("green"), FLAGS.index("white")))
    shut_before = np.concatenate(([0], np.cumsum(shut)))
    before: dict[int, bool] = {}
    rows = []
    for lap in laps:
        first, last = round((lap.at_s - lap.lap_time_s) / TICK_S), min(lap.tick, flags.size)
        # The winner ends his lap as the checkered flag falls: the tick of the crossing is not counted.
        green = not lap.pit and int(shut_before[last]) == int(shut_before[max(0, first)])
        flying = green and before.get(lap.car, False)
        before[lap.car] = green
        rows.append(
            (
                *(lap.car, lap.lap, lap.lap_time_s, lap.position, lap.gap_s, lap.tire_age_laps),
                *(lap.fuel_gal, lap.at_s, lap.pit, green, flying),
            )
        )
    return np.array(rows, LAP)


def periods_s(flags: NDArray[np.int8]) -> tuple[tuple[float, float], ...]:
    """From when to when the yellow flag was out, for a flag per tick."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (flags == YELLOW).astype(np.int8), [0]))))
    return tuple((float(a) * TICK_S, float(b) * TICK_S) for a, b in zip(edges[::2], edges[1::2], strict=True))
