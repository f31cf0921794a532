"""The channels of a table over the held ticks, ready to be read between any two of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import Frames
from nascar.telemetry.columns import Between, Column, Sensor, Table

Steps = NDArray[np.float32]
"""Readings counted in steps of their sensor, not yet rounded. All stay below a few tens of thousands, where
float32 is exact to a five-hundredth of a step."""


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


class Channels:
    """What the sensors of one table read between the ticks of `frames`, before noise and rounding.

    A line sensor reads ``start + weight * slope``, a counting sensor ``counts``, and one more from the weight
    ``crossings`` on.
    """

    def __init__(self, table: Table, frames: Frames, crossings: Crossings) -> None:
        lines = line_sensors(table)
        counting = counting_sensors(table)
        self.first_tick = frames.first_tick
        self.start = np.empty((len(lines), frames.ticks, frames.cars), np.float32)
        """``(line sensors, ticks, cars)``, in the order of `line_sensors`."""
        for channel, (_, sensor) in zip(self.start, lines, strict=True):
            np.multiply(
                frames.channel(sensor.frame, sensor.tire),
                sensor.scale * sensor.steps_per_unit,
                out=channel,
                casting="same_kind",
            )
        self.slope = slopes(self.start[:, :-1], self.start[:, 1:])
        """``(line sensors, ticks - 1, cars)``."""
        # Nothing leads from the end of one race to the grid of the next.
        self.slope[:, crossings.restarts] = 0.0
        self.counts = np.empty((len(counting), frames.ticks - 1, frames.cars), np.int64)
        """``(counting sensors, ticks - 1, cars)``, in the order of `counting_sensors`."""
        self.crossings = np.full(self.counts.shape, np.inf, np.float32)
        """The same shape; infinite where nothing is counted."""
        for place, (_, sensor) in enumerate(counting):
            self.counts[place] = frames.channel(sensor.frame, sensor.tire)[:-1]
            if sensor.between is Between.LAP:
                self.crossings[place] = crossings.weights


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
