from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from re import fullmatch

import pytest

from nascar.errors import ServerError, TokenRefused
from nascar.stream.client import Client
from nascar.stream.readback import verify
from nascar.stream.report import Report, RunFacts, build
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.verdict import verdict
from tests.stream.conftest import DATABASE, GOOD, TABLES, TOKEN, Act, FakeSource, Server

Stream = Callable[..., Awaitable[Report]]


@pytest.fixture
def stream(settings: Callable[..., StreamSettings]) -> Stream:
    """Streams 1,800 rows and gives the report."""

    async def run(facts: RunFacts | None = None) -> Report:
        chosen = settings(rate=12_000, late_limit_s=10)
        result = await Run(chosen, lambda start_us: FakeSource(start_us, 12_000, 0.15), lead_s=0.05).run()
        return build(result, verdict(result), facts)

    return run


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        yield client


async def test_what_was_acknowledged_is_there(server: Server, client: Client, stream: Stream) -> None:
    found = await verify(await stream(), client, 5)
    assert found.ok
    assert found.flushed
    assert [(t.table, t.stored, t.outcome) for t in found.tables] == [(name, 600, "equal") for name in TABLES]
    assert found.text().splitlines() == [
        "table  acknowledged  stored  outcome",
        "pace            600     600  equal",
        "grip            600     600  equal",
        "heat            600     600  equal",
        "Verified: 1,800 rows acknowledged, and the same number stored in every table.",
    ]


async def test_rows_of_another_run_are_not_counted(server: Server, client: Client, stream: Stream) -> None:
    first, second = await stream(), await stream()
    assert server.stored() == 3_600
    for report in (first, second):
        assert (await verify(report, client, 5)).ok


async def test_bounds_are_literal_and_utc(server: Server, client: Client, stream: Stream) -> None:
    await verify(await stream(), client, 5)
    pattern = r"SELECT COUNT\(\*\) FROM laps\.pace WHERE time >= '(\S+)Z' AND time <= '(\S+)Z'"
    assert fullmatch(pattern, server.queries[0])


async def test_rows_that_are_not_flushed_yet_are_waited_for(
    server: Server, client: Client, stream: Stream
) -> None:
    server.buffers, server.flush_status = True, 403
    report = await stream()
    told: list[str] = []
    verifying = asyncio.create_task(verify(report, client, 10, tell=told.append))
    await asyncio.sleep(0.5)
    assert not verifying.done()
    server.show()
    found = await verifying
    assert found.ok
    assert not found.flushed
    assert len(told) == 1


async def test_a_flush_makes_them_visible_at_once(server: Server, client: Client, stream: Stream) -> None:
    server.buffers = True
    found = await verify(await stream(), client, 10)
    assert found.ok
    assert len(server.queries) == len(TABLES)


async def test_lost_rows_are_found_out_at_the_deadline(
    server: Server, client: Client, stream: Stream
) -> None:
    server.act = lambda number: Act(store=0) if number == 3 else GOOD
    report = await stream()
    assert report["verdict"] == "held", "the writes alone look perfect"
    found = await verify(report, client, 0.5)
    assert not found.ok
    assert {t.table: t.lost for t in found.tables} == {"pace": 100, "grip": 0, "heat": 0}
    assert "100 lost" in found.text()
    assert "acknowledged rows are missing" in found.text()


async def test_rows_stored_twice_are_found_out(server: Server, client: Client, stream: Stream) -> None:
    server.act = lambda number: Act(store=2) if number == 4 else GOOD
    found = await verify(await stream(), client, 5)
    assert not found.ok
    grip = found.tables[1]
    assert (grip.surplus, grip.duplicates, grip.outcome) == (100, 100, "100 stored twice")
    assert "more rows than were acknowledged" in found.text()


