"""A run that is stopped, drained, or never leaves the process."""

from __future__ import annotations

import asyncio
import time

import pytest

from nascar.stream.verdict import verdict
from tests.stream.conftest import Act, Server
from tests.stream.watched import Make, Watched


async def test_stop_drains_and_accounts_for_everything(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.3)
    watched = Watched(settings(workers=100), duration_s=None)
    ending = asyncio.create_task(watched.end())
    await watched.running(lambda now: now.acknowledged > 2_000)
    in_flight = watched.run.snapshot().in_flight
    watched.run.stop()
    watched.run.stop()
    result = await ending
    total_ = result.ledger.total()
    assert in_flight > 0
    assert result.stopped
    assert (total_.failed, total_.missed) == (0, 0)
    assert total_.acknowledged == total_.scheduled == server.stored()
    assert verdict(result).ok
    assert "until stopped" in verdict(result).text


async def test_what_was_due_at_the_stop_and_had_not_left_is_missed(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=0.4)
    watched = Watched(settings(workers=1), duration_s=None)
    ending = asyncio.create_task(watched.end())
    await watched.running(lambda now: now.waiting >= 1_000)
    watched.run.stop()
    result = await ending
    total_ = result.ledger.total()
    assert total_.missed >= 900
    assert total_.acknowledged == server.stored() == total_.scheduled - total_.missed


async def test_a_drain_does_not_last_for_ever(server: Server, settings: Make) -> None:
    server.act = lambda number: Act(delay_s=30)
    watched = Watched(settings(drain_s=0.2, request_timeout_s=60, late_limit_s=10), duration_s=0.3)
    result = await watched.end()
    total_ = result.ledger.total()
    # Sent and never acknowledged; the server may have them.
    assert (total_.failed, total_.failed_unclear) == (1_800, 1_800)
    assert "Cutting off 18 requests" in watched.told[-1]


async def test_stop_before_the_server_is_there(server: Server, settings: Make) -> None:
    await server.stop()
    watched = Watched(settings(ready_timeout_s=30))
    ending = asyncio.create_task(watched.end())
    await asyncio.sleep(0.1)
    watched.run.stop()
    result = await asyncio.wait_for(ending, 2)
    assert result.stopped
    assert not result.ledger.tables
    assert not verdict(result).ok


async def test_a_dry_run_needs_no_server_and_no_patience(settings: Make, dead_port: int) -> None:
    start = time.monotonic()
    watched = Watched(settings(dry_run=True, url=f"http://127.0.0.1:{dead_port}"), duration_s=30)
    result = await watched.end()
    total_ = result.ledger.total()
    assert total_.acknowledged == total_.scheduled == 180_000
    assert total_.requests == 0
    assert time.monotonic() - start < 30
    assert result.achieved_rate == pytest.approx(180_000 / result.elapsed_s)
    found = verdict(result)
    assert found.ok
    assert "nothing was sent" in found.text


async def test_an_endless_dry_run_can_be_stopped(settings: Make) -> None:
    watched = Watched(settings(dry_run=True), duration_s=None)
    ending = asyncio.create_task(watched.end())
    await watched.running(lambda now: now.acknowledged_rate > 0)
    watched.run.stop()
    result = await asyncio.wait_for(ending, 5)
    assert result.ledger.total().acknowledged == result.ledger.total().scheduled > 0
