"""What a sensor adds to the truth: small, band-limited noise, the same for the same seed."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

BANDWIDTH_HZ: Final = 100.0
"""Where the noise has fallen to half its power: a data logger's input filter."""

ROLL_OFF: Final = 4.0
"""Multiple of the bandwidth beyond which there is no noise at all."""

RING_CELLS: Final = 2**20
"""Most cells of a ring: 4 MB stay within reach of a processor's last cache."""

GRAIN: Final = 2.0**-10
"""Noise is a multiple of this part of its standard deviation. Two machines' Fourier transforms may differ in
the last bit; after rounding to the grain they do not."""


class NoiseRing:
    """A seamless ring of unit noise, ``(instants, cars)`` flattened as rows are, in float32.

    Every car has its own noise along time, with mean 0 and standard deviation 1. Each column starts at its
    own place on the ring, so the noise of a cell depends on seed, column and row number alone, never on how
    rows are cut into batches. At 40 cars and 5,100 rows a second per car the ring is 3.2 s long.
    """

    def __init__(self, seed: int, cars: int, instants_per_s: float, most_rows: int) -> None:
        self._seed = seed
        self._cars = cars
        self.instants: int = 2 ** ((RING_CELLS // cars).bit_length() - 1)
        """Length of the ring: after so many instants a column's noise comes round again."""
        self.turn = self.instants * cars
        """The same in rows."""
        unit = _band_limited(seed, self.instants, cars, instants_per_s).reshape(-1)
        self.cells = np.resize(unit, self.turn + most_rows)
        """The ring, with its beginning once more behind its end: `most_rows` rows from any place on have no
        seam."""

    def start(self, name: str) -> int:
        """Where the noise of row 0 of a column lies: a pure function of seed and name. Row n lies n cells on."""
        place = np.random.SeedSequence((self._seed, zlib.crc32(name.encode()))).generate_state(1)[0]
        return int(place) % self.instants * self._cars


def _band_limited(seed: int, instants: int, cars: int, instants_per_s: float) -> NDArray[np.float32]:
    """Periodic noise ``(instants, cars)``: a random spectrum under a second-order low-pass, without mean."""
    half = instants // 2
    bin_hz = instants_per_s / instants
    bins = max(1, min(half, int(ROLL_OFF * BANDWIDTH_HZ / bin_hz)))
    rng = np.random.default_rng((seed, instants, cars))
    spectrum = np.zeros((half + 1, cars), np.complex128)
    parts = rng.standard_normal((2, bins, cars))
    frequency = np.arange(1, bins + 1) * bin_hz
    gain = 1.0 / np.sqrt(1.0 + (frequency / BANDWIDTH_HZ) ** 4)
    spectrum[1 : bins + 1] = (parts[0] + 1j * parts[1]) * gain[:, None]
    noise = np.fft.irfft(spectrum, n=instants, axis=0)
    noise /= noise.std(axis=0)
    return np.asarray(np.rint(noise / GRAIN) * GRAIN, dtype=np.float32)
