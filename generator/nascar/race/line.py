"""The start line: who crosses it, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import TICK_S, Floats, Frames


@dataclass(frozen=True, slots=True)
class Crossing:
    """A car passes the line."""

    tick: int
    """First tick at or after it."""
    row: int
    """That tick's place in the frames at hand."""
    car: int
    line: int
    """Laps that the car has covered with it; 0 is the start line from the grid, below 0 a pace lap."""
    at_s: float
    """When, in seconds since tick 0: between two ticks the car moves evenly, which is exact to 0.1 ms."""


class StartLine:
    """Watches the line of a lap of `length_m` metres over frames that follow one another.

    It looks only at where the field is at the end of a block; the ticks in between are searched for those
    cars alone that crossed in it. Distance never falls, and that is what makes it enough.
    """

    def __init__(self, cars: int, length_m: float) -> None:
        self._length_m = length_m
        self._next_line: NDArray[np.int64] = np.zeros(cars, np.int64)
        self._next_line_m: Floats = np.zeros(cars)
        self._before_m: Floats | None = None

    def crossings(self, frames: Frames) -> list[Crossing]:
        """Those of the next frames, in order of time."""
        distance_m = frames.distance_m
        if self._before_m is None:
            # Who stands on the line as the watch starts crosses it then.
            self._next_line[:] = np.ceil(distance_m[0] / self._length_m)
            np.multiply(self._next_line, self._length_m, out=self._next_line_m)
        found: list[Crossing] = []
        (cars,) = np.nonzero(distance_m[-1] >= self._next_line_m)
        for car in cars.tolist():
            found += self._of(car, frames)
        self._before_m = distance_m[-1]
        if len(found) > 1:
            found.sort(key=lambda crossing: (crossing.at_s, crossing.car))
        return found

    def _of(self, car: int, frames: Frames) -> list[Crossing]:
        """What one car crosses in the frames; in a long block it may be more than one line."""
        found: list[Crossing] = []
        way_m = frames.distance_m[:, car]
        line = int(self._next_line[car])
        line_m = line * self._length_m
        row = 0
        while line_m <= way_m[-1]:
            row += int(np.argmax(way_m[row:] >= line_m))
            before_m = (
                way_m[row - 1] if row else self._before_m[car] if self._before_m is not None else line_m
            )
            step_m = float(way_m[row] - before_m)
            part = float(line_m - before_m) / step_m if step_m > 0 else 1.0
            tick = frames.first_tick + row
            found.append(Crossing(tick, row, car, line, (tick - 1 + part) * TICK_S))
            line += 1
            line_m = line * self._length_m
        self._next_line[car] = line
        self._next_line_m[car] = line_m
        return found
