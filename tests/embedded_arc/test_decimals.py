"""Floats that are stored as decimals: every bit of them comes back, and nobody sees how they are stored."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from embedded_arc.payload import PayloadReader
from embedded_arc.settings import Settings
from embedded_arc.store import Store, segments_root

T0_US = 1_748_779_200_000_000
NUMBERS = itertools.count()

CELLS = st.one_of(
    st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 7)).map(lambda d: d[0] / 10 ** d[1]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 0.1 + 0.2, 999_999_999.0, 1e9, 1e300, float("inf"), 5e-324]),
)


def opened(settings: Settings) -> Store:
    segments_root(settings.data_dir).mkdir(parents=True, exist_ok=True)
    return Store(settings)


def put(store: Store, **columns: list[Any]) -> None:
    count = len(next(iter(columns.values())))
    body = {"m": "t", "columns": {"time": [T0_US + i for i in range(count)], **columns}}
    store.take("db", PayloadReader(lambda: 0).read(msgpack.packb(body)))
    store.flush()


def types(store: Store) -> list[tuple[str, str]]:
    """Parts of the table and how each keeps column `v`."""
    found = store.cursor().execute(
        "SELECT table_name, data_type FROM duckdb_columns() WHERE column_name = 'v' AND table_name LIKE 'part_%' "
        "ORDER BY ALL"
    )
    return [(str(table), str(kind)) for table, kind in found.fetchall()]


def bits(values: list[float]) -> list[bytes]:
    return sorted(struct.pack(">d", v) for v in values)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = opened(Settings(tmp_path_factory.mktemp("shared"), "x" * 32, keep_s=None))
    yield store
    store.close()


@examples(max_examples=80, deadline=None)
@given(flushes=st.lists(st.lists(CELLS, min_size=1, max_size=30), min_size=1, max_size=3))
def test_every_bit_comes_back(shared: Store, flushes: list[list[float]]) -> None:
    table = f"t{next(NUMBERS)}"
    for cells in flushes:
        columns = {"time": [T0_US] * len(cells), "v": cells, "d": [f"d{i % 2}" for i in range(len(cells))]}
        shared.take("db", PayloadReader(lambda: 0).read(msgpack.packb({"m": table, "columns": columns})))
        shared.flush()
    found = shared.cursor().execute(f"SELECT v FROM db.{table}").fetchall()
    assert bits([v for (v,) in found]) == bits([v for cells in flushes for v in cells])
    kinds = shared.cursor().execute(f"SELECT DISTINCT typeof(v) FROM db.{table}").fetchall()
    assert kinds == [("DOUBLE",)]


def test_decimals_of_few_digits_are_kept_as_such_and_others_as_floats(settings: Settings) -> None:
    store = opened(settings)
    put(store, v=[1.5, 2.25])
    put(store, v=[3.0])
    assert types(store) == [("part_0", "DECIMAL(9,2)")]
    put(store, v=[1 / 3])
    put(store, v=[1.5])
    assert types(store) == [("part_0", "DECIMAL(9,2)"), ("part_1", "DOUBLE")]
    assert store.cursor().execute("SELECT sum(v), max(v), typeof(max(v)) FROM db.t").fetchall() == [
        (pytest.approx(8.25 + 1 / 3), 3.0, "DOUBLE")
    ]
    store.close()


def test_digits_that_come_and_go_make_no_new_part_each_time(settings: Settings) -> None:
    store = opened(settings)
    for turn in range(20):
        put(
            store,
            v=[0.5, 1.0] if turn % 2 else [0.125],
            w=[1.25] if not turn % 3 and not turn % 2 else [1.0] * (1 + turn % 2),
        )
    assert len(types(store)) <= 3
    store.close()


def test_after_a_restart_the_values_are_the_same(settings: Settings) -> None:
    store = opened(settings)
    put(store, v=[182.23, -0.07, 12.0], x=[1, 2, 3])
    store.close()
    store = opened(settings)
    assert types(store) == [("part_0", "DECIMAL(9,2)")]
    put(store, v=[0.5])
    found = store.cursor().execute("SELECT v, typeof(v) FROM db.t ORDER BY v").fetchall()
    assert found == [(v, "DOUBLE") for v in (-0.07, 0.5, 12.0, 182.23)]
    store.close()


def test_beside_texts_a_float_is_spelled_as_a_float(settings: Settings) -> None:
    store = opened(settings)
    put(store, v=[2.5, 10.25])
    put(store, v=["x"])
    assert store.cursor().execute("SELECT v FROM db.t ORDER BY v").fetchall() == [
        ("10.25",),
        ("2.5",),
        ("x",),
    ]
    store.close()


def test_conditions_and_deletes_see_floats(settings: Settings) -> None:
    store = opened(settings)
    put(store, v=[0.1, 0.2, 0.3])
    assert store.cursor().execute(
        "SELECT count(*) FROM db.t WHERE v = 0.1::DOUBLE OR v / 3 > 0.09"
    ).fetchall() == [(2,)]
    assert store.delete_where("db", "t", "v > 0.15") == (2, 1)
    assert store.cursor().execute("SELECT v FROM db.t").fetchall() == [(0.1,)]
    store.close()
