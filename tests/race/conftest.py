"""Races that several tests look at, each run once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from nascar.race.car import LENGTH_M, WIDTH_M
from nascar.race.entries import field, load_entries
from nascar.race.events import Event
from nascar.race.frames import ARRAYS, TICK_S, Bools, Floats, Frames
from nascar.race.simulation import Race
from nascar.race.track import Track, charlotte

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
    """A full fuel run and more, forty cars, with the channels that need so long a look. ``(ticks, cars)``."""

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
    race = Race(load_entries(), charlotte(), 11)
    kept: dict[str, list[NDArray[np.generic]]] = {name: [] for name in Stint.__dataclass_fields__}
    for _ in range(2_300):
        frames = race.advance(25)
        for name, parts in kept.items():
            array: NDArray[np.generic] = getattr(frames, name)
            parts.append(array[:1] if name.startswith("tire") else array)
    return Stint(**{name: np.concatenate(parts) for name, parts in kept.items()})


def lap_times_s(distance_m: Floats, length_m: float) -> Floats:
    """Times of the whole laps of one car, first lap from tick 0 on."""
    lines_m = np.arange(int(distance_m[-1] // length_m) + 1) * length_m
    # Where a car stands the distance does not grow; its first tick there is as good as any.
    grows = np.concatenate(([True], np.diff(distance_m) > 0))
    crossed_s = np.interp(lines_m, distance_m[grows], (np.arange(distance_m.size) * TICK_S)[grows])
    crossed_s[0] = 0.0
    return np.diff(crossed_s)


def overlaps(distance_m: Floats, lane_m: Floats, length_m: float) -> list[tuple[int, int, int]]:
    """Tick and the two cars wherever two cars touch."""
    found = []
    place = np.mod(distance_m, length_m)
    order = np.argsort(place, axis=1, kind="stable")
    along = np.take_along_axis(place, order, axis=1)
    across = np.take_along_axis(lane_m, order, axis=1)
    for step in range(1, min(6, distance_m.shape[1])):
        gap_m = np.roll(along, -step, axis=1) - along
        gap_m = np.where(gap_m < 0, gap_m + length_m, gap_m)
        aside_m = np.abs(np.roll(across, -step, axis=1) - across)
        for tick, at in np.argwhere((gap_m < LENGTH_M) & (aside_m < WIDTH_M)):
            found.append((int(tick), int(order[tick, at]), int(order[tick, (at + step) % order.shape[1]])))
    return found