async def test_rows_stored_without_acknowledgement_are_told_from_duplicates(
    server: Server, client: Client, settings: Callable[..., StreamSettings]
) -> None:
    server.act = lambda number: Act(store=1, delay_s=0.3) if number == 2 else GOOD
    chosen = settings(rate=12_000, request_timeout_s=0.1, late_limit_s=0.15)
    result = await Run(chosen, lambda start_us: FakeSource(start_us, 12_000, 0.15), lead_s=0.05).run()
    report = build(result, verdict(result))
    assert report["tables"]["heat"]["failed_unclear"] == 100
    await asyncio.sleep(0.3)
    found = await verify(report, client, 5)
    assert found.tables[2].outcome == "100 stored without acknowledgement"
    assert not found.ok


async def test_late_extras_are_watched_for_where_they_are_possible(
    server: Server, client: Client, stream: Stream
) -> None:
    server.act = lambda number: Act(store=1, status=None) if number == 0 else GOOD
    server.flush_status = 403
    report = await stream()
    assert report["tables"]["pace"]["acknowledged_unclear"] == 100
    assert server.stored("pace") == 700
    # The second copy is not flushed yet: the counts are equal, for the moment.
    late = server.rows[:100]
    del server.rows[:100]
    verifying = asyncio.create_task(verify(report, client, 10, settle_s=1))
    await asyncio.sleep(0.5)
    assert not verifying.done()
    server.rows += late
    found = await verifying
    assert found.tables[0].outcome == "100 stored twice"


async def test_nothing_is_counted_as_distinct_where_times_are_in_ms(
    server: Server, client: Client, stream: Stream
) -> None:
    server.act = lambda number: Act(store=2) if number == 0 else GOOD
    found = await verify(await stream(RunFacts(time_unit="ms")), client, 5)
    assert found.tables[0].duplicates is None
    assert found.tables[0].outcome == "100 too many"


async def test_times_cut_to_the_millisecond_are_in_the_range(
    server: Server, client: Client, stream: Stream
) -> None:
    report = await stream(RunFacts(time_unit="ms"))
    server.rows = [(table, car, time_us // 1000 * 1000) for table, car, time_us in server.rows]
    assert (await verify(report, client, 5)).ok


async def test_a_table_in_which_nothing_came_due_is_equal_if_empty(client: Client, stream: Stream) -> None:
    report = await stream()
    report["tables"]["rain"] = report["tables"]["pace"] | {
        "acknowledged": 0,
        "first_time_us": None,
        "last_time_us": None,
    }
    found = await verify(report, client, 5)
    assert found.ok
    assert found.tables[-1].stored == 0


async def test_a_server_that_is_away_is_an_error_after_the_deadline(
    server: Server, client: Client, stream: Stream
) -> None:
    report = await stream()
    await server.stop()
    with pytest.raises(ServerError, match="No answer from"):
        await verify(report, client, 0.5)


async def test_a_token_that_may_not_read_is_told_at_once(server: Server, stream: Stream) -> None:
    report = await stream()
    async with Client(server.url, "another-token-that-is-quite-long-enough", database=DATABASE) as client:
        with pytest.raises(TokenRefused):
            await verify(report, client, 30)


async def test_rows_beside_the_rate_are_counted_and_stand_apart(
    server: Server, client: Client, stream: Stream
) -> None:
    report = await stream()
    report["beside"] = {"heat": report["tables"].pop("heat")}
    found = await verify(report, client, 5)
    assert found.ok
    assert [table.table for table in found.tables] == ["pace", "grip"]
    assert [(table.table, table.stored) for table in found.beside] == [("heat", 600)]
    assert found.text().splitlines()[-1] == (
        "Verified: 1,200 rows acknowledged, 600 more in the low-rate tables, and the same number stored in every "
        "table."
    )


async def test_a_row_that_is_lost_beside_the_rate_is_told(
    server: Server, client: Client, stream: Stream
) -> None:
    report = await stream()
    report["beside"] = {"heat": report["tables"].pop("heat")}
    report["beside"]["heat"]["acknowledged"] += 1
    found = await verify(report, client, 0.1)
    assert not found.ok
    assert [table.outcome for table in found.all_tables] == ["equal", "equal", "1 lost"]
    assert "missing" in found.text()
