"""A run that is watched, on good days and on bad ones: one row for each second, and the run as if nobody watched."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import cycle, islice, pairwise

import psutil
import pytest

from nascar.errors import ServerError
from nascar.monitor.monitor import Monitor
from nascar.monitor.sample import Sample
from nascar.monitor.settings import MonitorSettings
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import for_database, load_questions
from nascar.stream.progress import Phase
from nascar.stream.result import Result
from nascar.stream.settings import StreamSettings
from nascar.stream.sharded_run import ShardedRun
from nascar.stream.verdict import verdict
from tests.monitor.conftest import START_US, TIMES_FASTER, FastClock, snapshot, until
from tests.stream.conftest import DATABASE, GOOD, Act, Server
from tests.stream.watched import Make, Watched
from tests.stream.work import FakeWork

SECOND_US = 1_000_000
SECONDS = 1.0
"""How long a run here takes; the clock of the samples says that it was `TIMES_FASTER` as long."""


class Seen:
    """All samples of a run, and the laws that hold on every day."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def take(self, sample: Sample) -> None:
        self.samples.append(sample)

    def column(self, name: str) -> list[float]:
        return [sample.values()[name] for sample in self.samples]

    def check(self) -> None:
        assert self.samples
        for sample in self.samples:
            row = sample.values()
            settled = row["acknowledged_rows"] + row["failed_rows"] + row["missed_rows"]
            assert row["scheduled_rows"] == settled + row["waiting_rows"]
            assert sample.at_us % SECOND_US == 0
        for before, after in pairwise(self.samples):
            assert before.at_us < after.at_us
        for name in ("scheduled_rows", "acknowledged_rows", "failed_rows", "missed_rows", "late_rows"):
            assert self.column(name) == sorted(self.column(name)), name
        known = [rows for rows in self.column("stored_rows") if not math.isnan(rows)]
        assert known == sorted(known)
        phases = [sample.run.phase for sample in self.samples]
        assert Phase.WAITING not in phases
        assert phases.count(Phase.DONE) <= 1
        assert Phase.DONE not in phases[:-1]


def monitored_rows(server: Server) -> list[int]:
    return [time_us for name, _, time_us in server.rows if name == PIPELINE_METRICS.name]


async def watch(
    settings: StreamSettings,
    clock: FastClock,
    monitor: MonitorSettings | None = None,
    *,
    seconds: float | None = SECONDS,
    meanwhile: Callable[[Watched, Seen], Awaitable[object]] | None = None,
) -> tuple[Result, Seen, Monitor]:
    """A run of `seconds` that is watched; `meanwhile` something happens."""
    run, seen = Watched(settings, seconds), Seen()
    monitored = Monitor(monitor or MonitorSettings(), settings, clock=clock, sleep=clock.sleep)
    monitored.listeners.append(seen.take)
    happening: asyncio.Task[object] | None = None
    async with monitored:
        monitored.watch(run.run.snapshot)
        if meanwhile is not None:
            happening = asyncio.ensure_future(meanwhile(run, seen))
        result = await run.end()
    if happening is not None:
        await happening
    seen.check()
    assert monitored.trouble is None
    return result, seen, monitored


async def test_every_second_that_was_seen_is_a_row_of_the_database(
    server: Server, settings: Make, clock: FastClock
) -> None:
    result, seen, monitor = await watch(settings(), clock)
    assert verdict(result).ok
    assert len(seen.samples) > SECONDS * TIMES_FASTER / 2
    assert monitored_rows(server) == [sample.at_us for sample in seen.samples]
    assert (monitor.tally.rows, monitor.tally.lost) == (len(seen.samples), 0)
    last = seen.samples[-1].values()
    assert last["acknowledged_rows"] == last["scheduled_rows"] == result.ledger.total().acknowledged
    assert last["target_rate"] == 6_000


async def test_what_is_stored_is_what_the_server_says(
    server: Server, settings: Make, clock: FastClock
) -> None:
    server.accepted = 10**6
    result, seen, _ = await watch(settings(), clock)
    # A sample may come before the server has said anything.
    stored = [rows for rows in seen.column("stored_rows") if not math.isnan(rows)]
    backlogs = [rows for rows in seen.column("backlog_rows") if not math.isnan(rows)]
    # The server counts the rows of all tables, those of the watching included.
    assert stored[0] < result.ledger.total().acknowledged
    assert 0 < stored[-1] <= server.stored()
    assert set(backlogs) == {0}


