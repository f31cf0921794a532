"""The way of one batch to the server: requests until it is acknowledged, or given up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from nascar.errors import NascarError
from nascar.stream.clock import Clock
from nascar.stream.flight import Flight
from nascar.stream.ledger import Ledger
from nascar.stream.policy import Done, Fatal, Outcome, Retry, decide
from nascar.stream.settings import StreamSettings

Post = Callable[[memoryview], Awaitable[Outcome]]
"""Makes one request of a body and says how it ended."""

_MOST_TROUBLES: Final = 20
"""Kinds of trouble that are counted by name; what comes after is counted as `OTHER_TROUBLE`."""
OTHER_TROUBLE: Final = "other errors"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server has taken the batch."""

    sent_us: int
    """When the request that it took left."""
    acknowledged_us: int


class Delivery:
    """Delivers batches and books each in `ledger`. After a fatal answer nothing is tried again."""

    def __init__(
        self,
        settings: StreamSettings,
        post: Post,
        ledger: Ledger,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self.troubles: Counter[str] = Counter()
        """How often what went wrong: requests that ended without an acknowledgement, by their message."""
        self.unreached = 0
        """Requests that found no connection to the server."""
        self.error: NascarError | None = None
        """What no retry can mend."""
        self._late_limit_s = settings.late_limit_s
        self._post = post
        self._ledger = ledger
        self._clock = clock
        self._jitter = jitter
        self._tell = tell

    async def deliver(self, flight: Flight) -> Receipt | None:
        """Send one scheduled batch until it is settled; None if it is lost. Its body is not released.

        A batch whose delivery is cancelled is booked as lost, too.
        """
        head, attempt = flight.head, 0
        try:
            while True:
                attempt += 1
                sent_us = self._clock.now_us()
                self._ledger.request(head, attempt=attempt, late_us=sent_us - head.due_us)
                flight.posting = True
                outcome = await self._post(flight.body.data)
                flight.posting = False
                now_us = self._clock.now_us()
                decision = decide(
                    outcome,
                    attempt=attempt,
                    age_s=(now_us - head.due_us) / 1e6,
                    late_limit_s=self._late_limit_s,
                    jitter=self._jitter(),
                )
                if isinstance(decision, Done):
                    self._ledger.acknowledge(head, flight.bytes, unclear=flight.unclear)
                    return Receipt(sent_us, now_us)
                flight.reached = flight.reached or outcome.reached
                flight.unclear = flight.unclear or outcome.unclear
                self.unreached += not outcome.reached
                self._note_trouble(str(outcome))
                if isinstance(decision, Fatal) and self.error is None:
                    self.error = decision.error
                if isinstance(decision, Retry) and self.error is None:
                    await asyncio.sleep(decision.after_s)
                if not isinstance(decision, Retry) or self.error is not None:
                    self._lose(flight)
                    return None
        except BaseException:
            # Cut off in mid-request: the server may have it all the same.
            flight.reached = flight.reached or flight.posting
            flight.unclear = flight.unclear or flight.posting
            self._lose(flight)
            raise

    def _lose(self, flight: Flight) -> None:
        if flight.reached:
            self._ledger.fail(flight.head, unclear=flight.unclear)
        else:
            self._ledger.miss(flight.head)

    def _note_trouble(self, message: str) -> None:
        if message not in self.troubles and len(self.troubles) >= _MOST_TROUBLES:
            message = OTHER_TROUBLE
        if message not in self.troubles:
            self._tell(f"A write was not acknowledged: {message}")
        self.troubles[message] += 1
