"""Reads the rows of the tables out of the race: what every sensor says at every instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascar.race.entries import Entry
from nascar.race.frames import Frames, FrameSource
from nascar.telemetry.channels import Channels, Crossings, counting_sensors, line_sensors
from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.moments import MomentMaker, Moments
from nascar.telemetry.noise import NoiseRing
from nascar.telemetry.plan import Batch, RowPlan
from nascar.telemetry.window import FrameWindow

Numbers = NDArray[np.int64] | NDArray[np.float64]


def prepare() -> None:
    """Load the compiled loops, before there is a clock that rows could be late by.

    Where nobody has rendered before, this compiles them, for some seconds. It is not done with this module,
    because the compiler takes its time to load and most commands render nothing.
    """
    from nascar.telemetry import moment_loops, render

    moment_loops.prepare()
    render.prepare()


class TimeUnit(Enum):
    """What the column `time` counts."""

    US = "us"
    MS = "ms"

    @property
    def us(self) -> int:
        """Microseconds in the unit."""
        return 1 if self is TimeUnit.US else 1000


@dataclass(frozen=True, slots=True)
class _Sensors:
    """The sensors of a table at work."""

    columns: tuple[Column, ...]
    """In the order in which they are rendered: the time, what moves in a line, what counts."""
    lines: NDArray[Any]
    """`LINE` for each that moves in a line."""


class Sampler:
    """Renders the batches of a plan, one after the other.

    Reading a batch moves the race on, so batches go forward only; they may be skipped. A row does not
    depend on which batch it is rendered in, nor on the batches rendered before.
    """

    def __init__(
        self,
        frames: FrameSource,
        entries: Sequence[Entry],
        plan: RowPlan,
        seed: int,
        time_unit: TimeUnit = TimeUnit.US,
        *,
        lap_length_m: float,
    ) -> None:
        from nascar.telemetry.render import render

        if len(entries) != plan.cars:
            raise ValueError(f"{len(entries)} entries for {plan.cars} cars")
        self.plan = plan
        self.time_unit = time_unit
        self._entries = tuple(entries)
        self._lap_length_m = lap_length_m
        self._window = FrameWindow(frames)
        self._moments = MomentMaker(plan, time_unit.us)
        most_rows = plan.batch_instants * plan.cars
        self._noise = NoiseRing(seed, plan.cars, plan.rate / (len(plan.tables) * plan.cars), most_rows)
        self._sensors = {table.name: _sensors(table, self._noise) for table in plan.tables}
        self._render = render
        self._frames: Frames | None = None
        self._channels: dict[str, Channels] = {}

    def texts(self, table: Table) -> dict[str, tuple[str, ...]]:
        """The text of every car, in car order, for each text column: the same in each instant."""
        return {
            column.name: tuple(str(getattr(entry, column.name)) for entry in self._entries)
            for column in table.texts
        }

    def car_numbers(self) -> tuple[int, ...]:
        """The number of every car, in car order: the same in each instant."""
        return tuple(entry.car_number for entry in self._entries)

    def rendered(self, table: Table) -> tuple[Column, ...]:
        """The columns that `render` writes, in its order: all numbers that do not belong to the car."""
        return self._sensors[table.name].columns

    def render(
        self, batch: Batch, memory: NDArray[np.uint8], places: NDArray[np.int64], *, is_tagged: bool
    ) -> None:
        """Write the batch's values into `memory`, that of row 0 of column n of `rendered` at byte ``places[n]``.

        Whole numbers are int64, fractions float64: one behind the other as this machine has them, or, with
        `is_tagged`, nine bytes apart, each the byte of its tag (not written) and eight bytes with the most
        significant first.
        """
        plan, noise, sensors = self.plan, self._noise, self._sensors[batch.table.name]
        moments = self._moments.of(batch.first_instant, batch.instants)
        channels = self._channels_at(batch.table, moments)
        self._render(
            sensors.lines,
            channels.start,
            channels.slope,
            channels.counts,
            channels.crossings,
            channels.first_tick,
            noise.cells,
            noise.turn,
            batch.first_instant * plan.cars,
            plan.cars,
            moments.times,
            moments.weights,
            moments.run_ticks,
            moments.run_stops,
            memory,
            places,
            is_tagged,
        )

    def numbers(self, batch: Batch) -> Iterator[tuple[Column, Numbers]]:
        """Every column of numbers with its value in each of the batch's rows, in column order.

        The arrays are contiguous, int64 or float64, and the caller's own.
        """
        rendered = self.rendered(batch.table)
        memory = np.empty(8 * batch.rows * len(rendered), np.uint8)
        places = 8 * batch.rows * np.arange(len(rendered), dtype=np.int64)
        self.render(batch, memory, places, is_tagged=False)
        values = {
            column.name: _numbers(column, memory[place : place + 8 * batch.rows])
            for column, place in zip(rendered, places.tolist(), strict=True)
        }
        for column in batch.table.columns:
            if column.name in values:
                yield column, values[column.name]
            elif column.kind is not Kind.TEXT:
                yield column, np.tile(np.array(self.car_numbers(), np.int64), batch.instants)

    def _channels_at(self, table: Table, moments: Moments) -> Channels:
        frames = self._window.cover(moments.first_tick, moments.last_tick + 1)
        if frames is not self._frames:
            self._frames = frames
            crossings = Crossings(frames, self._lap_length_m)
            self._channels = {t.name: Channels(t, frames, crossings) for t in self.plan.tables}
        return self._channels[table.name]


def _numbers(column: Column, memory: NDArray[np.uint8]) -> Numbers:
    return memory.view(np.float64) if column.kind is Kind.FLOAT else memory.view(np.int64)


def _sensors(table: Table, noise: NoiseRing) -> _Sensors:
    """Set the sensors of a table to work; a column's name tells its noise from that of all others."""
    from nascar.telemetry.render import LINE

    times = [column for column in table.columns if column.kind is Kind.TIME]
    at_work, counting = line_sensors(table), counting_sensors(table)
    lines = np.zeros(len(at_work), LINE)
    for line, (column, sensor) in zip(lines, at_work, strict=True):
        steps = sensor.steps_per_unit
        least, most = sensor.clip or (-np.inf, np.inf)
        line["noise_start"] = noise.start(f"{table.name}.{column.name}")
        line["amplitude"] = sensor.noise * steps
        line["least"], line["most"] = least * steps, most * steps
        line["is_float"] = column.kind is Kind.FLOAT
        line["steps_per_unit"] = steps
    columns = (*times, *(column for column, _ in at_work), *(column for column, _ in counting))
    return _Sensors(columns, lines)
