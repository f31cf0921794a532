"""A run is proved window by window while it lasts, against a server that soon forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from nascar.errors import ServerError
from nascar.stream import readback
from nascar.stream.client import Client
from nascar.stream.proof import Proof
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.verdict import verdict
from nascar.stream.verification import TableVerification, Verification
from tests.stream.conftest import DATABASE, GOOD, TABLES, TOKEN, Act, FakeSource, Server
from tests.stream.watched import Make

SECONDS = 2.5


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        yield client


async def proved(settings: Make, proof: Proof) -> tuple[Result, Verification]:
    """A run of 15,000 rows with windows of 0.3 s, watched."""
    chosen = settings(window_s=0.3, late_limit_s=10)
    run = Run(
        chosen,
        lambda start_us: FakeSource(start_us, chosen.rate, SECONDS),
        lead_s=0.05,
        closed=proof.take,
    )
    watching = asyncio.create_task(proof.watch())
    try:
        result = await run.run()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return result, await proof.finish(result)


def forgetting(server: Server, keep_us: int) -> None:
    """Let the server drop rows that are older than `keep_us`, whenever new ones come."""

    def act(number: int) -> Act:
        newest = max((time_us for _, _, time_us in server.rows), default=0)
        server.rows = [row for row in server.rows if row[2] > newest - keep_us]
        return GOOD

    server.act = act


async def test_a_run_longer_than_the_server_remembers_is_proved(
    server: Server, client: Client, settings: Make
) -> None:
    forgetting(server, 2_000_000)
    proof = Proof(client, lag_s=0.1, deadline_s=2)
    result, verification = await proved(settings, proof)
    assert server.stored() < 15_000, "the server has forgotten nothing"
    assert verification.windows > 0
    assert verification.ok
    assert sum(table.stored for table in verification.tables) == result.ledger.total().acknowledged == 15_000


async def test_without_windows_the_same_run_could_not_be_proved(
    server: Server, client: Client, settings: Make
) -> None:
    forgetting(server, 2_000_000)
    proof = Proof(client, lag_s=60, deadline_s=0.5)
    result, verification = await proved(settings, proof)
    assert verification.windows == 0
    assert not verification.ok
    judged = verdict(result, verification)
    assert not judged.ok
    stored = sum(table.stored for table in verification.tables)
    assert f"stored {stored:,} of 15,000 acknowledged rows" in judged.text
    assert judged.bound == "server"


async def test_lost_here_and_stored_twice_there_do_not_cancel_out(
    server: Server, client: Client, settings: Make
) -> None:
    told: list[str] = []
    # The first batch of a table is acknowledged and dropped, one of its last is stored twice.
    server.act = lambda number: Act(store={0: 0, 141: 2}.get(number, 1))
    proof = Proof(client, lag_s=0.1, deadline_s=0.3)
    proof.tell = told.append
    result, verification = await proved(settings, proof)
    assert verification.windows > 0
    assert server.stored() == 15_000 == result.ledger.total().acknowledged
    assert not verification.ok
    wrong = [table for table in verification.tables if not table.ok]
    assert sum(table.lost for table in wrong) == 100
    assert sum(table.surplus for table in wrong) == 100
    assert any("stored" in text and "lost" in text for text in told)
    assert not verdict(result, verification).ok


async def test_a_window_that_cannot_be_counted_now_is_counted_later(
    server: Server, client: Client, settings: Make
) -> None:
    told: list[str] = []
    server.unanswered = 8
    proof = Proof(client, lag_s=0.1, deadline_s=0.4)
    proof.tell = told.append
    result, verification = await proved(settings, proof)
    assert any("could not be counted yet" in text for text in told)
    assert verification.windows > 0
    assert verification.ok
    counted = sum(table.stored for table in verification.tables)
    assert counted == result.ledger.total().acknowledged


async def test_a_server_whose_storage_stalls_is_waited_for(
    server: Server, client: Client, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts that stand still say nothing while the server holds rows that it has not stored."""
    monkeypatch.setattr(readback, "STILL_S", 0.3)
    server.buffers, server.flush_status = True, 403
    server.backlog = lambda accepted: len(server.unflushed)
    run = Run(settings(), lambda start_us: FakeSource(start_us, 6_000, 0.3), lead_s=0.05)
    result = await run.run()
    asyncio.get_running_loop().call_later(2.0, server.show)
    assert (await Proof(client, deadline_s=30).finish(result)).ok


async def test_a_server_that_holds_nothing_and_lacks_rows_is_not_waited_for(
    server: Server, client: Client, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "STILL_S", 0.3)
    server.act = lambda number: Act(store=number % 2)
    run = Run(settings(), lambda start_us: FakeSource(start_us, 6_000, 0.3), lead_s=0.05)
    result = await run.run()
    verification = await Proof(client, deadline_s=600).finish(result)
    assert not verification.ok
    assert verification.elapsed_s < 60


async def test_a_window_that_was_counted_too_early_is_counted_again_at_the_end(
    server: Server, client: Client, settings: Make
) -> None:
    told: list[str] = []
    server.buffers, server.flush_status = True, 403
    proof = Proof(client, lag_s=0.1, deadline_s=0.1)
    proof.tell = told.append
    asyncio.get_running_loop().call_later(2.2, server.show)
    chosen = settings(window_s=0.3, late_limit_s=10)
    run = Run(
        chosen, lambda start_us: FakeSource(start_us, chosen.rate, SECONDS), lead_s=0.05, closed=proof.take
    )
    watching = asyncio.create_task(proof.watch())
    result = await run.run()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    server.show()
    assert any("stored 0 of" in text for text in told), "no window was counted too early"
    verification = await proof.finish(result)
    assert verification.ok, verification.text()


async def test_a_server_that_is_gone_is_an_error(server: Server, client: Client, settings: Make) -> None:
    proof = Proof(client, lag_s=60, deadline_s=0.5)
    run = Run(settings(), lambda start_us: FakeSource(start_us, 6_000, 0.3), lead_s=0.05)
    result = await run.run()
    await server.stop()
    with pytest.raises(ServerError):
        await proof.finish(result)


def test_equal_counts_do_not_hide_rows_that_are_twice_there() -> None:
    found = TableVerification("pace", 100, 100).with_distinct(90)
    assert (found.ok, found.lost, found.surplus, found.duplicates) == (False, 10, 10, 10)
    assert TableVerification("pace", 100, 100).with_distinct(100).ok
    more = TableVerification("pace", 100, 110).with_distinct(95)
    assert (more.lost, more.surplus, more.duplicates) == (5, 15, 15)
    fewer = TableVerification("pace", 100, 90).with_distinct(85)
    assert (fewer.lost, fewer.surplus, fewer.duplicates) == (15, 5, 5)
    # Some were stored that were never acknowledged.
    other = TableVerification("pace", 100, 110).with_distinct(110)
    assert (other.lost, other.surplus, other.duplicates) == (0, 10, 0)


def test_parts_of_a_table_add_up() -> None:
    one = TableVerification("pace", 100, 100)
    assert one.plus(TableVerification("pace", 50, 50)) == TableVerification("pace", 150, 150)
    twice = one.plus(TableVerification("pace", 50, 60, distinct=50))
    assert (twice.ok, twice.surplus, twice.duplicates, twice.lost) == (False, 10, 10, 0)
    both = twice.plus(TableVerification("pace", 100, 90))
    assert (both.stored, both.acknowledged, both.ok) == (250, 250, False)
    assert (both.lost, both.surplus) == (10, 10)
    assert TABLES[0] == "pace"
