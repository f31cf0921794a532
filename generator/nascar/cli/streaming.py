"""A run as the commands do it: in one process or several, on a screen, stopped by Ctrl-C, and proved."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

from aiohttp import web
from rich.console import Console, RenderableType

from nascar.cli.pipeline import Pipeline
from nascar.cli.terminal import Screen
from nascar.errors import NascarError, TokenRefused
from nascar.monitor.endpoint import Address, Endpoint, add_routes
from nascar.monitor.monitor import Monitor
from nascar.monitor.server_watch import QuestionTimes
from nascar.monitor.settings import MonitorSettings
from nascar.monitor.writer import Tally
from nascar.race.timing import Standings
from nascar.stream.client import Client
from nascar.stream.clock import SteadyClock, iso_utc
from nascar.stream.progress import Snapshot
from nascar.stream.proof import DEADLINE_S, LAG_S, Proof
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.sharded_run import ShardedRun
from nascar.stream.verification import Verification
from nascar.telemetry.plan import STRICT_RATE
from nascar.telemetry.sampler import TimeUnit

PROVED_AT_ONCE_S: Final = 60.0
"""A run up to this long is counted when it is over; of a longer one each window is, while it lasts."""
QUERY_TIMEOUT_S: Final = 60.0
NOTHING_WATCHED: Final = MonitorSettings(writes=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, and of counting what is stored of it."""

    result: Result
    verification: Verification | None = None
    trouble: str | None = None
    """Why nothing was counted although it was to be."""
    monitored: Tally | None = None
    """What became of the rows that say how the run stood; None if none were to be written."""

    @property
    def monitor_counts(self) -> dict[str, int] | None:
        """The same for the report."""
        tally = self.monitored
        if tally is None:
            return None
        return {"rows": tally.rows, "acknowledged": tally.acknowledged, "lost": tally.lost}


@dataclass(slots=True)
class Streaming:
    """How a run is done; `run` does it, once."""

    console: Console
    settings: StreamSettings
    pipeline: Pipeline
    processes: int = 1
    start_at_us: int | None = None
    """When the first row happens; None as soon as all is ready."""
    prove: bool = True
    prove_within_s: float = DEADLINE_S
    """The server has this long to store what it acknowledged."""
    below: Callable[[], RenderableType | None] = lambda: None
    """A part of the screen of the command's own."""
    monitor: MonitorSettings = NOTHING_WATCHED
    metrics: Address | None = None
    """Where to serve metrics; None for nowhere."""
    question_ms: QuestionTimes | None = None
    """The times of questions that the command asks itself."""

    async def run(self) -> Outcome:
        """Run until the end or until Ctrl-C, then count; a second Ctrl-C leaves the counting."""
        writes = self.monitor.writes and not self.settings.dry_run
        if self.metrics is None and not writes:
            return await self._run_and_count(lambda snapshot: None)
        monitor = Monitor(self.monitor, self.settings, question_ms=self.question_ms)
        async with contextlib.AsyncExitStack() as stack:
            if self.metrics is not None:
                app = web.Application()
                add_routes(app, monitor)
                endpoint = await stack.enter_async_context(Endpoint(app, self.metrics))
                self.console.print(f"Metrics at {endpoint.url}/metrics", soft_wrap=True, highlight=False)
            await stack.enter_async_context(monitor)
            outcome = await self._run_and_count(monitor.watch)
        if monitor.trouble is not None:
            self.console.print(f"A part of the run was not watched to its end: {monitor.trouble}")
        return replace(outcome, monitored=monitor.tally) if writes else outcome

    async def _run_and_count(self, watch: Callable[[Callable[[], Snapshot]], None]) -> Outcome:
        """Run and count; `watch` gets what says how the run stands."""
        settings = self.settings
        if not self.prove or settings.dry_run:
            run = self._a_run(None)
            watch(run.snapshot)
            return Outcome(await self._stream(run))
        async with Client(
            settings.url, settings.token, database=settings.database, request_timeout_s=QUERY_TIMEOUT_S
        ) as client:
            by_row = self.pipeline.time_unit is TimeUnit.US
            proof = Proof(
                client,
                self.processes,
                by_row=by_row,
                lag_s=LAG_S,
                deadline_s=self.prove_within_s,
            )
            duration_s = self.pipeline.duration_s
            is_long = duration_s is None or duration_s > PROVED_AT_ONCE_S
            # Windows are cut between two microseconds.
            has_edges = by_row and self.pipeline.rate <= STRICT_RATE
            run = self._a_run(proof if is_long and has_edges else None)
            proof.tell = run.note
            watch(run.snapshot)
            watching = asyncio.create_task(proof.watch())
            try:
                result = await self._stream(run)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            return await self._count(proof, result)

    def _a_run(self, proof: Proof | None) -> Run | ShardedRun:
        closed = None if proof is None else proof.take
        start_at = None if self.start_at_us is None else self._wait_for_start
        if self.processes == 1:
            return Run(self.settings, self.pipeline.feed_at, start_at=start_at, closed=closed)
        return ShardedRun(self.settings, self.pipeline, self.processes, start_at=start_at, closed=closed)

    async def _stream(self, run: Run | ShardedRun) -> Result:
        def standings() -> Standings | None:
            if isinstance(run, ShardedRun):
                return cast(Standings | None, run.picture())
            return self.pipeline.standings()

        with on_signals(run.stop):
            async with Screen(self.console, run, self.pipeline.entries, standings, self.below):
                return await run.run()

    async def _wait_for_start(self) -> int:
        assert self.start_at_us is not None
        late_s = (SteadyClock().now_us() - self.start_at_us) / 1e6
        if late_s > 0:
            raise NascarError(
                f"All was ready {late_s:.1f} s after --start-at {iso_utc(self.start_at_us)}; nothing was sent. "
                "Give a later time, the same on all machines."
            )
        return self.start_at_us

    async def _count(self, proof: Proof, result: Result) -> Outcome:
        if not result.ledger.total().scheduled:
            return Outcome(result)
        if not self.console.is_terminal:
            total = result.ledger.total()
            self.console.print(
                f"The stream is over: of {total.scheduled:,} rows {total.acknowledged:,} acknowledged, "
                f"{total.failed:,} failed, {total.missed:,} missed. Counting what is stored ..."
            )
        counting = asyncio.ensure_future(proof.finish(result))
        with on_signals(counting.cancel):
            try:
                return Outcome(result, await counting)
            except TokenRefused as error:
                return Outcome(result, trouble=f"{error} Or stream with --no-verify.")
            except NascarError as error:
                return Outcome(result, trouble=str(error))
            except asyncio.CancelledError:
                if not counting.cancelled():
                    raise
                return Outcome(result, trouble="stopped before the counting had ended")


@contextlib.contextmanager
def on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `stop` meanwhile, so that the command ends with its ledger."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
