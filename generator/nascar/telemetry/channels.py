"""The channels of a table over the held ticks, ready to be read between any two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import Frames
from nascar.telemetry.moments import Moments, Piece
from nascar.telemetry.schema import Between, Column, Sensor, Table

Steps = NDArray[np.float32]
"""Readings counted in steps of their sensor, not yet rounded. All stay below a few tens of thousands, where
float32 is exact to a five-hundredth of a step."""

Counts = NDArray[np.int64]


class Crossings:
    """Where between two ticks each car passes the start line.

    Lap n ends at n times `lap_length_m` along the centre line, and between ticks the distance moves in a
    line. The place of a crossing is its weight, 0 at the tick before it … 1 at the tick after.
    """

    def __init__(self, frames: Frames, lap_length_m: float) -> None:
        gained = np.diff(frames.lap, axis=0)
        self.restarts = gained < 0
        """``(ticks - 1, cars)``: the laps begin again, with the next race."""
        ticks, cars = np.nonzero(gained > 0)
        missing_m = frames.lap[ticks, cars] * lap_length_m - frames.distance_m[ticks, cars]
        weight = missing_m / (frames.distance_m[ticks + 1, cars] - frames.distance_m[ticks, cars])
        if np.any(gained[ticks, cars] != 1) or np.any(np.abs(weight - 0.5) > 0.5 + 1e-6):
            raise ValueError(f"laps and distances do not belong to a track of {lap_length_m} m")
        self.weights = np.full(gained.shape, np.inf, np.float32)
        """``(ticks - 1, cars)``; infinite where nobody passes."""
        self.weights[ticks, cars] = weight
        self.cars: dict[int, list[int]] = {}
        """The cars that pass after each tick, if any do; ticks count from the first of the frames."""
        for tick, car in zip(ticks.tolist(), cars.tolist(), strict=True):
            self.cars.setdefault(tick, []).append(car)


class Channels:
    """What the sensors of one table read between the ticks of `frames`, before noise and rounding."""

    def __init__(self, table: Table, frames: Frames, crossings: Crossings) -> None:
        self.frames = frames
        self._crossings = crossings
        lines = line_sensors(table)
        counted = counting_sensors(table)
        at_tick = np.empty((len(lines), frames.ticks, frames.cars), np.float32)
        for channel, (_, sensor) in zip(at_tick, lines, strict=True):
            np.multiply(
                frames.channel(sensor.frame, sensor.tire),
                sensor.scale * sensor.steps_per_unit,
                out=channel,
                casting="same_kind",
            )
        self._start = at_tick[:, :-1]
        self._slope = slopes(at_tick[:, :-1], at_tick[:, 1:])
        # Nothing leads from the end of one race to the grid of the next.
        self._slope[:, crossings.restarts] = 0.0
        self._counts = np.empty((len(counted), frames.ticks - 1, frames.cars), np.int64)
        for count, (_, sensor) in zip(self._counts, counted, strict=True):
            count[:] = frames.channel(sensor.frame, sensor.tire)[:-1]
        self._lap_counts = [
            place for place, (_, sensor) in enumerate(counted) if sensor.between is Between.LAP
        ]

    def read(self, moments: Moments, lines: Steps, counts: Counts, scratch: Steps) -> None:
        """Read every channel at every row.

        `lines` and `scratch` are ``(line sensors, instants, cars)``, `counts` is ``(counting sensors,
        instants, cars)``, in the order of `line_sensors` and `counting_sensors`.
        """
        if moments.pieces is not None:
            for piece in moments.pieces:
                self._read_piece(piece, moments.weights, lines, counts)
        if moments.ticks is not None:
            first = moments.first_tick - self.frames.first_tick
            self._read_rows(moments.ticks + first, moments.weights, lines, counts, scratch)

    def _read_piece(self, piece: Piece, weights: Steps, lines: Steps, counts: Counts) -> None:
        tick = piece.tick - self.frames.first_tick
        rows, cars = slice(piece.first, piece.stop), slice(piece.from_car, None)
        out = lines[:, rows, cars]
        np.multiply(weights[rows, cars], self._slope[:, tick, None, cars], out=out)
        np.add(out, self._start[:, tick, None, cars], out=out)
        counts[:, rows, cars] = self._counts[:, tick, None, cars]
        for car in self._crossings.cars.get(tick, ()):
            if car >= piece.from_car:
                for lap in self._lap_counts:
                    counts[lap, rows, car] += weights[rows, car] >= self._crossings.weights[tick, car]

    def _read_rows(self, ticks: Counts, weights: Steps, lines: Steps, counts: Counts, scratch: Steps) -> None:
        cars = weights.shape[1]
        at = ticks * cars + np.arange(cars)
        _take(self._slope, at, lines)
        np.multiply(lines, weights, out=lines)
        _take(self._start, at, scratch)
        np.add(lines, scratch, out=lines)
        _take(self._counts, at, counts)
        for lap in self._lap_counts:
            counts[lap] += weights >= self._crossings.weights.take(at)


def line_sensors(table: Table) -> list[tuple[Column, Sensor]]:
    """The columns that move in a line between ticks, in column order."""
    return [(c, c.sensor) for c in table.columns if c.sensor and c.sensor.between is Between.LINE]


def counting_sensors(table: Table) -> list[tuple[Column, Sensor]]:
    """The columns that hold a whole number between ticks, or count up, in column order."""
    return [(c, c.sensor) for c in table.columns if c.sensor and c.sensor.between is not Between.LINE]


def slopes(start: Steps, end: Steps) -> Steps:
    """Slopes with which ``start + weight * slope`` never leaves the range from `start` to `end`.

    In float32 ``start + (end - start)`` may lie a hair beyond `end`; a slope one bit flatter does not.
    """
    slope = end - start
    reached = start + slope
    beyond = np.where(slope > 0, reached > end, reached < end)
    slope[beyond] = np.nextafter(slope[beyond], np.float32(0))
    return slope


def _take(channels: NDArray[Any], at: Counts, out: NDArray[Any]) -> None:
    """Pick cells ``tick * cars + car`` of every channel."""
    # The default mode would buffer the output; the cells are in range by construction.
    np.take(channels.reshape(channels.shape[0], -1), at, axis=1, out=out, mode="clip")
