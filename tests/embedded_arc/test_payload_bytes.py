"""Whatever bytes come, the answer is 204, 400 or a refused type, nothing is half stored, and the server stays up."""

from __future__ import annotations

import asyncio
import gzip
import math
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from embedded_arc.columns import Numbers, Rows, Texts, Words
from embedded_arc.compression import decompressed
from embedded_arc.errors import WriteRefused
from embedded_arc.payload import PayloadReader

NOW_US = 1_748_779_200_000_000

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
cells = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    st.lists(st.floats(), max_size=5),
    st.lists(st.text(max_size=4), max_size=5),
    st.lists(scalars, max_size=5),
    values,
)
maps = st.fixed_dictionaries(
    {},
    optional={
        "m": st.sampled_from(["t", "u", "", 7, None, 1.5]) | values,
        "columns": st.dictionaries(
            st.sampled_from(["time", "v", "w", "_x", ""]) | st.text(max_size=3), cells, max_size=4
        )
        | values,
        "t": values,
        "h": values,
        "fields": st.dictionaries(st.text(max_size=3), scalars, max_size=3) | values,
        "f": values,
        "tags": values,
        "zzz": values,
    },
)
bodies = st.one_of(
    maps,
    st.lists(maps | values, max_size=4),
    st.fixed_dictionaries({"batch": st.lists(maps | values, max_size=4) | values}),
    values,
)


def read(body: bytes) -> list[Rows]:
    return PayloadReader(lambda: NOW_US).read(body)


def check(rows: Rows) -> None:
    assert rows.count > 0
    assert next(iter(rows.columns)) == "time"
    for column in rows.columns.values():
        assert len(column) == rows.count
        if isinstance(column, Words):
            assert column.codes.min() >= -1
            assert column.codes.max() < len(column.words)
            assert len(set(column.words)) == len(column.words)


@given(st.binary(max_size=200))
@example(b"\x82\xa1m\xa1t\xa7columns\x81\xa4time\xdd\xff\xff\xff\xff")
@example(b"\xdf\xff\xff\xff\xff" * 20)
@example(b"\x82\xa1m\xa1t\xa7columns\xdf\xff\xff\xff\xff\xa1a\x91\x01")
def test_any_bytes(body: bytes) -> None:
    try:
        found = read(body)
    except WriteRefused as refusal:
        assert refusal.status in (400, 500)
        return
    for rows in found:
        check(rows)


@given(bodies, st.integers(0, 400))
def test_any_message_pack_and_any_beginning_of_it(body: Any, cut: int) -> None:
    packed = msgpack.packb(body)
    for data in (packed, packed[:cut]):
        try:
            found = read(data)
        except WriteRefused as refusal:
            assert refusal.status in (400, 500)
            continue
        for rows in found:
            check(rows)


def fixed(value: Any) -> bytes:
    """A number in its widest encoding, as the generator sends it."""
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    return struct.pack(">Bq", 0xD3, value) if isinstance(value, int) else bytes(msgpack.packb(value))


def wide(columns: dict[str, list[Any]]) -> bytes:
    body = b"\x82\xa1m\xa1t\xa7columns" + bytes([0x80 + len(columns)])
    for name, column in columns.items():
        body += msgpack.packb(name) + b"\xdd" + struct.pack(">I", len(column)) + b"".join(map(fixed, column))
    return body


def plain(rows: Rows) -> dict[str, list[Any]]:
    """Rows as Python values; NaN as a word, so that they can be compared."""
    out: dict[str, list[Any]] = {}
    for name, column in rows.columns.items():
        if isinstance(column, Numbers):
            found = column.values.tolist()
            if column.valid is not None:
                found = [v if ok else None for v, ok in zip(found, column.valid.tolist(), strict=True)]
        elif isinstance(column, Texts):
            found = list(column.values)
        else:
            found = [None if code < 0 else column.words[code] for code in column.codes.tolist()]
        out[name] = ["nan" if isinstance(v, float) and math.isnan(v) else v for v in found]
    return out


