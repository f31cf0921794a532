"""How many rows are stored, from counters that begin anew with every start of the server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.monitor.stored_rows import StoredRows
from nascar.stream.client import Stored

LIVES = st.lists(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), min_size=1, max_size=5)
"""Lives of a server: in each, how many rows it stored between two readings."""


@given(LIVES, st.integers(0, 10**12))
def test_no_row_that_was_stored_between_readings_is_forgotten_or_counted_twice(
    lives: list[list[int]], before: int
) -> None:
    counted, at_us, expected = StoredRows(), 0, 0
    for number, life in enumerate(lives):
        # A server that has just begun has stored nothing; the one that was there at the start has stored `before`.
        written = 0 if number else before
        for rows in (0, *life):
            written += rows
            expected += rows
            at_us += 1_000_000
            counted.take(at_us, Stored(written, written))
            assert counted.rows == expected


def test_before_the_first_reading_nothing_is_known() -> None:
    counted = StoredRows()
    assert counted.rows is None
    assert counted.rate is None
    counted.take(0, Stored(70, 50))
    assert counted.rows == 0
    assert counted.rate is None


def test_only_what_was_stored_since_the_first_reading_counts() -> None:
    counted = StoredRows()
    for second, written in enumerate((50_000, 51_000, 53_000)):
        counted.take(second * 1_000_000, Stored(written + 500, written))
    assert counted.rows == 3_000
    assert counted.rate == pytest.approx(1_500)


def test_a_restart_carries_on() -> None:
    counted = StoredRows()
    for second, written in enumerate((1_000, 5_000, 200, 900)):
        counted.take(second * 1_000_000, Stored(written, written))
    assert counted.rows == 4_000 + 900


def test_the_rate_is_that_of_the_last_five_seconds() -> None:
    counted = StoredRows()
    written = 0
    for second in range(20):
        written += 1_000 if second < 10 else 0
        counted.take(second * 1_000_000, Stored(written, written))
    assert counted.rows == 9_000
    assert counted.rate == 0
