"""The open loop: every batch leaves when it is due, or is counted.

The loop never waits for an answer. Batch k leaves at its due time if a worker is free, whatever became of
the batches before it; so the load does not sink when the server slows down, and the latency from the due
time shows the whole wait. A batch that could not leave `late_limit_s` after its due time is dropped without
being encoded, and counted as missed. Nothing is kept for each batch but those that are encoded and waiting
(`pregenerate_batches`, `ahead_s`, `ahead_bytes`) and those in flight (`workers`, `flight_bytes`): memory is
constant however long the run.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from nascar.errors import NascarError
from nascar.stream.clock import Clock
from nascar.stream.delivery import Delivery, Post, Receipt
from nascar.stream.flight import Flight
from nascar.stream.hindrance import Hindrance, Stalls
from nascar.stream.latency import Latencies, Latency
from nascar.stream.ledger import Ledger
from nascar.stream.meter import Meter
from nascar.stream.settings import StreamSettings
from nascar.stream.source import BatchHead, BatchSource
from nascar.stream.timeline import Timeline
from nascar.stream.windows import WindowBook

LONGEST_REST_S: Final = 1.0
GRACE_US: Final = 500_000
"""What comes within this time after the end of the schedule was on its way then; what comes later is overrun."""
MOST_COMING: Final = 2_000
"""Batches that are counted as due before the event loop has its turn."""
OVERSLEPT_US: Final = 50_000
"""An idle loop that finds a batch due for longer than this was kept from running."""


class Sender:
    """Sends the batches of one source. `run` once; `stop`, `hold` and the counts at any moment."""

    def __init__(
        self,
        settings: StreamSettings,
        source: BatchSource,
        post: Post,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        tell: Callable[[str], None],
        timeline: Timeline,
        windows: WindowBook | None = None,
    ) -> None:
        self.ledger = Ledger(source.tables, windows)
        self.latencies = Latencies(source.tables)
        self.jitter = Latency()
        """How long after the time it had asked for the loop woke: the schedule's own error."""
        self.meter = Meter()
        self.stalls = Stalls()
        self.lost: Counter[Hindrance] = Counter()
        """Failed and missed rows, by what kept them."""
        self.in_flight = 0
        self.flight_bytes = 0
        self.most_in_flight = 0
        self.most_live_bytes = 0
        """The most bytes of encoded bodies, waiting and in flight, at one time."""
        self.overrun = 0
        """Rows that were acknowledged more than `GRACE_US` after the last due time, or after the stop."""
        self.draining = False

        self._settings = settings
        self._source = source
        self._delivery = Delivery(settings, post, self.ledger, clock=clock, jitter=jitter, tell=tell)
        self._clock = clock
        self._tell = tell
        self._timeline = timeline
        self._late_limit_us = round(settings.late_limit_s * 1e6)
        self._ahead_us = round(settings.ahead_s * 1e6)

        # Batches below `_coming` are due; those below `_encoding` are encoded or dropped.
        self._coming = 0
        self._encoding = 0
        self._coming_head = self._head(0)
        self._encoding_head = self._coming_head
        self._ready: deque[Flight] = deque()
        self._ready_bytes = 0
        self._last_bytes = 0
        self._flights: set[asyncio.Task[None]] = set()
        self._holding = False
        self._stopped_us: int | None = None
        self._last_due_us = 0
        self._awake = asyncio.Event()
        self._stalled_by: Hindrance | None = None
        self._looked_us = clock.now_us()
        self._rang_us: int | None = None

    @property
    def error(self) -> NascarError | None:
        """What ended the run before its time."""
        return self._delivery.error

    @property
    def troubles(self) -> Counter[str]:
        """How often what went wrong: requests that ended without an acknowledgement, by their message."""
        return self._delivery.troubles

    @property
    def unreached(self) -> int:
        """Requests that found no connection to the server."""
        return self._delivery.unreached

    @property
    def ready(self) -> int:
        """Encoded batches that wait to be sent."""
        return len(self._ready)

    @property
    def holding(self) -> bool:
        return self._holding

    def hold(self, holding: bool) -> None:
        """Hold new batches back, or let them go again. What is in flight is not touched."""
        self._holding = holding
        self._awake.set()

    def stop(self) -> None:
        """Nothing more comes due from now on; `run` drains and ends."""
        if self._stopped_us is None:
            self._stopped_us = self._clock.now_us()
            self._awake.set()

    async def run(self) -> None:
        """Send until the last batch is settled, or until `stop`. Afterwards no row is waiting.

        A fatal answer ends the run like `stop`, and is left in `error`.
        """
        try:
            while not self._is_over():
                now_us = self._clock.now_us()
                self._come_due(now_us, MOST_COMING)
                self._charge_stall(now_us)
                self._drop_late(now_us)
                if self._depart(now_us):
                    # What has just left writes its first bytes before the next batch is encoded.
                    await asyncio.sleep(0)
                self._stalled_by = self._hindrance(now_us)
                encode_us = self._encode_us(now_us)
                if encode_us is not None and encode_us <= now_us:
                    self._encode()
                    # One batch at a time: sockets are served between any two.
                    await asyncio.sleep(0)
                elif not self._is_over():
                    await self._rest(self._clock.now_us())
        finally:
            self._abandon()
            await self._drain()

    def _head(self, index: int) -> BatchHead | None:
        batches = self._source.batches
        return None if batches is not None and index >= batches else self._source.head(index)

    def _is_over(self) -> bool:
        if self._stopped_us is not None or self.error is not None:
            return True
        return self._coming_head is None and self._encoding_head is None and not self._ready

    def _end_us(self) -> int | None:
        """When nothing more came due; None while something will."""
        if self._stopped_us is not None:
            return self._stopped_us
        return self._last_due_us if self._coming_head is None else None

    def _come_due(self, now_us: int, most: int | None = None) -> None:
        """Count what is due by now, `most` batches at a time: a stop must be heard in between."""
        until = None if most is None else self._coming + most
        while self._coming_head is not None and self._coming_head.due_us <= now_us and self._coming != until:
            self.ledger.schedule(self._coming_head)
            self._timeline.offer(self._coming_head.due_us, self._coming_head.rows)
            self._last_due_us = self._coming_head.due_us
            self._coming += 1
            self._coming_head = self._head(self._coming)

    def _drop_late(self, now_us: int) -> None:
        oldest_us = now_us - self._late_limit_us
        while self._ready and self._ready[0].head.due_us < oldest_us:
            self._drop(self._ready.popleft())
        if not self._ready:
            self._skip_late(oldest_us)

    def _skip_late(self, oldest_us: int) -> None:
        while (
            self._encoding < self._coming
            and self._encoding_head is not None
            and self._encoding_head.due_us < oldest_us
        ):
            self._miss(self._encoding_head)
            self._advance()

    def _miss(self, head: BatchHead) -> None:
        """Count a batch that was due and never left."""
        self.ledger.miss(head)
        self._timeline.lose(self._clock.now_us(), head.rows, failed=False)
        # Nothing hindered it: then this process did not look in time.
        self.lost[self._stalled_by or Hindrance.CLIENT] += head.rows

    def _drop(self, flight: Flight) -> None:
        self._ready_bytes -= flight.bytes
        flight.body.release()
        self._miss(flight.head)

    def _advance(self) -> None:
        self._encoding += 1
        self._encoding_head = self._head(self._encoding)

    def _depart(self, now_us: int) -> int:
        departed = 0
        while self._ready and self._ready[0].head.due_us <= now_us and not self._holding:
            if not self._has_room(self._ready[0].bytes):
                break
            flight = self._ready.popleft()
            self._ready_bytes -= flight.bytes
            self.flight_bytes += flight.bytes
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._timeline.fly(now_us, self.in_flight)
            task = asyncio.create_task(self._fly(flight))
            self._flights.add(task)
            task.add_done_callback(self._flights.discard)
            departed += 1
        return departed

    def _has_room(self, body_bytes: int) -> bool:
        """Whether one more body of this size may fly."""
        if self.in_flight == 0:
            return True
        within = self.flight_bytes + body_bytes <= self._settings.flight_bytes
        return within and self.in_flight < self._settings.workers

    def _encode_us(self, now_us: int) -> int | None:
        """When the next batch may be encoded; None if something else must happen first."""
        head = self._encoding_head
        if head is None or self._holding or len(self._ready) >= self._settings.pregenerate_batches:
            return None
        if self._ready and self._ready_bytes + self._last_bytes > self._settings.ahead_bytes:
            return None
        if head.due_us <= now_us and not self._has_room(self._last_bytes):
            # Behind already, and nothing can leave: it would be encoded for the drop.
            return None
        return head.due_us - self._ahead_us

    def _encode(self) -> None:
        head = self._encoding_head
        assert head is not None
        body = self._source.encode(head.index)
        flight = Flight(head, body, body.data.nbytes)
        self._ready.append(flight)
        self._ready_bytes += flight.bytes
        self._last_bytes = flight.bytes
        self.most_live_bytes = max(self.most_live_bytes, self._ready_bytes + self.flight_bytes)
        self._advance()

    def _charge_stall(self, now_us: int) -> None:
        """Charge the time since the last look to what held up a due batch then."""
        elapsed_s = max(0, now_us - self._looked_us) / 1e6
        self._looked_us = now_us
        if self._stalled_by is not None:
            self.stalls.charge(self._stalled_by, elapsed_s)
        else:
            # Nothing was due then. If something has been due for long now, this process slept too long.
            oldest = self._ready[0].head if self._ready else self._encoding_head
            if oldest is not None and now_us - oldest.due_us > OVERSLEPT_US:
                overslept_s = min(elapsed_s, (now_us - oldest.due_us) / 1e6)
                self.stalls.charge(Hindrance.CLIENT, overslept_s)

    def _hindrance(self, now_us: int) -> Hindrance | None:
        """What keeps a due batch from leaving; None if none is kept."""
        if self._ready:
            due, hindered_by = self._ready[0].head.due_us <= now_us, Hindrance.SERVER
        else:
            due = self._encoding < self._coming
            has_room = self._has_room(self._last_bytes)
            hindered_by = Hindrance.CLIENT if has_room else Hindrance.SERVER
        if not due:
            return None
        return Hindrance.BACKLOG if self._holding else hindered_by

    async def _rest(self, now_us: int) -> None:
        """Sleep until something can have changed: a due time, a batch that turns late, a free worker."""
        until_us = now_us + round(LONGEST_REST_S * 1e6)
        if self._coming_head is not None:
            until_us = min(until_us, self._coming_head.due_us)
        encode_us = self._encode_us(now_us)
        if encode_us is not None:
            until_us = min(until_us, encode_us)
        if self._ready:
            head = self._ready[0].head
            turns_us = head.due_us + self._late_limit_us + 1 if head.due_us <= now_us else head.due_us
            until_us = min(until_us, turns_us)
        elif self._encoding < self._coming and self._encoding_head is not None:
            until_us = min(until_us, self._encoding_head.due_us + self._late_limit_us + 1)
        if self._awake.is_set():
            self._awake.clear()
            return
        self._rang_us = None
        until_us = max(until_us, now_us)
        timer = asyncio.get_running_loop().call_later((until_us - now_us) / 1e6, self._ring)
        try:
            await self._awake.wait()
        finally:
            timer.cancel()
        self._awake.clear()
        if self._rang_us is not None:
            self.jitter.record(self._rang_us - until_us)

    def _ring(self) -> None:
        self._rang_us = self._clock.now_us()
        self._awake.set()

    async def _fly(self, flight: Flight) -> None:
        """Send one batch until it is settled."""
        head = flight.head
        self.latencies.departure[head.table].record(self._clock.now_us() - head.due_us)
        receipt = None
        try:
            receipt = await self._delivery.deliver(flight)
        finally:
            if receipt is not None:
                self._arrive(flight, receipt)
            else:
                self.lost[Hindrance.REFUSAL] += head.rows
                # Delivery's own rule: what never got as far as the server is missed.
                self._timeline.lose(self._clock.now_us(), head.rows, failed=flight.reached)
            flight.body.release()
            self.in_flight -= 1
            self.flight_bytes -= flight.bytes
            if self._stalled_by is Hindrance.SERVER or self.error is not None:
                self._awake.set()

    def _arrive(self, flight: Flight, receipt: Receipt) -> None:
        head = flight.head
        due_us = receipt.acknowledged_us - head.due_us
        send_us = receipt.acknowledged_us - receipt.sent_us
        self.latencies.due[head.table].record(due_us)
        self.latencies.send[head.table].record(send_us)
        self.meter.record(due_us, send_us)
        self._timeline.acknowledge(receipt.acknowledged_us, head.rows, flight.bytes, due_us, send_us)
        end_us = self._end_us()
        if end_us is not None and receipt.acknowledged_us > end_us + GRACE_US:
            self.overrun += head.rows

    def _abandon(self) -> None:
        """What was due and cannot leave is missed; what was encoded ahead of its time is put back."""
        now_us = self._clock.now_us() if self._stopped_us is None else self._stopped_us
        self._come_due(now_us)
        if self._stopped_us is not None and self.error is None:
            # A stop is no reason to miss what came due in the moment before.
            self._drop_late(now_us)
            self._depart(now_us)
        while self._ready:
            flight = self._ready.popleft()
            if flight.head.index < self._coming:
                self._drop(flight)
            else:
                self._ready_bytes -= flight.bytes
                flight.body.release()
        while self._encoding < self._coming and self._encoding_head is not None:
            self._miss(self._encoding_head)
            self._advance()

    async def _drain(self) -> None:
        """Let what is in flight end, for `drain_s` at most; then it is cut off."""
        self.draining = True
        if not self._flights:
            return
        _, left = await asyncio.wait(set(self._flights), timeout=self._settings.drain_s)
        if left:
            self._tell(
                f"Cutting off {len(left)} requests without an answer after {self._settings.drain_s:g} s."
            )
            for task in left:
                task.cancel()
            await asyncio.wait(left)