@given(
    st.integers(1, 60).flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "time": st.lists(st.integers(0, 2**50), min_size=n, max_size=n),
                "i": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n),
                "f": st.lists(st.floats(), min_size=n, max_size=n),
                "d": st.lists(st.sampled_from(["a", "bb", "c" * 40, ""]), min_size=1, max_size=5).map(
                    lambda block: (block * n)[:n]
                ),
                "e": st.lists(st.sampled_from(["a", "bb"]), min_size=n, max_size=n),
            }
        )
    )
)
def test_the_fast_way_reads_what_msgpack_reads(columns: dict[str, list[Any]]) -> None:
    """Fixed cells and repeating texts give the same rows as the same values in their shortest encoding."""
    fast = read(wide(columns))
    slow = read(msgpack.packb({"m": "t", "zzz": 0, "columns": columns}))
    assert [plain(rows) for rows in fast] == [plain(rows) for rows in slow]


def test_a_reader_remembers_texts_and_is_not_misled_by_them() -> None:
    reader = PayloadReader(lambda: NOW_US)
    for texts in (
        ["a", "b"] * 10,
        ["a", "b"] * 3,
        ["b", "a"] * 10,
        ["a", "b", "a", "c"] * 5,
        ["a"],
        ["a", "b", "x"],
    ):
        body = msgpack.packb({"m": "t", "columns": {"time": [1] * len(texts), "d": texts}})
        (rows,) = reader.read(body)
        assert plain(rows)["d"] == texts


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip of zeros": lambda: gzip.compress(bytes(300_000_000)),
    "zstd of zeros": lambda: zstandard.compress(bytes(300_000_000)),
    "many gzip members": lambda: gzip.compress(bytes(10_000_000)) * 30,
    "many zstd frames": lambda: zstandard.compress(bytes(10_000_000)) * 30,
}


@contextmanager
def at_most(megabytes: int) -> Iterator[None]:
    """No more Python memory than this is taken in the block."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_defused(bomb: str) -> None:
    body = BOMBS[bomb]()
    with at_most(200), pytest.raises(WriteRefused, match="exceeds 50,000,000 bytes"):
        decompressed(body, 50_000_000)


def test_a_zstd_window_beyond_reason_is_refused() -> None:
    head = b"\x28\xb5\x2f\xfd" + bytes([0b0000_0000, 0xF8]) + b"\x01\x00\x00"
    with at_most(20), pytest.raises(WriteRefused, match="Invalid zstd compression"):
        decompressed(head, 10**9)


@pytest.mark.parametrize("tag", [b"\x80", b"\x90"])
def test_a_body_that_would_unfold_to_gigabytes_of_objects_is_refused(tag: bytes) -> None:
    cells = b"\xdd" + struct.pack(">I", 30_000_000) + tag * 30_000_000
    for body in (cells, b"\x82\xa1m\xa1t\xa7columns\x81\xa1v" + cells):
        with at_most(200), pytest.raises(WriteRefused, match="Payload too large to unpack"):
            read(body)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(min_size=1, max_size=60) | bodies.map(msgpack.packb))
async def test_any_body_over_http(arc: Any, body: bytes) -> None:
    status, answer = await arc.write(body)
    assert status in (204, 400, 500)
    if status != 204:
        assert list(answer) == ["error"]
        assert answer["error"] != "Internal Server Error"


async def test_after_all_that_rows_are_stored(arc: Any, cols: Any) -> None:
    for body in (b"\xc1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xdd\xff\xff\xff\xff", b"\x91" * 5000):
        assert (await arc.write(body))[0] in (204, 400)
    await arc.stored(cols("t", v=[1]))
    assert await arc.rows("SELECT v FROM db.t") == [[1]]


async def test_oversize_bodies_are_refused_before_they_are_read(arc: Any) -> None:
    host, port = arc.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /api/v1/write/msgpack HTTP/1.1\r\nHost: x\r\nAuthorization: {arc.token}\r\nContent-Length: 2000000000\r\n\r\n"
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error":"Request Entity Too Large"}')
