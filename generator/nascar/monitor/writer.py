"""Writes the samples of a run into its database, beside everything else.

The rows are in no ledger and in no verdict. What could not be written waits for the next try, and the oldest
is dropped when too much waits; the stream never notices. A write whose answer was lost is made again, so a second
may be there twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from nascar.monitor.sample import Sample, rows_of
from nascar.stream.low_rate_feed import encode_rows
from nascar.stream.policy import Outcome

WRITE_EVERY_S: Final = 2.0
"""Every write costs the server a file."""
MOST_WAITING: Final = 600
"""Samples that wait for a server that takes none: ten minutes."""
LAST_WRITE_S: Final = 2.0
"""A run that is over waits so long for its last rows to be taken."""
_REFUSED: Final = range(400, 404)
"""No later try is answered otherwise: bad rows, no token, no permission."""

Post = Callable[[memoryview], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows of `pipeline_metrics`."""

    rows: int = 0
    """Those that were to be written."""
    acknowledged: int = 0

    @property
    def lost(self) -> int:
        return self.rows - self.acknowledged


class MetricsWriter:
    """Takes samples at any time; `run` writes them, until `end`."""

    def __init__(
        self, post: Post, *, every_s: float = WRITE_EVERY_S, most_waiting: int = MOST_WAITING
    ) -> None:
        self._post = post
        self._every_s = every_s
        self._waiting: deque[Sample] = deque(maxlen=most_waiting)
        self._rows = 0
        self._acknowledged = 0
        self._ended = asyncio.Event()

    @property
    def tally(self) -> Tally:
        """What became of the rows until now; one that waits counts as lost."""
        return Tally(self._rows, self._acknowledged)

    def take(self, sample: Sample) -> None:
        """The next sample."""
        self._rows += 1
        self._waiting.append(sample)

    def end(self) -> None:
        """No more will come: `run` makes one last try and ends."""
        self._ended.set()

    async def run(self) -> None:
        """Write until `end`."""
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._every_s)
            await self._write()

    async def _write(self) -> None:
        samples = list(self._waiting)
        if not samples:
            return
        body = encode_rows(rows_of(samples), period=1)
        try:
            outcome = await self._post(body.data)
        finally:
            body.release()
        if outcome.acknowledged:
            self._acknowledged += len(samples)
        elif outcome.status not in _REFUSED:
            return
        # Meanwhile more may have come, and the oldest may have gone.
        while self._waiting and self._waiting[0].at_us <= samples[-1].at_us:
            self._waiting.popleft()
