"""Between two ticks a channel stays between their values: float32 must not step over either end."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from nascar.telemetry.channels import slopes

VALUES = st.floats(-50_000, 50_000, width=32)
WEIGHTS = st.floats(0, 1, width=32)


@given(VALUES, VALUES, WEIGHTS)
@example(6236.60009765625, 15.545000076293945, 1.0)
def test_a_line_never_leaves_the_range_between_its_ends(start: float, end: float, weight: float) -> None:
    a, b, w = (np.array([value], np.float32) for value in (start, end, weight))
    value = a + w * slopes(a, b)
    assert min(start, end) <= value[0] <= max(start, end)


@given(VALUES, VALUES)
def test_a_line_begins_at_one_end_and_comes_to_the_other(start: float, end: float) -> None:
    a, b = np.array([start], np.float32), np.array([end], np.float32)
    slope = slopes(a, b)
    assert a + np.float32(0) * slope == a
    assert abs(a + slope - b) <= 2 * np.spacing(max(abs(a), abs(b)))


@given(VALUES, VALUES, WEIGHTS, WEIGHTS)
def test_a_line_never_turns_back(start: float, end: float, one: float, other: float) -> None:
    a, b = np.array([start], np.float32), np.array([end], np.float32)
    early, late = (a + np.float32(weight) * slopes(a, b) for weight in sorted((one, other)))
    assert early <= late if start <= end else early >= late
