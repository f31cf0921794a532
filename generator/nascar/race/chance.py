"""Every random number of a race: streams by purpose and car, all from one seed.

A stream belongs to one purpose and one car, so a new purpose, a longer field or a draw more in one place
shifts no other stream. Only uniform numbers are drawn and only sums are made of them: a normal variate
takes logarithms, whose last bit is not the same everywhere.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from nascar.compiled import compiled
from nascar.race.frames import Floats

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_STREAM: Final = np.uint64(0xD1342543DE82EF95)
_GAMMA: Final = np.uint64(0xDA942042E4DD58B5)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_UNIT: Final = 2.0**-53


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of every seed's race: add, never renumber."""

    DRIVERS = 1
    GRID = 2
    CORNERS = 3
    FATES = 6
    TALENT = 7


def uniform(seed: int, purpose: Purpose, car: int, count: int) -> Floats:
    """The first `count` numbers of a stream, from 0 to below 1."""
    return _generator(seed, purpose, car).random(count)


def bell(uniforms: Floats) -> Floats:
    """Sums of twelve: nearly normal, mean 0, standard deviation 1, never beyond ±6. Last axis is summed."""
    total = np.zeros(uniforms.shape[:-1])
    for part in range(12):
        total += uniforms[..., part]
    return total - 6.0


@compiled
def draw(seed: int, owner: int, count: int) -> float:
    """Number `count` of the stream of `owner` (a car, or the field), from 0 to below 1.

    For the compiled loops: SplitMix64 (Steele, Lea and Flood 2014) over seed, owner and count. Every
    operation is on unsigned 64-bit integers, so there is no state to keep and nothing to round.
    """
    mixed = np.uint64(seed) * _GOLDEN + np.uint64(owner) * _STREAM + np.uint64(count) * _GAMMA
    for _ in range(2):
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        mixed = mixed ^ (mixed >> np.uint64(31))
    return float(mixed >> np.uint64(11)) * _UNIT


def _generator(seed: int, purpose: Purpose, car: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(purpose), car))))
