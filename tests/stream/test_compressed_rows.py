"""A server that speaks Arc's contract stores squeezed rows as it stores plain ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nascar.stream.client import Client
from nascar.stream.compression import Compression
from nascar.stream.feed import TelemetryFeed
from tests.cli.conftest import TOKEN, Engine, end_engine, start_engine
from tests.stream.test_feed import plan_of, sampler_of

BATCHES = 9


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    started = start_engine(tmp_path_factory.mktemp("engine"))
    yield started
    end_engine(started)


@pytest.mark.parametrize("compression", list(Compression))
async def test_what_is_sent_squeezed_is_stored_row_for_row(compression: Compression, engine: Engine) -> None:
    plan = plan_of(duration_s=0.2)
    feed = TelemetryFeed(sampler_of(plan), compression=compression)
    sent = dict.fromkeys(feed.tables, 0)
    speeds_mph = "ROUND(SUM(speed_mph), 3)"
    async with Client(engine.url, TOKEN, database=f"squeezed_{compression.value}") as client:
        await client.wait_ready()
        for index in range(BATCHES):
            body = feed.encode(index)
            outcome = await client.post(body.data)
            assert outcome.acknowledged, outcome
            body.release()
            sent[feed.head(index).table] += feed.head(index).rows
        assert await client.flush()
        for table, rows in sent.items():
            assert await client.count(table) == rows
            assert await client.count(table, what="COUNT(DISTINCT (car_number, time))") == rows
        answer = await client.query(f"SELECT {speeds_mph} FROM squeezed_{compression.value}.engine_telemetry")
    plain = sampler_of(plan)
    expected = sum(
        values.sum()
        for index in range(0, BATCHES, len(plan.tables))
        for column, values in plain.numbers(plan.batch(index))
        if column.name == "speed_mph"
    )
    assert answer.rows[0][0] == pytest.approx(expected, abs=0.01)
