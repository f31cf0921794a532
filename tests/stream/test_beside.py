"""What is sent beside the schedule: all that has happened, turn by turn, with books of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import numpy as np
import pytest

from nascar.errors import TokenRefused
from nascar.stream.beside import TURN_US
from nascar.stream.client import Client
from nascar.stream.proof import Proof
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.source import BatchHead, TimedHead
from nascar.stream.verdict import verdict
from tests.stream.conftest import DATABASE, GOOD, TOKEN, Act, FakeSource, Server

Make = Callable[..., StreamSettings]

EVENTS, LAPS = "events", "laps"
STEP_US = 50_000


class Bytes:
    """A body that is given back once."""

    def __init__(self, source: FakeBeside, data: bytes) -> None:
        self._source = source
        self._data = data
        source.live += 1

    @property
    def data(self) -> memoryview:
        return memoryview(self._data)

    def release(self) -> None:
        assert self._data, "released twice"
        self._data = b""
        self._source.live -= 1


class FakeBeside:
    """A row in each of two tables every `STEP_US`, the odd ones in `EVENTS`, up to `end_us`."""

    def __init__(self, start_us: int, duration_s: float | None) -> None:
        self.start_us = start_us
        self._end_us = None if duration_s is None else start_us + round(duration_s * 1e6)
        self._taken = 0
        self.closed = False
        self.live = 0
        self.turns: list[int] = []

    @property
    def tables(self) -> tuple[str, ...]:
        return (EVENTS, LAPS)

    def close(self) -> None:
        self.closed = True

    def take(self, until_us: int) -> Sequence[tuple[BatchHead, Bytes]]:
        self.turns.append(until_us)
        last_us = until_us if self._end_us is None else min(until_us, self._end_us - 1)
        stop = max(self._taken, (last_us - self.start_us) // STEP_US + 1)
        rows = range(self._taken, stop)
        self._taken = stop
        batches = []
        for table, part in ((EVENTS, rows[1 - rows.start % 2 :: 2]), (LAPS, rows)):
            if part:
                times = [self.start_us + row * STEP_US for row in part]
                head = TimedHead(
                    len(self.turns), table, len(part), times[0], times[-1], until_us, np.array(times)
                )
                columns = {"time": times, "car_number": [0] * len(part)}
                batches.append((head, Bytes(self, msgpack.packb({"m": table, "columns": columns}))))
        return batches


class Watched:
    """A run of a fake source with rows beside it."""

    def __init__(self, settings: StreamSettings, duration_s: float | None, **source: Any) -> None:
        self.settings = settings
        self.duration_s = duration_s
        self.source: FakeSource | None = None
        self.beside: FakeBeside | None = None
        self._options = source
        self.run = Run(settings, self._source_at, jitter=lambda: 0.5, lead_s=0.05)

    def _source_at(self, start_us: int) -> FakeSource:
        self.beside = FakeBeside(start_us, self.duration_s)
        self.source = FakeSource(
            start_us, self.settings.rate, self.duration_s, beside=self.beside, **self._options
        )
        return self.source

    async def end(self) -> Result:
        """Run to the end; whatever happened, both books are straight and every body is back."""
        result = await self.run.run()
        for ledger in (result.ledger, result.beside):
            assert ledger.balanced
            assert ledger.total().waiting == 0
        assert self.source is not None and self.beside is not None
        assert (self.source.live, self.beside.live) == (0, 0)
        return result


def treat_beside(server: Server, act: Act) -> None:
    """Treat the writes of the tables beside the schedule so, and all others well."""
    server.act_of_table = lambda table: act if table in (EVENTS, LAPS) else GOOD


async def test_every_row_is_sent_once_and_none_before_it_has_happened(server: Server, settings: Make) -> None:
    watched = Watched(settings(), 4.5)
    result = await watched.end()
    for table, rows in ((EVENTS, 45), (LAPS, 90)):
        one = result.beside.tables[table]
        assert (one.scheduled, one.acknowledged) == (rows, rows)
        assert (one.failed, one.missed, one.retries) == (0, 0, 0)
        times = [time_us for name, _, time_us in server.rows if name == table]
        assert len(times) == len(set(times)) == rows
        assert times == sorted(times)
        assert (one.first_time_us, one.last_time_us) == (times[0], times[-1])
        # At most a request for each turn, and one at the end.
        assert watched.beside is not None
        assert (
            2
            < one.requests
            <= len(watched.beside.turns)
            <= 1 + (max(watched.beside.turns) - result.started_us) / TURN_US
        )
        assert watched.beside.turns[0] >= result.started_us + TURN_US


async def test_they_do_not_count_for_the_rate_nor_in_its_ledger(server: Server, settings: Make) -> None:
    result = await Watched(settings(), 1.2).end()
    assert result.ledger.total().scheduled == 7_200
    assert result.ledger.tables.keys().isdisjoint(result.beside.tables)
    assert result.achieved_rate == pytest.approx(6_000, rel=0.01)
    assert verdict(result).ok
    assert result.beside.total().acknowledged == 36
    assert server.stored() == 7_236


async def test_a_refused_row_beside_costs_the_verdict_and_nothing_of_the_schedule(
    server: Server, settings: Make
) -> None:
    treat_beside(server, Act(store=0, status=400, error="bad names"))
    result = await Watched(settings(), 2.2).end()
    assert result.ledger.total().acknowledged == 13_200
    assert result.beside.total().failed == 66
    assert result.troubles == {}
    assert sum(result.beside_troubles.values()) == result.beside.total().requests == 4
    judged = verdict(result)
    assert not judged.ok
    assert judged.text.startswith("The rate was held, but 66 rows of the low-rate tables failed")
    assert "400 bad names" in judged.text
    assert judged.suggested_rate is None


async def test_a_server_that_hesitates_is_asked_again(server: Server, settings: Make) -> None:
    seen: list[str] = []

    def act(table: str) -> Act:
        seen.append(table)
        return Act(store=0, status=503) if seen.count(table) == 1 else GOOD

    server.act_of_table = lambda table: act(table) if table in (EVENTS, LAPS) else GOOD
    result = await Watched(settings(), 1.2).end()
    assert result.beside.total().acknowledged == 36 == sum(row[0] in (EVENTS, LAPS) for row in server.rows)
    assert result.beside.total().retries == 2
    assert verdict(result).ok


async def test_a_table_beside_that_hangs_holds_nothing_up(server: Server, settings: Make) -> None:
    treat_beside(server, Act(delay_s=1.5))
    result = await Watched(settings(workers=4), 1.5).end()
    assert result.ledger.total().acknowledged == 9_000
    assert result.beside.total().acknowledged == 45
    assert verdict(result).ok


async def test_stopping_sends_what_has_happened_and_waits_for_it(server: Server, settings: Make) -> None:
    treat_beside(server, Act(delay_s=0.3))
    watched = Watched(settings(), None)
    running = asyncio.create_task(watched.end())
    await asyncio.sleep(0.8)
    watched.run.stop()
    result = await running
    assert result.stopped
    assert watched.beside is not None
    (turn_us,) = watched.beside.turns
    assert result.beside.tables[LAPS].scheduled == (turn_us - result.started_us) // STEP_US + 1
    assert result.beside.total().acknowledged == result.beside.total().scheduled > 10
    assert verdict(result).ok


async def test_a_drain_that_takes_too_long_is_cut_off_and_counted(server: Server, settings: Make) -> None:
    treat_beside(server, Act(delay_s=1.5, store=0))
    watched = Watched(settings(drain_s=0.2), None)
    running = asyncio.create_task(watched.end())
    await asyncio.sleep(0.5)
    watched.run.stop()
    total = (await running).beside.total()
    assert total.failed == total.failed_unclear == total.scheduled > 0


async def test_a_token_that_is_withdrawn_ends_the_run(server: Server, settings: Make) -> None:
    treat_beside(server, Act(store=0, status=401, error="Invalid or expired token"))
    result = await Watched(settings(), 30.0).end()
    assert isinstance(result.error, TokenRefused)
    assert result.covered_s < 5
    assert result.beside.total().failed == result.beside.total().scheduled > 0
    assert not verdict(result).ok
    assert TOKEN not in verdict(result).text


async def test_a_server_that_dies_makes_rows_beside_missed_too(server: Server, settings: Make) -> None:
    watched = Watched(settings(late_limit_s=0.3), 3.4)
    running = asyncio.create_task(watched.end())
    await asyncio.sleep(2.4)
    await server.stop()
    result = await running
    total = result.beside.total()
    assert total.scheduled == 102
    assert total.missed > 0
    assert total.acknowledged == sum(row[0] in (EVENTS, LAPS) for row in server.rows) > 0
    assert not verdict(result).ok


async def test_a_dry_run_makes_them_and_sends_nothing(server: Server, settings: Make) -> None:
    result = await Watched(settings(dry_run=True, rate=6_000), 10.0).end()
    assert server.requests == 0
    assert result.beside.tables[LAPS].acknowledged == 200
    assert result.beside.tables[EVENTS].acknowledged == 100
    assert result.ledger.total().acknowledged == 60_000


async def test_a_source_with_nothing_beside_has_empty_books(server: Server, settings: Make) -> None:
    chosen = settings()
    result = await Run(chosen, lambda start_us: FakeSource(start_us, chosen.rate, 0.3), lead_s=0.05).run()
    assert result.beside.tables == {}
    assert verdict(result).ok


async def test_rows_beside_a_long_run_are_counted_window_by_window(server: Server, settings: Make) -> None:
    """By the instant of each row, whichever request carried it, against a server that forgets them in between."""
    chosen = settings(window_s=0.5, late_limit_s=10)
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        proof = Proof(client, lag_s=0.2, deadline_s=2)
        source: FakeSource | None = None

        def source_at(start_us: int) -> FakeSource:
            nonlocal source
            source = FakeSource(start_us, chosen.rate, 5.0, beside=FakeBeside(start_us, 5.0))
            return source

        def forget(number: int) -> Act:
            newest = max((time_us for _, _, time_us in server.rows), default=0)
            server.rows = [row for row in server.rows if row[2] > newest - 3_500_000]
            return GOOD

        server.act = forget
        watching = asyncio.create_task(proof.watch())
        result = await Run(chosen, source_at, lead_s=0.05, closed=proof.take).run()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        verification = await proof.finish(result)
    assert verification.ok, verification.text()
    counted = {table.table: table.stored for table in verification.beside}
    assert counted == {EVENTS: 50, LAPS: 100}
    assert sum(1 for row in server.rows if row[0] == LAPS) < 100, "the server has forgotten nothing"
