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
from nascar.telemetry.channels import Channels, Counts, Crossings, Steps, counting_sensors, line_sensors
from nascar.telemetry.moments import MomentMaker, Moments
from nascar.telemetry.noise import ColumnNoise, NoiseRing
from nascar.telemetry.plan import Batch, RowPlan
from nascar.telemetry.schema import Column, Kind, Sensor, Table
from nascar.telemetry.window import FrameWindow

Numbers = NDArray[np.int64] | NDArray[np.float64]


class TimeUnit(Enum):
    """What the column `time` counts."""

    US = "us"
    MS = "ms"

    @property
    def us(self) -> int:
        """Microseconds in the unit."""
        return 1 if self is TimeUnit.US else 1000


@dataclass(frozen=True, slots=True)
class _Line:
    """A line sensor at work: its place among the lines of its table, and its figures in steps."""

    place: int
    steps_per_unit: float
    noise: ColumnNoise | None
    clip: tuple[float, float] | None


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
        if len(entries) != plan.cars:
            raise ValueError(f"{len(entries)} entries for {plan.cars} cars")
        self.plan = plan
        self.time_unit = time_unit
        self._entries = tuple(entries)
        self._lap_length_m = lap_length_m
        self._window = FrameWindow(frames)
        self._moments = MomentMaker(plan, time_unit.us)
        most_rows = plan.batch_instants * plan.cars
        noise = NoiseRing(seed, plan.cars, plan.rate / (len(plan.tables) * plan.cars), most_rows)
        self._lines = {
            table.name: {
                column.name: _line(place, sensor, noise, f"{table.name}.{column.name}")
                for place, (column, sensor) in enumerate(line_sensors(table))
            }
            for table in plan.tables
        }
        self._counting = {
            table.name: {column.name: place for place, (column, _) in enumerate(counting_sensors(table))}
            for table in plan.tables
        }
        self._frames: Frames | None = None
        self._channels: dict[str, Channels] = {}
        most_lines = max(len(lines) for lines in self._lines.values())
        most_counting = max(len(counting) for counting in self._counting.values())
        # Scratch, used again for every batch.
        self._steps = np.empty(most_lines * most_rows, np.float32)
        self._scratch = np.empty(most_lines * most_rows, np.float32)
        self._counts = np.empty(most_counting * most_rows, np.int64)
        self._whole = np.empty(most_rows, np.int32)
        self._ints = np.empty(most_rows, np.int64)
        self._floats = np.empty(most_rows, np.float64)
        self._car_numbers = np.tile(
            np.array([entry.car_number for entry in entries], np.int64), plan.batch_instants
        )
        self._car_numbers.flags.writeable = False

    def texts(self, table: Table) -> dict[str, tuple[str, ...]]:
        """The text of every car, in car order, for each text column: the same in each instant."""
        return {
            column.name: tuple(str(getattr(entry, column.name)) for entry in self._entries)
            for column in table.texts
        }

    def car_numbers(self) -> tuple[int, ...]:
        """The number of every car, in car order: the same in each instant."""
        return tuple(entry.car_number for entry in self._entries)

    def numbers(self, batch: Batch) -> Iterator[tuple[Column, Numbers]]:
        """Every column of numbers with its value in each of the batch's rows, in column order.

        The arrays are contiguous, int64 or float64, and valid until the next one is asked for.
        """
        table, rows = batch.table, batch.rows
        moments = self._moments.of(batch.first_instant, batch.instants)
        steps, counts = self._read(table, moments)
        lines, counting = self._lines[table.name], self._counting[table.name]
        first_row = batch.first_instant * self.plan.cars
        for column in table.columns:
            if column.kind is Kind.TEXT:
                continue
            if column.kind is Kind.TIME:
                yield column, moments.times
            elif column.sensor is None:
                yield column, self._car_numbers[:rows]
            elif column.name in counting:
                yield column, counts[counting[column.name]]
            else:
                line = lines[column.name]
                yield column, self._reading(line, column.kind, steps[line.place], first_row)

    def _read(self, table: Table, moments: Moments) -> tuple[Steps, Counts]:
        """Every sensor's truth at every row: ``(line sensors, rows)`` and ``(counting sensors, rows)``."""
        frames = self._window.cover(moments.first_tick, moments.last_tick + 1)
        if frames is not self._frames:
            self._frames = frames
            crossings = Crossings(frames, self._lap_length_m)
            self._channels = {t.name: Channels(t, frames, crossings) for t in self.plan.tables}
        channels = self._channels[table.name]
        shape = moments.weights.shape
        steps = _shaped(self._steps, len(self._lines[table.name]), shape)
        counts = _shaped(self._counts, len(self._counting[table.name]), shape)
        channels.read(moments, steps, counts, _shaped(self._scratch, len(steps), shape))
        return steps.reshape(len(steps), -1), counts.reshape(len(counts), -1)

    def _reading(self, line: _Line, kind: Kind, steps: Steps, first_row: int) -> Numbers:
        """Add the sensor's noise to the truth (in place) and round to its step."""
        rows = steps.size
        if line.noise is not None:
            np.add(steps, line.noise.rows(first_row, rows), steps)
        if line.clip is not None:
            steps.clip(*line.clip, out=steps)
        np.rint(steps, steps)
        # By way of whole numbers: there is no minus zero among them.
        whole = self._whole[:rows]
        np.copyto(whole, steps, casting="unsafe")
        if kind is Kind.INT:
            ints = self._ints[:rows]
            ints[:] = whole
            return ints
        # A whole number over a power of ten is the double that the shortest decimal reads back as.
        floats = self._floats[:rows]
        floats[:] = whole
        np.divide(floats, line.steps_per_unit, floats)
        return floats


def _line(place: int, sensor: Sensor, noise: NoiseRing, name: str) -> _Line:
    """Set a sensor to work; `name` tells its noise from that of all others."""
    steps = float(sensor.steps_per_unit)
    return _Line(
        place,
        steps,
        noise.column(name, sensor.noise * steps) if sensor.noise else None,
        None if sensor.clip is None else (sensor.clip[0] * steps, sensor.clip[1] * steps),
    )


def _shaped(buffer: NDArray[Any], channels: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """The beginning of a flat buffer as ``(channels, instants, cars)``."""
    return buffer[: channels * shape[0] * shape[1]].reshape(channels, *shape)
