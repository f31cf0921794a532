"""Sine and cosine from sums and products alone, so that every machine gets the same bits.

A C library's or a SIMD build's ``sin`` may differ from another's in the last bit. IEEE 754 fixes addition,
multiplication, division and square root, and the race is built from these only.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.frames import Floats

_HALF_PI: Final = 1.5707963267948966
_TERMS: Final = 10
"""Of each Taylor series: the remainder is below 1e-17 on ±π/4."""


def sin_cos(angle_rad: Floats) -> tuple[Floats, Floats]:
    """Sine and cosine of angles of a few turns at most, to about 1e-15."""
    quarter = np.rint(angle_rad / _HALF_PI)
    rest = angle_rad - quarter * _HALF_PI
    square = rest * rest
    sine, cosine = np.ones_like(rest), np.ones_like(rest)
    for term in range(_TERMS, 0, -1):
        sine = 1.0 - sine * square / ((2 * term) * (2 * term + 1))
        cosine = 1.0 - cosine * square / ((2 * term - 1) * (2 * term))
    sine = sine * rest
    turned = quarter.astype(np.int64) % 4
    return (
        np.choose(turned, [sine, cosine, -sine, -cosine]),
        np.choose(turned, [cosine, -sine, -cosine, sine]),
    )
