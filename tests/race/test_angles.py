"""Sine and cosine without a library's last bit."""

from __future__ import annotations

import math

import numpy as np

from nascar.race.angles import sin_cos


def test_sine_and_cosine_are_those_of_the_library_to_a_few_units_in_the_last_place() -> None:
    angles = np.linspace(-15.0, 15.0, 4_001)
    sine, cosine = sin_cos(angles)
    np.testing.assert_allclose(sine, [math.sin(angle) for angle in angles], rtol=0, atol=3e-15)
    np.testing.assert_allclose(cosine, [math.cos(angle) for angle in angles], rtol=0, atol=3e-15)
