"""The backlog guard: a server without backpressure must not be filled until it dies.

Arc answers 204 before a row is stored and never says "too much"; past the rate at which it writes, its
memory grows until the kernel ends it. The one early sign is the difference of two counters, which the guard
reads each second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from nascar.errors import NascarError, TokenRefused
from nascar.stream.client import QueryError, Stored
from nascar.stream.clock import Clock

RELEASE_SHARE: Final = 0.5
"""The guard lets go when the backlog is down to this share of the limit: no flutter at the edge."""
_MOST_SILENT_POLLS: Final = 3
"""A guard that holds and hears nothing for this long lets go: a dead server has nothing to protect."""


class Counters(Protocol):
    """Where the counters come from."""

    async def stats(self) -> Stored: ...


class BacklogGuard:
    """Says whether new rows must be held back. `limit_rows` is the most that may wait in the server.

    Only growth since the run began counts: the backlog is measured from the least that was seen, so neither
    a full server at the start nor counters that begin anew after a restart can hold the stream for ever.
    """

    def __init__(
        self,
        counters: Counters,
        limit_rows: int,
        *,
        clock: Clock,
        tell: Callable[[str], None],
        poll_s: float,
    ) -> None:
        self.limit_rows = limit_rows
        self.holding = False
        self.changed: Callable[[bool], None] = lambda holding: None
        """Called with `holding` whenever it changes."""
        self.heard: Callable[[Stored, int], None] = lambda stored, rows: None
        """Called with the server's counters and with `rows` whenever they were read."""
        self.rows: int | None = None
        """Rows that the server has taken and not yet stored; None before it was asked, or if it won't say."""
        self.most_rows = 0
        self.active = True
        """False when the server does not show its counters: then nothing is ever held."""
        self._counters = counters
        self._clock = clock
        self._tell = tell
        self._poll_s = poll_s
        self._least: int | None = None
        self._silent = 0
        self._first: tuple[int, int] | None = None
        self._last: tuple[int, int] | None = None
        # Instants in µs and rows written by then.

    @property
    def stored_rate(self) -> float | None:
        """Rows a second that the server wrote while it was watched; None if it did not say."""
        if self._first is None or self._last is None or self._last[0] <= self._first[0]:
            return None
        written = self._last[1] - self._first[1]
        # Less than nothing: the server began anew, and its counters with it.
        return written * 1e6 / (self._last[0] - self._first[0]) if written >= 0 else None

    async def watch(self) -> None:
        """Read the counters until cancelled, or until the server refuses to show them."""
        while self.active:
            await self.look()
            await asyncio.sleep(self._poll_s)

    async def look(self) -> None:
        """Read the counters once."""
        try:
            stored = await self._counters.stats()
        except (QueryError, TokenRefused) as error:
            self.active = False
            self.rows = None
            self._tell(f"The backlog guard is off, for the server does not show its counters: {error}")
            self._hold(False, "Sending on.")
            return
        except NascarError:
            self._silent += 1
            if self._silent >= _MOST_SILENT_POLLS:
                self._hold(False, "The server does not tell its backlog any more; sending on.")
            return
        self._silent = 0
        self._last = (self._clock.now_us(), stored.written)
        if self._first is None or self._first[1] == stored.written:
            # The rate counts from where storing begins, not from where the run waits for its first rows.
            self._first = self._last
        self.judge(stored.backlog)
        self.heard(stored, self.rows or 0)

    def judge(self, backlog: int) -> None:
        """Take in one reading of the server's backlog, in rows."""
        self._least = backlog if self._least is None else min(self._least, backlog)
        rows = self.rows = backlog - self._least
        self.most_rows = max(self.most_rows, rows)
        if rows > self.limit_rows:
            self._hold(
                True,
                f"The server holds {rows:,} rows that it has not stored (limit {self.limit_rows:,}): "
                "holding new rows back.",
            )
        elif rows <= self.limit_rows * RELEASE_SHARE:
            self._hold(False, f"The server is down to {rows:,} rows not yet stored: sending on.")

    def _hold(self, holding: bool, message: str) -> None:
        if holding == self.holding:
            return
        self.holding = holding
        self._tell(message)
        self.changed(holding)
