"""The wire says exactly what was put on it, in the form that Arc reads fastest."""

from __future__ import annotations

import math
import struct
import weakref
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.stream.wire import Cell, WireBody, WireColumn, WireTable

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT64 = st.floats(allow_nan=False)


def table(stock_bytes: int = 2**20) -> WireTable:
    return WireTable(
        "tires",
        [
            WireColumn("time", Cell.INT64),
            WireColumn("car", (24, 7, -1)),
            WireColumn("driver", ("Ada", "Bé", "")),
            WireColumn("psi", Cell.FLOAT64),
        ],
        stock_bytes,
    )


def decoded(body: WireBody) -> Any:
    return msgpack.unpackb(body.data)


@given(st.lists(st.tuples(INT64, FLOAT64), min_size=1, max_size=40))
def test_what_is_filled_in_is_read_back(rows: list[tuple[int, float]]) -> None:
    times, pressures = (list(column) for column in zip(*rows, strict=True))
    body = table().lend(len(rows))
    body.fill("time", np.array(times, np.int64))
    body.fill("psi", np.array(pressures, np.float64))
    assert decoded(body) == {
        "m": "tires",
        "columns": {
            "time": times,
            "car": [(24, 7, -1)[n % 3] for n in range(len(rows))],
            "driver": [("Ada", "Bé", "")[n % 3] for n in range(len(rows))],
            "psi": pressures,
        },
    }


# Around the sizes at which MessagePack's headers grow: 16 and 65,536 elements.
@pytest.mark.parametrize("rows", [1, 15, 16, 65_535, 65_536, 70_000])
def test_any_number_of_rows_has_its_header(rows: int) -> None:
    body = table(stock_bytes=0).lend(rows)
    times = np.arange(rows, dtype=np.int64) - 5
    body.fill("time", times)
    body.fill("psi", times / 7)
    columns = decoded(body)["columns"]
    assert columns["time"] == times.tolist() and columns["psi"] == (times / 7).tolist()
    assert len(columns["car"]) == len(columns["driver"]) == rows


@pytest.mark.parametrize("length", [0, 1, 31, 32, 255, 256, 7_000])
def test_text_of_any_length_has_its_header(length: int) -> None:
    names = ("x" * length, "é" * (length // 2))
    wire = WireTable("t" * max(1, length), [WireColumn("n" * max(1, length), names)], 0)
    assert decoded(wire.lend(4)) == {
        "m": "t" * max(1, length),
        "columns": {"n" * max(1, length): [*names, *names]},
    }


@pytest.mark.parametrize("count", [1, 15, 16, 40])
def test_any_number_of_columns_has_its_header(count: int) -> None:
    wire = WireTable("wide", [WireColumn(f"c{n}", (n,)) for n in range(count)], 0)
    assert decoded(wire.lend(2))["columns"] == {f"c{n}": [n, n] for n in range(count)}


def test_numbers_have_a_fixed_width_whatever_their_value() -> None:
    wire = WireTable(
        "t", [WireColumn("i", Cell.INT64), WireColumn("f", Cell.FLOAT64), WireColumn("c", (1,))], 0
    )
    body = wire.lend(3)
    body.fill("i", np.array([0, -1, 2**62], np.int64))
    body.fill("f", np.array([0.0, -2.5, math.inf]))
    cells = [b"\xd3" + struct.pack(">q", value) for value in (0, -1, 2**62)]
    cells += [b"\xcb" + struct.pack(">d", value) for value in (0.0, -2.5, math.inf)]
    cells += [b"\xd3" + struct.pack(">q", 1)] * 3
    data = bytes(body.data)
    for cell in cells:
        assert cell in data
    # Map, "m", "t", "columns", map; three names with an array header; nine cells of nine bytes.
    assert len(data) == 1 + 2 + 2 + 8 + 1 + 3 * (2 + 1) + 9 * 9


def test_a_column_refuses_numbers_of_another_type_or_length() -> None:
    body = table().lend(2)
    with pytest.raises(TypeError):
        body.fill("time", np.array([1.5, 2.5]))
    with pytest.raises(ValueError, match="broadcast"):
        body.fill("psi", np.array([1.0, 2.0, 3.0]))
    with pytest.raises(KeyError):
        body.fill("car", np.array([1, 2]))


def test_a_buffer_given_back_is_lent_again_and_shows_nothing_of_before() -> None:
    wire = table()
    first = wire.lend(100)
    first.fill("time", np.full(100, 111, np.int64))
    first.fill("psi", np.full(100, 1.25))
    address = np.frombuffer(first.data, np.uint8).ctypes.data
    first.release()
    second = wire.lend(100)
    assert np.frombuffer(second.data, np.uint8).ctypes.data == address
    second.fill("time", np.arange(100))
    second.fill("psi", np.arange(100) / 4)
    columns = decoded(second)["columns"]
    assert columns["time"] == list(range(100)) and columns["psi"] == [n / 4 for n in range(100)]


def test_bodies_on_loan_do_not_share_memory() -> None:
    wire = table()
    bodies = [wire.lend(10) for _ in range(3)]
    for place, body in enumerate(bodies):
        body.fill("time", np.full(10, place, np.int64))
    assert [decoded(body)["columns"]["time"] for body in bodies] == [[place] * 10 for place in range(3)]


def test_the_stock_is_bounded() -> None:
    size = len(table().lend(100).data)
    wire = table(stock_bytes=3 * size + 1)
    bodies = [wire.lend(100) for _ in range(8)]
    buffers = [weakref.ref(body.data) for body in bodies]
    for body in bodies:
        body.release()
    assert sum(buffer() is not None for buffer in buffers) == 3


def test_a_body_is_given_back_once_and_not_used_after() -> None:
    body = table().lend(10)
    body.release()
    for use in (body.release, lambda: body.data, lambda: body.fill("time", np.zeros(10, np.int64))):
        with pytest.raises(RuntimeError, match="has been released"):
            use()


def test_the_bytes_of_a_body_cannot_be_written_from_outside() -> None:
    assert table().lend(1).data.readonly