async def test_the_run_is_the_same_as_if_nobody_watched(
    server: Server, settings: Make, clock: FastClock
) -> None:
    result, _, _ = await watch(settings(), clock, MonitorSettings(writes=False))
    assert PIPELINE_METRICS.name not in result.ledger.tables
    assert monitored_rows(server) == []
    assert server.stored() == result.ledger.total().acknowledged == 6_000
    assert verdict(result).ok


@pytest.mark.parametrize("status", [400, 401, 403, 503, None])
async def test_rows_of_the_watching_that_are_not_taken_are_no_matter_of_the_runs(
    server: Server, settings: Make, clock: FastClock, status: int | None
) -> None:
    act = Act(store=0, status=status)
    server.act_of_table = lambda table: act if table == PIPELINE_METRICS.name else GOOD
    result, seen, monitor = await watch(settings(), clock)
    assert verdict(result).ok
    assert result.troubles == {}
    assert result.error is None
    assert result.notes == ()
    assert monitor.tally.lost == monitor.tally.rows == len(seen.samples)


async def test_a_server_that_stops_answering_leaves_gaps_in_its_columns_and_none_in_the_rows(
    server: Server, settings: Make, clock: FastClock
) -> None:
    async def die_and_come_back(run: Watched, seen: Seen) -> None:
        await until(lambda: len(seen.samples) > 5)
        await server.stop()
        await asyncio.sleep(1)
        await server.start()

    result, seen, monitor = await watch(settings(), clock, seconds=3, meanwhile=die_and_come_back)
    stored = seen.column("stored_rows")
    silent = [place for place, rows in enumerate(stored) if place > 5 and math.isnan(rows)]
    assert silent
    assert not math.isnan(stored[-1]), "it is heard again"
    for place in silent:
        row = seen.samples[place].values()
        assert math.isnan(row["backlog_rows"])
        assert math.isnan(row["stored_rate"])
        assert row["scheduled_rows"] > 0
    # What could not be written was written later.
    assert monitor.tally.lost == 0
    assert monitored_rows(server) == [sample.at_us for sample in seen.samples]
    assert result.ledger.balanced


async def test_a_server_that_hangs_holds_up_no_sample(
    server: Server, settings: Make, clock: FastClock
) -> None:
    async def hang(run: Watched, seen: Seen) -> None:
        await until(lambda: len(seen.samples) > 3)
        server.stats_delay_s = 30

    _, seen, _ = await watch(settings(), clock, seconds=2, meanwhile=hang)
    assert len(seen.samples) > 2 * TIMES_FASTER / 2
    assert not math.isnan(seen.column("stored_rows")[3])
    assert math.isnan(seen.column("stored_rows")[-1])


async def test_a_server_without_counters_has_no_stored_rows_and_no_backlog(
    server: Server, settings: Make, clock: FastClock
) -> None:
    server.stats_status = 404
    result, seen, _ = await watch(settings(), clock)
    assert verdict(result).ok
    for name in ("stored_rows", "stored_rate", "backlog_rows"):
        assert all(math.isnan(value) for value in seen.column(name)), name


async def test_the_newest_row_is_as_old_as_it_is(server: Server, settings: Make, clock: FastClock) -> None:
    server.rows.append(("engine_telemetry", 24, clock.now_us() - 7_000_000))
    _, seen, _ = await watch(settings(), clock)
    ages = [age for age in seen.column("newest_row_age_s") if not math.isnan(age)]
    assert ages
    # It gets no younger: nothing newer comes.
    assert ages == sorted(ages)
    assert 7 <= ages[0] < 7 + SECONDS * TIMES_FASTER
    asked = [sql for sql in server.queries if "MAX(time)" in sql]
    assert all("time >= '2" in sql for sql in asked), "bounds are plain instants"


async def test_questions_are_asked_in_turn_when_there_are_rows_to_ask_about(
    server: Server, settings: Make, clock: FastClock
) -> None:
    # The server knows the tables by name only: what needs a column of theirs it does not answer, but question 4 it does.
    questions = sorted(load_questions(), key=lambda question: question.number != 4)
    watched = MonitorSettings(questions=tuple(questions), ask_every_s=0.05)

    def asked() -> list[str]:
        return [sql for sql in server.queries if "MAX(time)" not in sql]

    result, seen, _ = await watch(settings(), clock, watched)
    assert not asked(), "nothing to ask about"
    server.rows.append(("engine_telemetry", 24, clock.now_us()))
    result, seen, _ = await watch(settings(), FastClock(), watched)
    last = seen.samples[-1].values()
    assert not math.isnan(last["question_4_ms"]), "an empty answer is one, too"
    in_turn = [for_database(question.sql, DATABASE) for question in questions]
    assert asked() == list(islice(cycle(in_turn), len(asked())))
    assert verdict(result).ok


