"""How samples are written: late rather than never, but never more than so many, and nobody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from nascar.monitor.table import PIPELINE_METRICS
from nascar.monitor.writer import MetricsWriter, Tally
from nascar.stream.client import Client
from tests.monitor.conftest import START_US, sample, until
from tests.stream.conftest import DATABASE, GOOD, TOKEN, Act, Server

EVERY_S = 0.02


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with Client(server.url, TOKEN, database=DATABASE, request_timeout_s=0.3) as client:
        yield client


def seconds(server: Server) -> list[int]:
    """The seconds whose rows are stored, in the order in which they came."""
    return [
        (time_us - START_US) // 1_000_000 for name, _, time_us in server.rows if name == PIPELINE_METRICS.name
    ]


async def write(
    client: Client, samples: int, enough: Callable[[], bool] = lambda: True, most_waiting: int = 600
) -> Tally:
    """Take `samples` while it writes; when it is `enough`, end."""
    writer = MetricsWriter(client.post, every_s=EVERY_S, most_waiting=most_waiting)
    running = asyncio.create_task(writer.run())
    for second in range(samples):
        writer.take(sample(second))
        await asyncio.sleep(EVERY_S / 4)
    await until(enough)
    writer.end()
    await running
    return writer.tally


async def test_every_second_is_written_once_and_several_in_one_request(
    server: Server, client: Client
) -> None:
    tally = await write(client, 20)
    assert tally == Tally(20, 20)
    assert seconds(server) == list(range(20))
    assert 1 <= len(server.writes) < 20


async def test_the_end_writes_what_is_left(server: Server, client: Client) -> None:
    writer = MetricsWriter(client.post, every_s=3600)
    running = asyncio.create_task(writer.run())
    await asyncio.sleep(0)
    for second in range(3):
        writer.take(sample(second))
    assert writer.tally == Tally(3, 0)
    writer.end()
    await running
    assert writer.tally == Tally(3, 3)
    assert seconds(server) == [0, 1, 2]


@pytest.mark.parametrize(
    "act", [Act(store=0, status=503), Act(store=0, status=None), Act(store=0, close=True)]
)
async def test_what_was_not_taken_is_written_later_in_its_order(
    server: Server, client: Client, act: Act
) -> None:
    server.act = lambda number: act if number < 3 else GOOD
    tally = await write(client, 10, lambda: len(server.writes) > 3)
    assert tally == Tally(10, 10)
    assert seconds(server) == list(range(10))


async def test_a_server_that_is_away_costs_the_oldest_and_no_memory(server: Server, client: Client) -> None:
    await server.stop()
    tally = await write(client, 30, most_waiting=8)
    assert tally == Tally(30, 0)
    assert tally.lost == 30
    await server.start()
    tally = await write(client, 30, most_waiting=8)
    assert tally.lost == 0


async def test_the_newest_are_kept_while_the_server_is_away(server: Server, client: Client) -> None:
    good = server.act
    server.act = lambda number: Act(store=0, status=503)
    writer = MetricsWriter(client.post, every_s=EVERY_S, most_waiting=8)
    running = asyncio.create_task(writer.run())
    for second in range(20):
        writer.take(sample(second))
    await until(lambda: server.writes)
    server.act = good
    writer.end()
    await running
    assert seconds(server) == list(range(12, 20))
    assert writer.tally == Tally(20, 8)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_what_the_server_refuses_is_lost_and_not_tried_again(
    server: Server, client: Client, status: int
) -> None:
    server.act = lambda number: Act(store=0, status=status) if number == 0 else GOOD
    writer = MetricsWriter(client.post, every_s=EVERY_S)
    writer.take(sample(0))
    running = asyncio.create_task(writer.run())
    await until(lambda: server.writes)
    await asyncio.sleep(EVERY_S)
    writer.take(sample(1))
    writer.end()
    await running
    assert seconds(server) == [1]
    assert writer.tally == Tally(2, 1)


async def test_a_run_without_samples_writes_nothing(server: Server, client: Client) -> None:
    assert await write(client, 0) == Tally(0, 0)
    assert server.writes == []
