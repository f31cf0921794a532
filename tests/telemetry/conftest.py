"""A race whose every frame is written down as a formula of tick and car: what it should read is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nascar.race.entries import Entry
from nascar.race.frames import TICK_S, Frames
from nascar.telemetry.columns import Table
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler, TimeUnit
from nascar.telemetry.schema import TABLES

LAP_LENGTH_M = 2414.016
START_US = 1_790_000_000_123_457


def formula_frames(first_tick: int, ticks: int, cars: int, lap_length_m: float = LAP_LENGTH_M) -> Frames:
    """Frames of the formula race: smooth channels, laps counted from the distance, and pit stops."""
    tick = np.arange(first_tick, first_tick + ticks)[:, None]
    car = np.arange(cars)[None, :]
    t = tick * TICK_S
    phase = t * (0.9 + 0.003 * car) + car
    wheel = np.arange(4) * 0.7
    # A fresh load every 60 s; in between the level only falls, and by another amount in each tick.
    fuel_age = np.mod(t + 1.37 * car, 60.0)
    fuel = 20.0 - 0.01 * fuel_age - 0.13 * (1 - np.cos(fuel_age * 0.05))
    distance = -8.0 * car + 70.0 * t + 12.0 * (1 - np.cos(phase))
    speed = 70.0 + 12.0 * np.sin(phase)
    return Frames(
        first_tick=first_tick,
        distance_m=distance,
        lap=np.maximum(1, np.floor(distance / lap_length_m) + 1).astype(np.int32),
        position=np.tile(np.arange(1, cars + 1, dtype=np.int32), (ticks, 1)),
        lane_m=np.sin(phase),
        on_pit_road=fuel_age < 10,
        flag=np.zeros(ticks, np.int8),
        speed_mps=speed,
        longitudinal_g=0.5 * np.sin(phase),
        lateral_g=1.2 * np.cos(phase),
        vertical_g=1.5 + 0.5 * np.sin(phase),
        throttle=np.clip(0.6 + 0.6 * np.sin(phase), 0, 1),
        brake_pressure_psi=np.maximum(0, 400 * np.sin(phase) - 100),
        steering_angle_deg=9 * np.cos(phase),
        gear=(3 + (np.sin(phase) > 0)).astype(np.int32),
        rpm=8000 + 900 * np.sin(phase),
        ride_height_front_in=3 + np.sin(phase),
        ride_height_rear_in=4 + np.sin(phase),
        fuel_gal=fuel,
        water_temp_f=210 + 10 * np.sin(phase),
        oil_temp_f=260 + 10 * np.sin(phase),
        oil_pressure_psi=70 + 10 * np.sin(phase),
        tire_temp_f=200 + 20 * np.sin(phase[..., None] + wheel),
        tire_pressure_psi=50 + 10 * np.cos(phase[..., None] + wheel),
        tire_wear=np.zeros((ticks, cars, 4)),
    )


class FormulaRace:
    """A `FrameSource` over `formula_frames`; counts the calls and the ticks it was asked for."""

    def __init__(self, cars: int, lap_length_m: float = LAP_LENGTH_M) -> None:
        self.cars = cars
        self.lap_length_m = lap_length_m
        self.tick = 0
        self.longest_call = 0

    def advance(self, ticks: int) -> Frames:
        frames = formula_frames(self.tick, ticks, self.cars, self.lap_length_m)
        self.tick += ticks
        self.longest_call = max(self.longest_call, ticks)
        return frames


def entries_of(cars: int) -> tuple[Entry, ...]:
    makers = ("Chevrolet", "Ford", "Toyota")
    return tuple(
        Entry(number, f"Driver {number}", f"Team {number // 2}", makers[number % 3])
        for number in range(1, cars + 1)
    )


@pytest.fixture
def make_race() -> type[FormulaRace]:
    return FormulaRace


@pytest.fixture
def make_sampler() -> Callable[..., Sampler]:
    """Makes a sampler, of a fresh formula race if none is given: its keywords, and those of `RowPlan`."""

    def make(
        *,
        seed: int = 7,
        time_unit: TimeUnit = TimeUnit.US,
        race: FormulaRace | None = None,
        lap_length_m: float | None = None,
        **settings: Any,
    ) -> Sampler:
        plan = RowPlan(
            **({"rate": 612_000, "cars": 40, "batch_size": 10_000, "start_us": START_US} | settings)
        )
        race = race or FormulaRace(plan.cars)
        return Sampler(
            race, entries_of(plan.cars), plan, seed, time_unit, lap_length_m=lap_length_m or race.lap_length_m
        )

    return make


@pytest.fixture
def silent_tables() -> tuple[Table, ...]:
    """The tables with perfect sensors: no noise, so that a reading is the rounded truth."""
    return tuple(
        replace(
            table,
            columns=tuple(
                replace(column, sensor=replace(column.sensor, noise=0.0)) if column.sensor else column
                for column in table.columns
            ),
        )
        for table in TABLES
    )


@pytest.fixture
def read_rows() -> Callable[..., dict[str, dict[str, NDArray[Any]]]]:
    """Renders batches `indices` (all of them if not given) and joins each column of each table."""

    def read(sampler: Sampler, indices: Iterable[int] | None = None) -> dict[str, dict[str, NDArray[Any]]]:
        parts: dict[str, dict[str, list[NDArray[Any]]]] = {}
        for index in range(sampler.plan.batches or 0) if indices is None else indices:
            batch = sampler.plan.batch(index)
            columns = parts.setdefault(batch.table.name, {})
            for column, values in sampler.numbers(batch):
                columns.setdefault(column.name, []).append(values.copy())
        return {
            table: {name: np.concatenate(values) for name, values in columns.items()}
            for table, columns in parts.items()
        }

    return read
