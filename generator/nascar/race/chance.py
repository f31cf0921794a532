"""Every random number of a race: streams by purpose and car, all from one seed.

A stream belongs to one purpose and one car, so a new purpose, a longer field or a draw more in one place
shifts no other stream. Only uniform numbers are drawn and only sums are made of them: a normal variate
takes logarithms, whose last bit is not the same everywhere.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import Floats

_BUFFER: Final = 64


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of every seed's race: add, never renumber."""

    DRIVERS = 1
    GRID = 2
    CORNERS = 3
    PIT_CALLS = 4
    PIT_STOPS = 5


def uniform(seed: int, purpose: Purpose, car: int, count: int) -> Floats:
    """The first `count` numbers of a stream, from 0 to below 1."""
    return _generator(seed, purpose, car).random(count)


def bell(uniforms: Floats) -> Floats:
    """Sums of twelve: nearly normal, mean 0, standard deviation 1, never beyond ±6. Last axis is summed."""
    total = np.zeros(uniforms.shape[:-1])
    for part in range(12):
        total += uniforms[..., part]
    return total - 6.0


class CarDraws:
    """One purpose's streams for a whole field: the next number of any car."""

    def __init__(self, seed: int, purpose: Purpose, cars: int) -> None:
        self._generators = [_generator(seed, purpose, car) for car in range(cars)]
        self._buffers = np.stack([generator.random(_BUFFER) for generator in self._generators])
        self._next = np.zeros(cars, np.intp)

    def take(self, cars: NDArray[np.intp], count: int = 1) -> Floats:
        """The next `count` numbers of each of `cars`, ``(cars, count)``."""
        drawn = np.empty((cars.size, count))
        for row, car in enumerate(cars):
            if self._next[car] + count > _BUFFER:
                self._buffers[car] = self._generators[car].random(_BUFFER)
                self._next[car] = 0
            drawn[row] = self._buffers[car, self._next[car] : self._next[car] + count]
            self._next[car] += count
        return drawn


def _generator(seed: int, purpose: Purpose, car: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(purpose), car))))
