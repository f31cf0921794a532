"""Rows of one car lie together in a file, and the cars in the order of their numbers: a question for one skips the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_arc.columns import Column, Kind, Numbers, Rows, Words
from embedded_arc.merge import LEAST_GROUP_ROWS, Merger

ROUNDS = LEAST_GROUP_ROWS


def batch(first: int, cars: Sequence[int], names: Sequence[str | None]) -> Rows:
    """`ROUNDS` rows of each car, the cars taking turns, times counting up from `first`."""
    known = tuple(dict.fromkeys(name for name in names if name is not None))
    codes = np.array([-1 if name is None else known.index(name) for name in names], np.int16)
    columns: dict[str, Column] = {
        "time": Numbers(Kind.TIME, np.arange(first, first + ROUNDS * len(cars), dtype=np.int64)),
        "car": Numbers(Kind.INT, np.tile(np.array(cars, np.int64), ROUNDS)),
        "lap": Numbers(Kind.INT, np.arange(ROUNDS * len(cars), dtype=np.int64)[::-1]),
        "driver": Words(np.tile(codes, ROUNDS), known),
    }
    return Rows("t", columns, ROUNDS * len(cars))


@settings(deadline=None)
@given(st.lists(st.integers(1, 999), min_size=2, max_size=40, unique=True), st.integers(1, 3))
def test_groups_stand_in_the_order_of_the_number_and_their_rows_in_that_of_time(
    cars: list[int], batches: int
) -> None:
    names = [f"Driver {car}" for car in cars]
    parts = [batch(number * 10_000, cars, names) for number in range(batches)]
    found = Merger().merged(parts).table.to_pydict()
    rows = list(zip(found["car"], found["time"], found["driver"], strict=True))
    assert rows == sorted(rows, key=lambda row: row[:2])
    assert all(name == f"Driver {car}" for car, _, name in rows)


def test_rows_without_a_text_and_words_that_come_later_lose_nothing() -> None:
    parts = [batch(0, [24, 7], ["b", "a"]), batch(10_000, [3, 24, 9], ["c", "b", None])]
    stored = Merger().merged(parts)
    found = stored.table.to_pydict()
    sent = [(24, "b"), (7, "a")] * ROUNDS + [(3, "c"), (24, "b"), (9, None)] * ROUNDS
    assert sorted(zip(found["car"], found["driver"], strict=True), key=repr) == sorted(sent, key=repr)
    # What the first batch knows is in order: what it does not know comes behind, what has no text before.
    assert found["car"] == [9] * ROUNDS + [7] * ROUNDS + [24] * 2 * ROUNDS + [3] * ROUNDS
