"""One run in several processes on this machine: one start, one ledger, one end."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Final

from nascar.errors import NascarError
from nascar.stream.clock import Clock, SteadyClock
from nascar.stream.latency import Latency
from nascar.stream.ledger import Ledger, TableLedger, add_tables
from nascar.stream.progress import Note, Phase, Snapshot
from nascar.stream.result import Result, final_snapshot, merged
from nascar.stream.run import LEAD_S
from nascar.stream.settings import StreamSettings
from nascar.stream.shard import Shard
from nascar.stream.shard_process import Closed, Ended, Ready, Standing, Start, Stop, Work, run_shard
from nascar.stream.windows import Window

_LEAVE_S: Final = 5.0
"""A process that has said its last word may take this long to go."""


class ShardedRun:
    """Streams one run, or one shard of it, with `processes` processes. Like `Run`: `run` once, `stop` and `snapshot`
    at any moment."""

    def __init__(
        self,
        settings: StreamSettings,
        work: Work,
        processes: int,
        *,
        start_at: Callable[[], Awaitable[int]] | None = None,
        closed: Callable[[Window], None] | None = None,
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`closed` gets every process's part of every window. `start_at` is asked when all are ready."""
        self._settings = settings
        self._closed = closed
        self._clock = clock or SteadyClock()
        self._start_at = start_at or self._soon
        self._tell = tell
        self._begun_us = self._clock.now_us()
        self._notes: list[Note] = []
        self._stopped = asyncio.Event()
        self._result: Result | None = None
        self._shards = [
            _Shard(_share(settings, Shard(index, processes), processes), work, closed, self._begun_us)
            for index in range(processes)
        ]

    def stop(self) -> None:
        """End early: nothing more comes due, what is in flight is drained."""
        self._stopped.set()
        for shard in self._shards:
            shard.say(Stop())

    def picture(self) -> object:
        """What the first process lets a display show."""
        standing = self._shards[0].standing
        return None if standing is None else standing.picture

    async def run(self) -> Result:
        """Run to the end. Raises what goes wrong before the clock starts; later errors are in the result."""
        try:
            for shard in self._shards:
                shard.begin()
            if self._stopped.is_set():
                self.stop()
            if await self._all_ready():
                start = Start(await self._start_at())
                for shard in self._shards:
                    shard.say(start)
            self._result = await self._all_ended()
            return self._result
        finally:
            for shard in self._shards:
                shard.say(Stop())
            await asyncio.gather(*(shard.leave() for shard in self._shards))

    def snapshot(self) -> Snapshot:
        """How the run stands now, all processes together; when it is over, how it has ended."""
        standing = self._standing()
        return standing if self._result is None else final_snapshot(standing, self._result)

    def _standing(self) -> Snapshot:
        """What the processes said last."""
        standings = [shard.standing for shard in self._shards if shard.standing is not None]
        snapshots = [standing.snapshot for standing in standings]
        if not snapshots:
            return Snapshot(Phase.WAITING, 0.0, round(self._settings.own_rate), notes=tuple(self._notes))
        due, send = Latency(2), Latency(2)
        for standing in standings:
            due.add(standing.due)
            send.add(standing.send)
        backlogs = [s.backlog for s in snapshots if s.backlog is not None]
        tables: dict[str, TableLedger] = {}
        beside: dict[str, TableLedger] = {}
        for one in snapshots:
            add_tables(tables, one.tables)
            add_tables(beside, one.beside)
        notes = sorted((*self._notes, *(n for s in snapshots for n in s.notes)), key=lambda note: note.at_s)
        return Snapshot(
            phase=_phase(snapshots, len(self._shards)),
            elapsed_s=max(s.elapsed_s for s in snapshots),
            target_rate=round(self._settings.own_rate),
            offered_rate=sum(s.offered_rate for s in snapshots),
            acknowledged_rate=sum(s.acknowledged_rate for s in snapshots),
            bytes_rate=sum(s.bytes_rate for s in snapshots),
            scheduled=sum(s.scheduled for s in snapshots),
            acknowledged=sum(s.acknowledged for s in snapshots),
            failed=sum(s.failed for s in snapshots),
            missed=sum(s.missed for s in snapshots),
            waiting=sum(s.waiting for s in snapshots),
            late=sum(s.late for s in snapshots),
            requests=sum(s.requests for s in snapshots),
            retries=sum(s.retries for s in snapshots),
            due_ms=due.percentiles(),
            send_ms=send.percentiles(),
            in_flight=sum(s.in_flight for s in snapshots),
            ready=sum(s.ready for s in snapshots),
            backlog=max(backlogs, default=None),
            holding=any(s.holding for s in snapshots),
            notes=tuple(notes),
            tables=tables,
            beside=beside,
        )

    async def _soon(self) -> int:
        return self._clock.now_us() + round(LEAD_S * 1e6)

    async def _all_ready(self) -> bool:
        """Wait for all; whether the run may start. Raises the first error."""
        waiting: list[asyncio.Future[Any]] = [shard.ready for shard in self._shards]
        ends: list[asyncio.Future[Any]] = [shard.ended for shard in self._shards]
        while not all(future.done() for future in waiting):
            open_ones = [future for future in waiting + ends if not future.done()]
            await asyncio.wait(open_ones, return_when=asyncio.FIRST_COMPLETED)
            if any(end.done() for end in ends):
                self._raise_early()
                return False
        return not self._stopped.is_set()

    def _raise_early(self) -> None:
        for shard in self._shards:
            if shard.ended.done():
                ended = shard.ended.result()
                if ended is None:
                    raise NascarError(shard.obituary)
                if ended.error is not None:
                    raise ended.error

    async def _all_ended(self) -> Result:
        """Wait for all. One that dies or breaks ends the run for all."""
        pending = {shard.ended for shard in self._shards}
        error: NascarError | None = None
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                ended = future.result()
                broken = ended is None or ended.error is not None
                if broken or (ended is not None and ended.result is not None and ended.result.error):
                    for shard in self._shards:
                        shard.say(Stop())
        results: list[Result] = []
        for shard in self._shards:
            ended = shard.ended.result()
            if ended is not None and ended.result is not None:
                results.append(ended.result)
                continue
            failure = NascarError(shard.obituary) if ended is None else ended.error
            error = error or failure
            self.note(str(failure))
            results.append(shard.last_known())
        return merged(self._settings, results, error=error, notes=self._notes)

    def note(self, text: str) -> None:
        """Say something worth knowing: it is shown, and stands in the result."""
        self._notes.append(Note((self._clock.now_us() - self._begun_us) / 1e6, text))
        self._tell(text)


