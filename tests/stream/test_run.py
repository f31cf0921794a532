"""Whole runs over real sockets, on good days and on bad ones."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from nascar.errors import ServerError, TokenRefused
from nascar.stream.latency import total
from nascar.stream.progress import Phase, Snapshot
from nascar.stream.verdict import verdict
from tests.stream.conftest import BATCH_ROWS, GOOD, Act, Server
from tests.stream.watched import Make, Watched


async def test_on_a_good_day_every_row_is_acknowledged_and_stored_once(
    server: Server, settings: Make
) -> None:
    watched = Watched(settings())
    result = await watched.end()
    total_ = result.ledger.total()
    assert total_.acknowledged == 3_000 == server.stored() == server.distinct
    assert (total_.failed, total_.missed, total_.retries) == (0, 0, 0)
    assert total_.requests == len(server.writes) == total_.batches == 30
    assert total_.bytes == sum(server.writes)
    assert server.empty_writes == 1
    assert watched.source is not None
    assert watched.source.start_us == result.started_us
    for name, table in result.ledger.tables.items():
        times = [time_us for stored, _, time_us in server.rows if stored == name]
        assert (table.first_time_us, table.last_time_us) == (min(times), max(times))
        assert table.acknowledged == server.stored(name)
    assert result.achieved_rate == pytest.approx(6_000, rel=0.01)
    assert verdict(result).ok
    assert watched.told == []


async def test_no_batch_leaves_before_it_is_due(server: Server, settings: Make) -> None:
    watched = Watched(settings())
    arrivals: list[int] = []

    def note_arrival(number: int) -> Act:
        arrivals.append(time.time_ns() // 1000)
        return GOOD

    server.act = note_arrival
    result = await watched.end()
    assert watched.source is not None
    # The n-th arrival cannot be earlier than the n-th due time (a millisecond for the two clocks).
    for index, at_us in enumerate(sorted(arrivals)):
        assert at_us >= watched.source.head(index).due_us - 1_000
    assert total(result.latencies.departure).max is not None


async def test_the_same_run_with_one_worker_and_one_batch_ahead(server: Server, settings: Make) -> None:
    watched = Watched(settings(workers=1, pregenerate_batches=1))
    result = await watched.end()
    assert result.ledger.total().acknowledged == 3_000 == server.stored()
    assert server.most_at_once == 1
    assert watched.source is not None
    assert watched.source.most_live <= 2


async def test_workers_bound_the_requests_in_flight(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.1)
    result = await Watched(settings(workers=5)).end()
    assert server.most_at_once == 5 == result.most_in_flight
    assert result.ledger.total().acknowledged == server.stored()


async def test_bytes_bound_the_requests_in_flight(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.2)
    watched = Watched(settings(flight_bytes=250_000, ahead_bytes=250_000), padding=100_000)
    result = await watched.end()
    assert server.most_at_once == 2
    assert result.most_live_bytes <= 500_000
    assert result.ledger.total().missed > 0


async def test_a_refused_token_costs_one_request_and_no_row(server: Server, settings: Make) -> None:
    token = "another-token-that-is-quite-long-enough"
    for status in (401, 403):
        server.tokens[token] = status
        server.empty_writes = server.requests = 0
        watched = Watched(settings(token=token))
        with pytest.raises(TokenRefused):
            await watched.run.run()
        assert (server.empty_writes, len(server.writes)) == (1, 0)
        assert watched.source is None, "the clock must not start"


async def test_a_token_that_is_withdrawn_ends_the_run_at_once(server: Server, settings: Make) -> None:
    server.act = lambda number: GOOD if number < 10 else Act(store=0, status=401, error="expired")
    watched = Watched(settings(), duration_s=30)
    result = await watched.end()
    assert isinstance(result.error, TokenRefused)
    assert len(server.writes) < 20
    assert result.ledger.total().acknowledged == 1_000 == server.stored()
    assert result.elapsed_s < 5
    found = verdict(result)
    assert not found.ok
    assert "does not know this token" in found.text
    assert found.suggested_rate is None


async def test_a_server_that_is_away_at_the_start_is_an_error_and_nothing_is_made(
    server: Server, settings: Make
) -> None:
    await server.stop()
    watched = Watched(settings(ready_timeout_s=0.5))
    with pytest.raises(ServerError, match="No server is ready"):
        await watched.run.run()
    assert watched.source is None
    assert len(watched.told) == 1


@pytest.mark.parametrize("status", [400, 413])
async def test_refused_rows_fail_without_a_second_try(server: Server, settings: Make, status: int) -> None:
    server.act = lambda number: (
        Act(store=0, status=status, error="unequal columns") if number % 3 == 0 else GOOD
    )
    result = await Watched(settings()).end()
    total_ = result.ledger.total()
    assert total_.failed == 10 * BATCH_ROWS == result.ledger.tables["pace"].failed
    assert (total_.retries, total_.missed, total_.failed_unclear) == (0, 0, 0)
    assert total_.acknowledged == server.stored() == server.distinct
    assert result.troubles == {f"{status} unequal columns": 10}
    found = verdict(result)
    assert not found.ok
    assert "unequal columns" in found.text


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_fault_is_mended_by_a_retry(server: Server, settings: Make, status: int) -> None:
    server.act = lambda number: Act(store=0, status=status) if number % 4 == 0 else GOOD
    result = await Watched(settings(late_limit_s=10)).end()
    total_ = result.ledger.total()
    assert total_.acknowledged == 3_000 == server.stored() == server.distinct
    assert total_.retries == sum(result.troubles.values()) > 0
    assert total_.requests == total_.batches + total_.retries
    # After a 500 nobody knows; after 429 and 503 it is clear that nothing was taken.
    assert (total_.acknowledged_unclear > 0) == (status == 500)
    assert not result.lost


async def test_reset_connections_may_store_twice_and_that_is_counted(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(store=1, status=None) if number % 5 == 0 else GOOD
    result = await Watched(settings(late_limit_s=10)).end()
    total_ = result.ledger.total()
    assert total_.acknowledged == 3_000 == server.distinct
    assert server.stored() - server.distinct == total_.retries * BATCH_ROWS
    assert 0 < total_.acknowledged_unclear <= total_.retries * BATCH_ROWS


async def test_connections_closed_without_an_answer_are_retried(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(store=0, close=True) if number % 5 == 0 else GOOD
    result = await Watched(settings(late_limit_s=10)).end()
    assert result.ledger.total().acknowledged == 3_000 == server.stored() == server.distinct
    assert result.ledger.total().acknowledged_unclear > 0


async def test_faults_at_random_never_lose_count(server: Server, settings: Make) -> None:
    chance = random.Random(11)
    days = [GOOD, GOOD, GOOD, Act(store=0, status=429), Act(store=0, status=500), Act(store=0, status=503)]
    days += [Act(store=1, status=None), Act(store=0, close=True), Act(delay_s=0.3), Act(store=0, status=400)]
    server.act = lambda number: chance.choice(days)
    result = await Watched(settings(), duration_s=1.5).end()
    total_ = result.ledger.total()
    # Acknowledged rows are stored; what is stored beyond them is rows that ended unclear.
    assert total_.acknowledged <= server.distinct
    assert server.distinct <= total_.acknowledged + total_.failed_unclear
    assert total_.failed > 0
    assert total_.requests == len(server.writes)


async def test_rows_that_are_never_acknowledged_fail_once_they_are_too_old(
    server: Server, settings: Make
) -> None:
    server.act = lambda number: Act(store=0, status=503)
    result = await Watched(settings(workers=300, pregenerate_batches=500)).end()
    total_ = result.ledger.total()
    assert (total_.failed, total_.acknowledged, total_.missed) == (3_000, 0, 0)
    assert total_.failed_unclear == 0
    assert not verdict(result).ok


async def test_a_server_that_dies_and_comes_back(server: Server, settings: Make) -> None:
    watched = Watched(settings(late_limit_s=0.3), duration_s=1.5)
    ending = asyncio.create_task(watched.end())
    await watched.running(lambda now: now.acknowledged > 1_000)
    await server.stop()
    await watched.running(lambda now: now.missed > 0)
    await server.start()
    before = server.stored()
    result = await ending
    total_ = result.ledger.total()
    assert total_.missed > 0
    assert server.stored() > before, "streaming goes on when the server is back"
    assert total_.acknowledged <= server.distinct <= total_.acknowledged + total_.failed_unclear
    assert any("Connection refused" in message for message in result.troubles)
    found = verdict(result)
    assert not found.ok
    assert "Connection refused" in found.text


async def test_a_server_that_dies_for_good(server: Server, settings: Make) -> None:
    watched = Watched(settings(late_limit_s=0.4), duration_s=1.2)
    ending = asyncio.create_task(watched.end())
    await watched.running(lambda now: now.acknowledged > 1_000)
    await server.stop()
    result = await ending
    total_ = result.ledger.total()
    assert total_.acknowledged + total_.failed == pytest.approx(server.stored(), abs=total_.failed)
    assert total_.missed > 0
    assert total_.scheduled == 7_200
    assert verdict(result).word == "not held"


async def test_a_slow_server_misses_rows_and_memory_stays_bounded(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.25)
    watched = Watched(settings(workers=4, pregenerate_batches=8), duration_s=1.5)
    result = await watched.end()
    total_ = result.ledger.total()
    assert watched.source is not None
    assert watched.source.most_live <= 4 + 8
    assert total_.missed > 0
    assert total_.acknowledged == server.stored() == server.distinct
    # What is too late is dropped before it costs anything: most of it was never encoded.
    assert len(watched.source.encoded) < total_.batches // 2
    found = verdict(result)
    assert (found.ok, found.bound) == (False, "server")
    # Four workers, four requests a second each, a hundred rows: 1,600 rows/s.
    assert found.holds_rate is not None
    assert 800 < found.holds_rate < 2_400
    assert found.suggested_rate is not None
    assert f"--rate {found.suggested_rate}" in found.text


async def test_rows_that_came_after_the_end_do_not_count_for_the_rate(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.15)
    result = await Watched(settings(workers=3, late_limit_s=30)).end()
    assert result.ledger.total().acknowledged == 3_000 == server.stored()
    # Three workers get seven answers each in the half second of the schedule and the half after it, at most.
    assert result.overrun >= 3_000 - 3 * 7 * BATCH_ROWS
    assert result.achieved_rate == pytest.approx((3_000 - result.overrun) / 0.5)
    found = verdict(result)
    assert (found.ok, found.bound) == (False, "server")


async def test_a_stall_shows_in_the_latency_from_the_due_time_only(server: Server, settings: Make) -> None:
    """Coordinated omission: one stalled request holds up all that were due meanwhile."""
    server.act = lambda number: Act(delay_s=0.8) if number == 20 else GOOD
    result = await Watched(settings(workers=1, late_limit_s=5.0), duration_s=1.5).end()
    total_ = result.ledger.total()
    due, send = total(result.latencies.due), total(result.latencies.send)
    assert total_.acknowledged == 9_000
    assert send.max is not None and due.max is not None and send.max >= 800 and due.max >= 800
    # One request of 90 was slow, yet about half of all rows had to wait for it.
    assert send.p95 is not None and due.p95 is not None
    assert send.p95 < 400 < due.p95
    assert total_.late > 2_000


async def test_a_process_that_is_too_slow_says_so(settings: Make) -> None:
    watched = Watched(settings(), duration_s=1.5, on_encode=lambda index: time.sleep(0.05))
    result = await watched.end()
    found = verdict(result)
    assert (found.ok, found.bound) == (False, "client")
    assert result.stalls.client_s > 0.3
    assert result.ledger.total().missed > 0


async def test_a_backlog_holds_rows_back_until_it_drains(server: Server, settings: Make) -> None:
    stored_up_to = 0

    def backlog(accepted: int) -> int:
        return accepted - stored_up_to

    server.backlog = backlog
    watched = Watched(settings(max_backlog_s=0.25, backlog_poll_s=0.1, late_limit_s=0.3), duration_s=2)
    ending = asyncio.create_task(watched.end())
    await watched.running(lambda now: now.holding)
    await watched.running(lambda now: now.missed > 0)
    held_at = server.accepted
    await asyncio.sleep(0.3)
    assert server.accepted == held_at, "nothing leaves while it holds"
    stored_up_to = held_at
    await watched.running(lambda now: not now.holding)
    stored_up_to = 10**9
    server.backlog = lambda accepted: 0
    result = await ending
    assert server.accepted > held_at
    assert result.stalls.backlog_s > 0
    assert result.most_backlog > 1_500
    assert any("holding new rows back" in text for text in watched.told)
    assert any("sending on" in text for text in watched.told)
    found = verdict(result)
    assert (found.ok, found.bound) == (False, "backlog")


async def test_a_server_that_was_full_before_does_not_hold_the_stream(server: Server, settings: Make) -> None:
    server.backlog = lambda accepted: 50_000_000
    result = await Watched(settings(max_backlog_s=0.1)).end()
    assert verdict(result).ok


async def test_without_row_counters_the_guard_is_off_and_says_so(server: Server, settings: Make) -> None:
    server.stats_status = 403
    watched = Watched(settings())
    result = await watched.end()
    assert verdict(result).ok
    assert not result.backlog_guarded
    assert len(watched.told) == 1
    assert "The backlog guard is off" in watched.told[0]


async def test_a_snapshot_is_to_be_had_at_any_moment(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.02)
    watched = Watched(settings(), duration_s=1.0)
    before = watched.run.snapshot()
    assert (before.phase, before.elapsed_s, before.scheduled) == (Phase.WAITING, 0.0, 0)
    ending = asyncio.create_task(watched.end())
    seen: list[Snapshot] = []
    while not ending.done():
        seen.append(watched.run.snapshot())
        await asyncio.sleep(0.01)
    await ending
    running = [now for now in seen if now.phase is Phase.RUNNING]
    for now in running:
        assert now.scheduled == now.acknowledged + now.failed + now.missed + now.waiting
    assert any(now.in_flight > 0 for now in running)
    assert any(now.ready > 0 for now in running)
    last = running[-1]
    assert last.offered_rate == pytest.approx(6_000, rel=0.5)
    assert last.acknowledged_rate == pytest.approx(6_000, rel=0.5)
    assert last.bytes_rate > 0
    assert last.due_ms.p50 is not None and last.due_ms.p50 >= 20
    assert last.backlog == 0
    after = watched.run.snapshot()
    assert (after.phase, after.acknowledged) == (Phase.DONE, 6_000)


async def test_the_token_is_in_nothing_that_a_run_says(server: Server, settings: Make) -> None:
    used = settings()
    server.act = lambda number: Act(store=0, status=500, error=f"token {used.token} is odd")
    watched = Watched(used, duration_s=0.5)
    result = await watched.end()
    assert used.token not in repr(watched.told) + repr(result) + verdict(result).text
