"""Races that several tests look at, each run once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from nascar.race.commands import Command, Verb
from nascar.race.entries import field, load_entries
from nascar.race.events import Event
from nascar.race.frames import ARRAYS, TICK_S, Bools, Floats, Frames
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.track import Track, charlotte, half_mile

from .record import Record, run_to_end

RunRace = Callable[[int, int, float], Frames]


class MakeFrames(Protocol):
    """Makes frames by hand: where the cars are, and what is said of them; all else is nought."""

    def __call__(
        self,
        distance_m: Floats,
        lap_m: float,
        *,
        first_tick: int = 0,
        flag: int | Sequence[int] = 0,
        on_pit_road: Bools | None = None,
        events: Sequence[Event] = (),
    ) -> Frames: ...


@pytest.fixture(scope="session")
def track() -> Track:
    return charlotte()


@lru_cache(maxsize=8)
def _run(cars: int, seed: int, seconds: float) -> Frames:
    return Race(field(load_entries(), cars), charlotte(), seed).advance(round(seconds / TICK_S))


@pytest.fixture(scope="session")
def run_race() -> RunRace:
    """`run_race(cars, seed, seconds)`: the frames of the packaged entries' race."""
    return _run


@pytest.fixture(scope="session")
def opening(run_race: RunRace) -> Frames:
    """The first three laps of forty cars."""
    return run_race(40, 7, 95.0)


@pytest.fixture(scope="session")
def make_frames() -> MakeFrames:
    def make(
        distance_m: Floats,
        lap_m: float,
        *,
        first_tick: int = 0,
        flag: int | Sequence[int] = 0,
        on_pit_road: Bools | None = None,
        events: Sequence[Event] = (),
    ) -> Frames:
        ticks, cars = distance_m.shape
        order = np.argsort(-distance_m, axis=1, kind="stable")
        arrays: dict[str, NDArray[Any]] = {name: np.zeros((ticks, cars)) for name in ARRAYS}
        arrays |= {name: np.zeros((ticks, cars, 4)) for name in ARRAYS if name.startswith("tire")}
        arrays["distance_m"] = distance_m
        arrays["lap"] = np.maximum(np.floor_divide(distance_m, lap_m) + 1, 1).astype(np.int32)
        arrays["position"] = np.argsort(order, axis=1).astype(np.int32) + 1
        arrays["on_pit_road"] = np.zeros((ticks, cars), np.bool_) if on_pit_road is None else on_pit_road
        arrays["flag"] = np.broadcast_to(np.asarray(flag, np.int8), ticks)
        return Frames(first_tick=first_tick, events=tuple(events), **arrays)

    return make


@dataclass(frozen=True, slots=True)
class Stint:
    """A full fuel run and more, forty cars, all green, with the channels that need so long a look.

    ``(ticks, cars)``.
    """

    events: tuple[Event, ...]
    distance_m: Floats
    speed_mps: Floats
    lane_m: Floats
    fuel_gal: Floats
    rpm: Floats
    gear: NDArray[np.int32]
    brake_pressure_psi: Floats
    on_pit_road: Bools
    tire_temp_f: Floats
    """``(seconds, cars, 4)``: once a second."""
    tire_wear: Floats
    """``(seconds, cars, 4)``: once a second."""


@pytest.fixture(scope="session")
def stint() -> Stint:
    race = Race(load_entries(), charlotte(), 11, Rules(334, Cautions.NONE))
    events: list[Event] = []
    names = [name for name in Stint.__dataclass_fields__ if name != "events"]
    kept: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for _ in range(2_300):
        frames = race.advance(25)
        events += frames.events
        for name, parts in kept.items():
            array: NDArray[Any] = getattr(frames, name)
            parts.append(array[:1] if name.startswith("tire") else array)
    arrays: dict[str, Any] = {name: np.concatenate(parts) for name, parts in kept.items()}
    return Stint(events=tuple(events), **arrays)


BUSY_COMMANDS: Final = (
    Command(70.0, Verb.PIT, 24),
    Command(75.0, Verb.PUNCTURE, 7),
    Command(400.0, Verb.SPIN, 2),
    Command(1_200.0, Verb.RETIRE, 4),
    Command(1_210.0, Verb.PIT, 4),
    Command(1_500.0, Verb.CAUTION),
)
"""Of the race "busy": the last but one comes for a car that is on its way out, the last under yellow."""


@cache
def _record(name: str) -> Record:
    match name:
        case "whole":
            # The race of the demo: 500 miles.
            return run_to_end(40, charlotte(), 7, Rules(334, Cautions.SOME))
        case "busy":
            return run_to_end(40, charlotte(), 5, Rules(60, Cautions.MANY), BUSY_COMMANDS)
        case "half mile":
            return run_to_end(24, half_mile(), 3, Rules(80, Cautions.MANY))
        case "overtime":
            # Yellow in the last lap but one: it cannot end so.
            return run_to_end(20, charlotte(), 2, Rules(12, Cautions.NONE), [Command(312.0, Verb.CAUTION)])
        case "frozen":
            # Yellow in the last lap: it can.
            return run_to_end(20, charlotte(), 2, Rules(12, Cautions.NONE), [Command(345.0, Verb.CAUTION)])
        case _:
            # As every race of a season but the first begins.
            return run_to_end(30, charlotte(), 9, Rules(8, Cautions.NONE), from_grid=True)


@pytest.fixture(scope="session", params=["whole", "busy", "half mile", "overtime", "frozen", "from the grid"])
def record(request: pytest.FixtureRequest) -> Record:
    """Each of the whole races in turn."""
    return _record(request.param)


@pytest.fixture(scope="session")
def whole() -> Record:
    """334 laps of forty cars."""
    return _record("whole")


@pytest.fixture(scope="session")
def busy() -> Record:
    """Sixty laps with many cautions and `BUSY_COMMANDS`."""
    return _record("busy")


@pytest.fixture(scope="session")
def overtime() -> Record:
    return _record("overtime")


@pytest.fixture(scope="session")
def frozen() -> Record:
    """A race that ends under yellow, after the white flag."""
    return _record("frozen")


@pytest.fixture(scope="session")
def gridded() -> Record:
    """A race that begins on the grid, behind the pace car."""
    return _record("from the grid")


def lap_times_s(distance_m: Floats, length_m: float) -> Floats:
    """Times of the whole laps of one car, first lap from tick 0 on."""
    lines_m = np.arange(int(distance_m[-1] // length_m) + 1) * length_m
    # Where a car stands the distance does not grow; its first tick there is as good as any.
    grows = np.concatenate(([True], np.diff(distance_m) > 0))
    crossed_s = np.interp(lines_m, distance_m[grows], (np.arange(distance_m.size) * TICK_S)[grows])
    crossed_s[0] = 0.0
    return np.diff(crossed_s)
