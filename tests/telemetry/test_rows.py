"""Rows wait for their time, in order, and come out once, in the types of their table."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.rows import RowQueue, Rows, make_rows

TABLE = Table(
    "laps",
    "",
    (
        Column("time", Kind.TIME, "", ""),
        Column("car_number", Kind.INT, "", ""),
        Column("gap_s", Kind.FLOAT, "", "", decimals=3),
        Column("driver", Kind.TEXT, "", ""),
    ),
)


def rows_at(times_us: list[int]) -> Rows:
    columns: dict[str, list[Any]] = {
        "car_number": [time_us % 7 for time_us in times_us],
        "gap_s": [time_us / 8 for time_us in times_us],
        "driver": [f"Nº {time_us}" for time_us in times_us],
    }
    return make_rows(TABLE, times_us, columns)


def test_values_get_the_types_and_decimals_of_their_columns() -> None:
    rows = make_rows(TABLE, [5, 6], {"car_number": [True, 24], "gap_s": [0, 1.23456], "driver": ["a", "b"]})
    assert rows.columns["car_number"].dtype == np.int64  # type: ignore[union-attr]
    assert rows.columns["gap_s"].dtype == np.float64  # type: ignore[union-attr]
    assert list(rows.columns["gap_s"]) == [0.0, 1.235]
    assert rows.columns["driver"] == ("a", "b")
    assert rows.times_us.dtype == np.int64


def test_no_number_is_a_minus_zero() -> None:
    rows = make_rows(TABLE, [1], {"car_number": [1], "gap_s": [-0.0001], "driver": [""]})
    assert not np.signbit(rows.columns["gap_s"]).any()


def test_empty_columns_have_their_types_too() -> None:
    empty = rows_at([])
    assert empty.count == 0
    assert empty.columns["car_number"].dtype == np.int64  # type: ignore[union-attr]
    assert empty.columns["gap_s"].dtype == np.float64  # type: ignore[union-attr]


@given(
    times=st.lists(st.integers(0, 50), max_size=40).map(sorted),
    cuts=st.lists(st.integers(0, 40), max_size=5).map(sorted),
    turns=st.lists(st.integers(-1, 51), max_size=8).map(sorted),
)
def test_every_row_comes_out_once_in_order_and_not_before_its_time(
    times: list[int], cuts: list[int], turns: list[int]
) -> None:
    queue = RowQueue()
    for first, stop in zip([0, *cuts], [*cuts, len(times)], strict=True):
        queue.add(rows_at(times[first:stop]))
    out: list[int] = []
    for turn in turns:
        taken = queue.take(turn)
        assert taken is None or taken.count > 0
        got = [] if taken is None else taken.times_us.tolist()
        out += got
        assert all(time_us <= turn for time_us in got)
        assert out == [time_us for time_us in times if time_us <= turn]
    rest = queue.take()
    out += [] if rest is None else rest.times_us.tolist()
    assert out == times
    assert queue.take() is None


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=5), st.integers(0, 9))
def test_the_columns_of_a_row_stay_together(parts: list[list[int]], turn: int) -> None:
    queue, start = RowQueue(), 0
    for part in parts:
        times = [start + step for step in sorted(part)]
        start = max([start, *times])
        queue.add(rows_at(times))
    for until in (turn, None):
        taken = queue.take(until)
        if taken is not None:
            assert taken.columns["driver"] == tuple(f"Nº {time_us}" for time_us in taken.times_us)
            np.testing.assert_array_equal(taken.columns["gap_s"], np.round(taken.times_us / 8, 3))
            np.testing.assert_array_equal(taken.columns["car_number"], taken.times_us % 7)
