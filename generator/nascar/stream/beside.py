"""What is sent beside the schedule: every two seconds, the rows of the low-rate tables that have happened.

They share client, token and retries with the schedule and nothing else: they wait for none of its rows, none
of its rows waits for them, and they do not count for the rate. They have a ledger of their own with the same
law. A row is scheduled when its turn comes; rows that became known late take the next turn, whatever their
age, for a story with holes is worth little.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Final

from nascar.errors import NascarError
from nascar.stream.clock import Clock
from nascar.stream.delivery import Delivery, Post
from nascar.stream.flight import Flight
from nascar.stream.ledger import Ledger
from nascar.stream.settings import StreamSettings
from nascar.stream.source import BesideSource
from nascar.stream.windows import WindowBook

TURN_US: Final = 2_000_000
"""Arc writes a file for each table and flush, and every file costs each query that looks at its hour: two seconds are
half the files of one, and no page is drawn anew more often."""


class BesideSender:
    """Sends what `source` has, a request for each table and turn. `run` once, `end` at any moment."""

    def __init__(
        self,
        settings: StreamSettings,
        source: BesideSource,
        post: Post,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        tell: Callable[[str], None],
        fatal: Callable[[], None],
        windows: WindowBook | None = None,
    ) -> None:
        """`fatal` is called when the server gave an answer that no retry can mend; `error` says which."""
        self.ledger = Ledger(source.tables, windows)
        self._source = source
        self._clock = clock
        self._fatal = fatal
        self._drain_s = settings.drain_s
        self._delivery = Delivery(settings, post, self.ledger, clock=clock, jitter=jitter, tell=tell)
        self._flights: set[asyncio.Task[None]] = set()
        self._until_us: int | None = None
        self._ended = asyncio.Event()

    @property
    def error(self) -> NascarError | None:
        return self._delivery.error

    @property
    def troubles(self) -> Counter[str]:
        """Requests that were not acknowledged, by message."""
        return self._delivery.troubles

    def end(self, until_us: int) -> None:
        """The rows up to `until_us` are the last ones: `run` sends them and ends."""
        if self._until_us is None:
            self._until_us = until_us
            self._ended.set()

    async def run(self, start_us: int) -> None:
        """Take a turn every `TURN_US` after `start_us` until `end`. Afterwards no row is waiting."""
        try:
            turn_us = start_us + TURN_US
            while self._until_us is None:
                now_us = self._clock.now_us()
                if now_us >= turn_us:
                    self._take_turn(now_us)
                    turn_us += -(-(now_us - turn_us + 1) // TURN_US) * TURN_US
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), max(0, turn_us - now_us) / 1e6)
            self._take_turn(self._until_us)
        finally:
            await self._drain()

    def _take_turn(self, until_us: int) -> None:
        for head, body in self._source.take(until_us):
            self.ledger.schedule(head)
            flight = Flight(head, body, body.data.nbytes)
            task = asyncio.create_task(self._fly(flight))
            self._flights.add(task)
            task.add_done_callback(self._flights.discard)

    async def _fly(self, flight: Flight) -> None:
        try:
            if self.error is None:
                await self._delivery.deliver(flight)
            else:
                self.ledger.miss(flight.head)
        finally:
            flight.body.release()
            if self.error is not None:
                self._fatal()

    async def _drain(self) -> None:
        if not self._flights:
            return
        _, left = await asyncio.wait(set(self._flights), timeout=self._drain_s)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