async def test_questions_that_somebody_else_asks_are_not_asked_again(
    server: Server, settings: Make, clock: FastClock
) -> None:
    server.rows.append(("engine_telemetry", 24, clock.now_us()))
    chosen = settings()
    monitored = Monitor(
        MonitorSettings(questions=load_questions(), ask_every_s=0.01),
        chosen,
        clock=clock,
        sleep=clock.sleep,
        question_ms=lambda: {3: 12.5},
    )
    run = Watched(chosen, 0.5)
    async with monitored:
        monitored.watch(run.run.snapshot)
        await run.end()
    assert monitored.newest is not None
    assert monitored.newest.values()["question_3_ms"] == 12.5
    assert all("MAX(time)" in sql for sql in server.queries)


async def test_ctrl_c_ends_it_with_the_run(server: Server, settings: Make, clock: FastClock) -> None:
    async def stop(run: Watched, seen: Seen) -> None:
        await until(lambda: len(seen.samples) > 3)
        run.run.stop()

    result, seen, monitor = await watch(settings(), clock, seconds=None, meanwhile=stop)
    assert result.stopped
    assert monitor.tally.lost == 0
    assert seen.samples[-1].run.phase is Phase.DONE


async def test_a_run_that_does_not_begin_has_no_rows(
    settings: Make, clock: FastClock, dead_port: int
) -> None:
    chosen = settings(url=f"http://127.0.0.1:{dead_port}", ready_timeout_s=0.3)
    monitored = Monitor(MonitorSettings(), chosen, clock=clock, sleep=clock.sleep)
    run = Watched(chosen)
    with pytest.raises(ServerError):
        async with monitored:
            monitored.watch(run.run.snapshot)
            await run.end()
    assert monitored.newest is None
    assert monitored.tally.rows == 0


async def test_several_processes_are_one_run(server: Server, settings: Make, clock: FastClock) -> None:
    chosen = settings(late_limit_s=10)
    seen = Seen()
    monitored = Monitor(MonitorSettings(), chosen, clock=clock, sleep=clock.sleep)
    monitored.listeners.append(seen.take)
    run = ShardedRun(chosen, FakeWork(chosen.rate, SECONDS), 2)
    async with monitored:
        monitored.watch(run.snapshot)
        result = await run.run()
    seen.check()
    last = seen.samples[-1]
    assert last.run.phase is Phase.DONE
    assert last.run.acknowledged == result.ledger.total().acknowledged == 6_000
    assert last.run.waiting == 0
    assert {name: table.acknowledged for name, table in last.run.tables.items()} == {
        name: table.acknowledged for name, table in result.ledger.tables.items()
    }
    assert last.values()["target_rate"] == 6_000
    memory_mb = [mb for mb in seen.column("generator_memory_mb") if not math.isnan(mb)]
    assert max(memory_mb) > psutil.Process().memory_info().rss / 1e6, "all processes count"
    assert monitored_rows(server) == [sample.at_us for sample in seen.samples]


@dataclass
class SteppedClock:
    """Time that goes by when somebody sleeps, and that may jump."""

    now: int = START_US + 300_000
    jumps: dict[int, float] = field(default_factory=dict)
    """By the number of the sleep: how many seconds longer it takes than asked for."""
    sleeps: int = 0

    def now_us(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += round((seconds + self.jumps.get(self.sleeps, 0.0)) * 1e6)
        self.sleeps += 1
        await asyncio.sleep(0)


async def seconds_of(clock: SteppedClock, until_us: int) -> list[int]:
    """The seconds that a run has whose first is running and which is over at `until_us`, since `START_US`."""
    seen = Seen()
    monitored = Monitor(
        MonitorSettings(), StreamSettings("", "", 6_000, 1, 1, dry_run=True), clock=clock, sleep=clock.sleep
    )
    monitored.listeners.append(seen.take)
    async with monitored:
        monitored.watch(lambda: snapshot(phase=Phase.DONE if clock.now >= until_us else Phase.RUNNING))
        await until(lambda: clock.now >= until_us)
    seen.check()
    return [(one.at_us - START_US) // SECOND_US for one in seen.samples]


async def test_every_second_has_its_row_and_the_last_is_that_after_the_end() -> None:
    assert await seconds_of(SteppedClock(), START_US + 20_400_000) == list(range(1, 22))


async def test_a_machine_that_stood_still_skips_seconds_and_has_none_twice() -> None:
    clock = SteppedClock(jumps={4: 3.7, 8: 0.2})
    assert await seconds_of(clock, START_US + 14_500_000) == [1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15]
