"""One run from end to end: prove the server, start the clock, stream, drain, account."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from nascar.stream import usage
from nascar.stream.backlog import BacklogGuard
from nascar.stream.beside import TURN_US, BesideSender
from nascar.stream.client import Client, Stored
from nascar.stream.clock import Clock, SteadyClock
from nascar.stream.hindrance import Stalls
from nascar.stream.latency import Latencies, Latency
from nascar.stream.ledger import Ledger
from nascar.stream.meter import Meter, Totals
from nascar.stream.progress import Note, Phase, Snapshot
from nascar.stream.result import ProcessUse, Result
from nascar.stream.sender import Sender
from nascar.stream.settings import StreamSettings
from nascar.stream.shard import ShardedSource
from nascar.stream.source import BatchSource, BesideSource
from nascar.stream.timeline import Timeline
from nascar.stream.windows import Window, WindowBook

LEAD_S: Final = 0.5
"""The first row lies this far ahead when the source is made: time to build it and to encode the first."""
TICK_S: Final = 0.25
_MOST_NOTES: Final = 50


SourceAt = Callable[[int], BatchSource]
"""Makes the batches of the whole run for the instant of its first row, µs since 1970."""


class Run:
    """Streams what `source_at` makes for a start time. Call `run` once; `snapshot` and `stop` at any moment.

    Of these batches it sends those of the settings' shard. The start is asked of `start_at` after server and
    token are proved, and is `lead_s` from then if nobody else says it. With `closed`, the books are kept by
    windows, too, and each is handed over when it is closed. Notes tell the time since `begun_us`.

    In a dry run no server is needed and nothing is sent: every batch is encoded and dropped at once, not
    paced but as fast as this process can, and counts as acknowledged. Its rate is the ceiling of everything
    but the network. An endless source is drained until `stop`.
    """

    def __init__(
        self,
        settings: StreamSettings,
        source_at: SourceAt,
        *,
        start_at: Callable[[], Awaitable[int]] | None = None,
        closed: Callable[[Window], None] | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        lead_s: float = LEAD_S,
        begun_us: int | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._settings = settings
        self._source_at = source_at
        self._start_at = start_at or self._soon
        self._closed = closed
        self._clock = clock or SteadyClock()
        self._jitter = jitter
        self._lead_us = round(lead_s * 1e6)
        self._tell = tell
        self._timeline = Timeline(0)
        self._notes: deque[Note] = deque(maxlen=_MOST_NOTES)
        self._begun_us = self._clock.now_us() if begun_us is None else begun_us
        self._phase = Phase.WAITING
        self._stop = asyncio.Event()
        self._sender: Sender | None = None
        self._beside: BesideSender | None = None
        self._guard: BacklogGuard | None = None
        self._start_us = 0
        self._end_us = 0
        # A dry run has no sender.
        self._dry_ledger = Ledger(())
        self._dry_beside = Ledger(())
        self._dry_meter = Meter()

    def stop(self) -> None:
        """End early: nothing more comes due, what is in flight is drained. To be called in the event loop."""
        self._stop.set()
        self._stop_sending()

    def _stop_sending(self) -> None:
        if self._sender is not None:
            self._sender.stop()
        if self._beside is not None:
            self._beside.end(self._clock.now_us())

    async def run(self) -> Result:
        """Run to the end. Raises what goes wrong before the clock starts; later errors are in the result."""
        try:
            if self._settings.dry_run:
                return await self._run_dry()
            async with Client.of(self._settings) as client:
                cpu_s = usage.cpu_s()
                if await self._unless_stopped(self._make_ready(client)):
                    return await self._stream(client)
                return self._result(cpu_s)
        finally:
            self._phase = Phase.DONE

    @property
    def ledger(self) -> Ledger:
        """What has become of every row until now."""
        return self._sender.ledger if self._sender else self._dry_ledger

    @property
    def meter(self) -> Meter:
        """What flows now."""
        return self._sender.meter if self._sender else self._dry_meter

    def snapshot(self) -> Snapshot:
        """How the run stands now."""
        sender, guard, meter = self._sender, self._guard, self.meter
        total = self.ledger.total()
        rates = meter.rates()
        phase = self._phase
        if phase is Phase.RUNNING and sender is not None and sender.draining:
            phase = Phase.DRAINING
        until_us = self._end_us or self._clock.now_us()
        return Snapshot(
            phase=phase,
            elapsed_s=max(0, until_us - self._start_us) / 1e6 if self._start_us else 0.0,
            target_rate=round(self._settings.own_rate),
            offered_rate=rates.offered,
            acknowledged_rate=rates.acknowledged,
            bytes_rate=rates.bytes,
            scheduled=total.scheduled,
            acknowledged=total.acknowledged,
            failed=total.failed,
            missed=total.missed,
            waiting=total.waiting,
            late=total.late,
            requests=total.requests,
            retries=total.retries,
            due_ms=meter.due().percentiles(),
            send_ms=meter.send().percentiles(),
            in_flight=sender.in_flight if sender else 0,
            ready=sender.ready if sender else 0,
            backlog=guard.rows if guard else None,
            holding=sender.holding if sender else False,
            notes=tuple(self._notes),
            tables=self.ledger.copy_tables(),
            beside=(self._beside.ledger if self._beside else self._dry_beside).copy_tables(),
        )

    def note(self, text: str) -> None:
        """Say something worth knowing: it is shown, and stands in the result."""
        self._notes.append(Note((self._clock.now_us() - self._begun_us) / 1e6, text))
        self._tell(text)

    async def _make_ready(self, client: Client) -> None:
        await client.wait_ready(self._settings.ready_timeout_s, self.note)
        await client.check_access()
        await self._begin()

    async def _begin(self) -> None:
        self._start_us = await self._start_at()

    async def _soon(self) -> int:
        return self._clock.now_us() + self._lead_us

    def _source(self) -> BatchSource:
        source, shard = self._source_at(self._start_us), self._settings.shard
        return source if shard.is_whole else ShardedSource(source, shard)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do `work`, but give it up on `stop`; whether it was done."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in (task, stop):
                if not future.done():
                    future.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await future
        if task.cancelled():
            return False
        await task
        return not self._stop.is_set()

    async def _stream(self, client: Client) -> Result:
        settings, clock = self._settings, self._clock
        guard = self._guard = BacklogGuard(
            client,
            settings.max_backlog_rows,
            clock=clock,
            tell=self.note,
            poll_s=settings.backlog_poll_s,
        )
        cpu_s = usage.cpu_s()
        timeline = self._timeline = Timeline(self._start_us)
        source = self._source()
        await guard.look()
        sender = self._sender = Sender(
            settings,
            source,
            client.post,
            clock=clock,
            jitter=self._jitter,
            tell=self.note,
            timeline=timeline,
            windows=self._windows(source.tables),
        )
        guard.changed = sender.hold
        guard.heard = self._hear
        tasks = [asyncio.create_task(guard.watch()), asyncio.create_task(self._tick(sender))]
        if source.beside is not None:
            self._beside = BesideSender(
                settings,
                source.beside,
                client.post,
                clock=clock,
                jitter=self._jitter,
                tell=self.note,
                fatal=self._stop_sending,
                windows=self._windows(source.beside.tables, beside=True),
            )
            tasks.append(asyncio.create_task(self._beside.run(self._start_us)))
        self._phase = Phase.RUNNING
        if self._stop.is_set():
            self._stop_sending()
        try:
            await sender.run()
            self._end_us = clock.now_us()
            self._hand_over(sender)
            if self._beside is not None:
                self._beside.end(self._end_us)
                await tasks[-1]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._end_us = self._end_us or clock.now_us()
        return self._result(cpu_s)

    def _windows(self, tables: tuple[str, ...], *, beside: bool = False) -> WindowBook | None:
        if self._closed is None:
            return None
        return WindowBook(tables, self._start_us, round(self._settings.window_s * 1e6), beside)

    def _hear(self, counters: Stored, backlog: int) -> None:
        self._timeline.read(self._clock.now_us(), backlog, counters.written)

    async def _tick(self, sender: Sender) -> None:
        while True:
            sender.meter.tick(_totals(sender.ledger, self._clock.now_us()))
            self._hand_over(sender)
            await asyncio.sleep(TICK_S)

    def _hand_over(self, sender: Sender) -> None:
        """Give out the windows that have closed."""
        ledgers = [sender.ledger, *([self._beside.ledger] if self._beside is not None else [])]
        for ledger in ledgers:
            if self._closed is not None and ledger.windows is not None:
                for window in ledger.windows.take_closed():
                    self._closed(window)

    async def _run_dry(self) -> Result:
        cpu_s = usage.cpu_s()
        self._phase = Phase.RUNNING
        if not await self._unless_stopped(self._begin()):
            return self._result(cpu_s)
        source = self._source()
        # Nothing is paced: the time is that of the work, whenever the rows are said to begin.
        self._start_us = self._clock.now_us()
        ledger = self._dry_ledger = Ledger(source.tables)
        beside, turn_us = source.beside, self._start_us + TURN_US
        self._dry_beside = Ledger(() if beside is None else beside.tables)
        index, ticked_us = 0, 0
        while not self._stop.is_set() and (source.batches is None or index < source.batches):
            head = source.head(index)
            ledger.schedule(head)
            body = source.encode(index)
            ledger.acknowledge(head, body.data.nbytes)
            body.release()
            index += 1
            if beside is not None and head.due_us >= turn_us:
                turn_us = head.due_us + TURN_US
                self._drop_beside(beside, head.due_us)
            now_us = self._clock.now_us()
            if now_us - ticked_us > TICK_S * 1e6:
                ticked_us = now_us
                self._dry_meter.tick(_totals(ledger, now_us))
            await asyncio.sleep(0)
        if beside is not None and index:
            self._drop_beside(beside, source.head(index - 1).due_us)
        self._end_us = self._clock.now_us()
        return self._result(cpu_s)

    def _drop_beside(self, source: BesideSource, until_us: int) -> None:
        """Make and drop what stands beside the schedule, in a dry run."""
        for head, body in source.take(until_us):
            self._dry_beside.schedule(head)
            self._dry_beside.acknowledge(head, body.data.nbytes)
            body.release()

    def _result(self, cpu_s_before: float) -> Result:
        sender, guard, beside = self._sender, self._guard, self._beside
        ledger = self.ledger
        cpu_s, max_rss_bytes = usage.cpu_s() - cpu_s_before, usage.max_rss_bytes()
        use = ProcessUse(
            self._settings.shard.index, os.getpid(), cpu_s, max_rss_bytes, ledger.total().acknowledged
        )
        return Result(
            settings=self._settings,
            ledger=ledger,
            latencies=sender.latencies if sender else Latencies(()),
            started_us=self._start_us,
            elapsed_s=max(0, self._end_us - self._start_us) / 1e6,
            cpu_s=cpu_s,
            max_rss_bytes=max_rss_bytes,
            stalls=sender.stalls if sender else Stalls(),
            overrun=sender.overrun if sender else 0,
            troubles=sender.troubles if sender else Counter(),
            unreached=sender.unreached if sender else 0,
            lost=sender.lost if sender else Counter(),
            most_in_flight=sender.most_in_flight if sender else 0,
            most_live_bytes=sender.most_live_bytes if sender else 0,
            backlog_guarded=guard.active if guard else False,
            most_backlog=guard.most_rows if guard else 0,
            stored_rate=guard.stored_rate if guard else None,
            stopped=self._stop.is_set(),
            error=(sender.error if sender else None) or (beside.error if beside else None),
            notes=tuple(self._notes),
            beside=beside.ledger if beside else self._dry_beside,
            beside_troubles=beside.troubles if beside else Counter(),
            timeline=self._timeline,
            jitter=sender.jitter if sender else Latency(),
            processes=(use,),
        )


def _totals(ledger: Ledger, now_us: int) -> Totals:
    total = ledger.total()
    return Totals(now_us, total.scheduled, total.acknowledged, total.bytes)
