"""Squeezed bodies hold the same bytes, in the form that the server tells by its first ones."""

from __future__ import annotations

import gc
import gzip
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
import zstandard

from nascar.stream.compression import Compression, SqueezedBody
from nascar.stream.feed import TelemetryFeed
from nascar.stream.wire import Cell, WireBody, WireColumn, WireTable
from tests.stream.test_feed import plan_of, sampler_of

UNPACK: dict[Compression, Callable[[memoryview], bytes]] = {
    Compression.GZIP: gzip.decompress,
    Compression.ZSTD: lambda data: zstandard.ZstdDecompressor().decompress(data),
}
FIRST_BYTES = {Compression.GZIP: b"\x1f\x8b", Compression.ZSTD: b"\x28\xb5\x2f\xfd"}

squeezed = pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])


def wire() -> WireTable:
    return WireTable("t", [WireColumn("n", Cell.INT64)], 2**20)


def body_of(table: WireTable, rows: int) -> WireBody:
    body = table.lend(rows)
    body.fill("n", np.arange(rows))
    return body


@squeezed
@pytest.mark.parametrize("rows", [1, 1_000, 200_000])
def test_what_is_squeezed_is_read_back(compression: Compression, rows: int) -> None:
    squeeze = compression.squeezer()
    assert squeeze is not None
    table = wire()
    plain = bytes(body_of(table, rows).data)
    for _ in range(3):
        body = SqueezedBody(body_of(table, rows), squeeze)
        assert bytes(body.data[:4]).startswith(FIRST_BYTES[compression])
        assert UNPACK[compression](body.data) == plain
        body.release()


def test_nothing_is_squeezed_with_none() -> None:
    assert Compression.NONE.squeezer() is None
    body = TelemetryFeed(sampler_of(plan_of()), compression=Compression.NONE).encode(0)
    assert msgpack.unpackb(body.data)


@squeezed
def test_the_plain_buffer_is_free_at_once_and_the_squeezed_bytes_are_not_touched(
    compression: Compression,
) -> None:
    squeeze = compression.squeezer()
    assert squeeze is not None
    table = wire()
    waiting = SqueezedBody(body_of(table, 500), squeeze)
    before = bytes(waiting.data)
    again = table.lend(500)
    again.fill("n", np.full(500, -1))
    assert bytes(waiting.data) == before
    assert msgpack.unpackb(UNPACK[compression](waiting.data))["columns"]["n"] == list(range(500))


@squeezed
def test_a_body_is_given_back_once_and_not_used_after(compression: Compression) -> None:
    squeeze = compression.squeezer()
    assert squeeze is not None
    body = SqueezedBody(body_of(wire(), 10), squeeze)
    body.release()
    for use in (body.release, lambda: body.data):
        with pytest.raises(RuntimeError, match="has been released"):
            use()


def test_a_body_that_cannot_be_squeezed_gives_its_buffer_back() -> None:
    def broken(data: memoryview) -> bytes:
        raise MemoryError

    plain = body_of(wire(), 10)
    with pytest.raises(MemoryError):
        SqueezedBody(plain, broken)
    with pytest.raises(RuntimeError, match="has been released"):
        _ = plain.data


@squeezed
def test_a_feed_says_the_same_in_fewer_bytes(compression: Compression) -> None:
    plan = plan_of()
    plain = TelemetryFeed(sampler_of(plan))
    small = TelemetryFeed(sampler_of(plan), compression=compression)
    for index in range(7):
        ours, theirs = small.encode(index), plain.encode(index)
        assert UNPACK[compression](ours.data) == bytes(theirs.data)
        assert ours.data.nbytes < theirs.data.nbytes / 5
        ours.release()
        theirs.release()


@squeezed
def test_memory_does_not_grow_with_the_batches(compression: Compression) -> None:
    def live() -> int:
        gc.collect()
        return sum(isinstance(thing, SqueezedBody) for thing in gc.get_objects())

    feed: Any = TelemetryFeed(sampler_of(plan_of()), compression=compression)
    for index in range(30):
        feed.encode(index).release()
    assert live() == 0
    # One plain buffer for each table, however many bodies were made.
    for table in feed._wire.values():
        assert sum(len(template._stock) for template in table._templates.values()) == 1