class _Shard:
    """One process, seen from the one that started it."""

    def __init__(
        self,
        settings: StreamSettings,
        work: Work,
        closed: Callable[[Window], None] | None,
        begun_us: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Ended | None] = loop.create_future()
        """Its last word; None if it died without one."""
        self.standing: Standing | None = None
        self._settings = settings
        self._closed = closed
        self._connection: Connection | None = None
        context = multiprocessing.get_context("spawn")
        self._ours, self._theirs = context.Pipe()
        # A daemon does not outlive us, however we end.
        self._process = context.Process(
            target=run_shard,
            args=(self._theirs, settings, work, closed is not None, begun_us),
            daemon=True,
        )

    @property
    def obituary(self) -> str:
        """What to say of a process that died."""
        self._process.join(_LEAVE_S)
        return (
            f"The process of shard {self._settings.shard} died (exit status {self._process.exitcode}). "
            "Was it killed, or is the memory used up? Try fewer --processes."
        )

    def begin(self) -> None:
        """Start the process."""
        # It is started with the first process, and would let the signal through again.
        resource_tracker.ensure_running()
        # Ctrl-C reaches all processes of a terminal, also one that has not come to ignore it yet: it begins with
        # the signal blocked. For us it waits these few milliseconds.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._theirs.close()
        self._connection = self._ours
        asyncio.get_running_loop().add_reader(self._ours.fileno(), self._hear)

    def say(self, message: object) -> None:
        """Tell it something; nothing if it is not there, or not any more."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send(message)

    async def leave(self) -> None:
        """Wait until the process is gone; help if need be."""
        self._hang_up()
        if self._process.pid is None:
            return
        await asyncio.to_thread(self._process.join, _LEAVE_S)
        if self._process.is_alive():
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    def last_known(self) -> Result:
        """What is known of a shard that died: what it said last, and that what waited then is in doubt."""
        ledger = self.standing.ledger if self.standing is not None else Ledger(())
        for table in ledger.tables.values():
            _lose_waiting(table)
        empty = merged(self._settings, [])
        return replace(empty, ledger=ledger)

    def _hear(self) -> None:
        assert self._connection is not None
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            message = None
        if isinstance(message, Ready):
            self.ready.set_result(None)
        elif isinstance(message, Standing):
            self.standing = message
        elif isinstance(message, Closed):
            if self._closed is not None:
                self._closed(message.window)
        else:
            self._hang_up()
            if not self.ended.done():
                self.ended.set_result(message)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            asyncio.get_running_loop().remove_reader(connection.fileno())
            connection.close()


def _share(settings: StreamSettings, shard: Shard, processes: int) -> StreamSettings:
    """What one of the processes may take of what is meant for all."""
    return replace(
        settings,
        shard=shard.part(settings.shard),
        workers=max(1, settings.workers // processes),
        pregenerate_batches=max(1, settings.pregenerate_batches // processes),
    )


def _lose_waiting(table: TableLedger) -> None:
    # Whether they were on their way is not known: they may be stored.
    table.failed += table.waiting
    table.failed_unclear += table.waiting
    table.waiting = 0


def _phase(snapshots: Sequence[Snapshot], processes: int) -> Phase:
    """Where the run as a whole is."""
    phases = [snapshot.phase for snapshot in snapshots]
    if len(phases) < processes or Phase.WAITING in phases:
        return Phase.WAITING
    return Phase.RUNNING if Phase.RUNNING in phases else Phase.DRAINING
