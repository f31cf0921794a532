"""One run in several real processes."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest

from nascar.errors import ServerError, TokenRefused, UsageError
from nascar.stream.progress import Phase
from nascar.stream.result import Result
from nascar.stream.sharded_run import ShardedRun
from nascar.stream.verdict import verdict
from nascar.stream.windows import Window
from tests.stream.conftest import TOKEN, Act, Server
from tests.stream.watched import Make
from tests.stream.work import FakeWork

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


def is_straight(result: Result) -> None:
    assert result.ledger.balanced
    assert result.ledger.total().waiting == 0


async def until_running(run: ShardedRun) -> None:
    """Wait until all processes send, and have said so."""
    for _ in range(600):
        snapshot = run.snapshot()
        if snapshot.phase is Phase.RUNNING and snapshot.acknowledged and run.picture() is not None:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not run")


async def test_the_rows_of_all_processes_are_those_of_the_run(server: Server, settings: Make) -> None:
    windows: list[Window] = []
    chosen = settings(late_limit_s=10, window_s=0.3)
    run = ShardedRun(chosen, FakeWork(chosen.rate, 2.0), 2, closed=windows.append)
    result = await run.run()
    is_straight(result)
    total = result.ledger.total()
    assert total.scheduled == total.acknowledged == 12_000 == server.stored() == server.distinct
    assert {process.shard for process in result.processes} == {0, 1}
    assert len({process.pid for process in result.processes} - {os.getpid()}) == 2
    assert sum(process.acknowledged for process in result.processes) == 12_000
    assert result.cpu_s == pytest.approx(sum(process.cpu_s for process in result.processes))
    points = result.timeline.points
    assert sum(point.offered for point in points) == sum(point.acknowledged for point in points) == 12_000
    assert sum(latency.count for latency in result.latencies.due.values()) == total.batches == 120
    assert result.covered_s == pytest.approx(2.0)
    assert verdict(result).ok
    # Both processes have said what they know of every window but the last.
    assert sorted(window.number for window in windows) == sorted([*range(6), *range(6)])
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


async def test_a_stop_drains_all_of_them(server: Server, settings: Make) -> None:
    chosen = settings(late_limit_s=10)
    run = ShardedRun(chosen, FakeWork(chosen.rate, None), 2)
    running = asyncio.create_task(run.run())
    await until_running(run)
    assert run.picture() == "lap 24"
    run.stop()
    result = await running
    is_straight(result)
    assert result.stopped
    assert result.ledger.total().acknowledged == server.stored() == server.distinct > 0


async def test_a_process_that_is_killed_ends_the_run_and_its_rows_are_in_doubt(
    server: Server, settings: Make
) -> None:
    chosen = settings(late_limit_s=10)
    run = ShardedRun(chosen, FakeWork(chosen.rate, None), 2)
    running = asyncio.create_task(run.run())
    await until_running(run)
    await asyncio.sleep(0.6)
    workers = [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
    assert len(workers) == 2
    workers[1].send_signal(signal.SIGKILL)
    result = await running
    is_straight(result)
    assert result.error is not None
    assert "died" in str(result.error)
    assert "--processes" in str(result.error)
    judged = verdict(result)
    assert not judged.ok
    # What the dead one had not told yet may be stored, never the other way round.
    assert 0 < result.ledger.total().acknowledged <= server.stored()


async def test_a_token_that_is_refused_is_said_before_anything_is_sent(
    server: Server, settings: Make
) -> None:
    server.tokens = {}
    run = ShardedRun(settings(), FakeWork(6_000, 1.0), 2)
    with pytest.raises(TokenRefused, match="does not know this token"):
        await run.run()
    assert server.stored() == 0


async def test_a_token_that_is_refused_in_mid_run_ends_all_of_them(server: Server, settings: Make) -> None:
    run = ShardedRun(settings(late_limit_s=10), FakeWork(6_000, None), 2)
    running = asyncio.create_task(run.run())
    await until_running(run)
    server.tokens = {TOKEN: 403}
    result = await running
    is_straight(result)
    assert isinstance(result.error, TokenRefused)


async def test_a_server_that_is_not_there_is_said_once(settings: Make, dead_port: int) -> None:
    run = ShardedRun(settings(url=f"http://127.0.0.1:{dead_port}"), FakeWork(6_000, 1.0), 2)
    with pytest.raises(ServerError, match="No server is ready"):
        await run.run()


async def test_work_that_cannot_be_prepared_is_an_error(settings: Make) -> None:
    run = ShardedRun(settings(), FakeWork(6_000, 1.0, broken=True), 2)
    with pytest.raises(UsageError, match="no such race"):
        await run.run()


async def test_faults_of_the_server_count_once_whoever_met_them(server: Server, settings: Make) -> None:
    server.act = lambda number: (
        Act(status=503) if number % 7 == 3 else Act(status=400) if number % 11 == 5 else Act()
    )
    run = ShardedRun(settings(late_limit_s=10), FakeWork(6_000, 1.5), 2)
    result = await run.run()
    is_straight(result)
    total = result.ledger.total()
    assert total.scheduled == 9_000
    assert total.failed > 0
    assert total.retries > 0
    assert sum(result.troubles.values()) == total.requests - total.acknowledged // 100


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_stop_before_all_are_ready_ends_them(settings: Make, dry_run: bool) -> None:
    chosen = settings(dry_run=dry_run)
    run = ShardedRun(chosen, FakeWork(chosen.rate, None), 2)
    running = asyncio.create_task(run.run())
    await asyncio.sleep(0.2)
    run.stop()
    result = await asyncio.wait_for(running, 30)
    is_straight(result)
    assert result.stopped
    assert result.ledger.total().scheduled == 0
