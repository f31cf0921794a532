"""The published way, as its description has it."""

from __future__ import annotations

import gzip
from random import Random

import msgpack
import pytest

from nascar.bench.published import (
    make_body,
    make_columns,
    make_pool,
    measure_making,
    measure_replay,
)
from nascar.bench.sink import Sink
from nascar.race.entries import field, load_entries
from nascar.telemetry.columns import Kind, Table
from nascar.telemetry.schema import TABLES

CARS = field(load_entries(), 40)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_a_list_of_values_in_the_published_range(table: Table) -> None:
    columns = make_columns(table, 200, Random(3), CARS)
    assert list(columns) == [column.name for column in table.columns]
    for column in table.columns:
        values = columns[column.name]
        assert isinstance(values, list)
        assert len(values) == 200
        if column.kind is Kind.TEXT:
            assert set(values) <= {getattr(car, column.name) for car in CARS}
        elif column.sensor is not None and column.range is not None:
            assert column.range[0] <= min(values) <= max(values) <= column.range[1]
            assert len(set(values)) > 1


def test_every_car_and_no_time_comes_twice() -> None:
    columns = make_columns(TABLES[0], 400, Random(3), CARS)
    assert len(set(zip(columns["car_number"], columns["time"], strict=True))) == 400
    assert set(columns["car_number"]) == {car.car_number for car in CARS}


def test_a_body_is_gzip_of_msgpack_lists() -> None:
    body = make_body(TABLES[1], 120, Random(5), CARS)
    # The tenth byte of the head but one says that gzip was asked for its best.
    assert body[:2] == b"\x1f\x8b"
    assert body[8] == 2
    unpacked = msgpack.unpackb(gzip.decompress(body))
    assert unpacked == {"m": TABLES[1].name, "columns": make_columns(TABLES[1], 120, Random(5), CARS)}


def test_making_counts_whole_batches() -> None:
    taken = measure_making(0.01)
    assert taken.rows == 10_000
    assert taken.cpu_s >= 0.01


async def test_sending_the_pool_again_counts_what_was_acknowledged() -> None:
    pool = make_pool(batches=3, rows=80)
    async with Sink() as sink:
        taken = await measure_replay(pool, 80, 0.2, sink.url)
        assert taken.rows == 80 * sink.requests
    # More than once round.
    assert taken.rows > 80 * len(pool)
