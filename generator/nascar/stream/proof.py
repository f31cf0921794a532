"""Proves that what was acknowledged is stored: window by window while a run lasts, the rest when it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from nascar.errors import NascarError, TokenRefused
from nascar.stream.client import Client, QueryError
from nascar.stream.clock import Clock, SteadyClock, iso_utc
from nascar.stream.ledger import TableLedger
from nascar.stream.readback import SETTLE_S, Expected, count_until_equal, flush
from nascar.stream.result import Result
from nascar.stream.verification import TableVerification, Verification
from nascar.stream.windows import Window

LAG_S: Final = 15.0
"""A window is counted when its last row is this old: a server that keeps up has stored it by then."""
DEADLINE_S: Final = 60.0
_LOOK_EVERY_S: Final = 1.0


class Proof:
    """Counts in `client`'s database what a run of `parts` processes has acknowledged.

    Give it every process's part of every window, `watch` while the run lasts, and `finish` with its result.
    Windows are proved in order, so that what is proved is always the run up to some instant.
    """

    def __init__(
        self,
        client: Client,
        parts: int = 1,
        *,
        by_row: bool = True,
        lag_s: float = LAG_S,
        deadline_s: float = DEADLINE_S,
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`by_row`: stored times tell rows apart (they do not in whole milliseconds)."""
        self._client = client
        self._parts = parts
        self._by_row = by_row
        self._lag_us = round(lag_s * 1e6)
        self._deadline_s = deadline_s
        self._clock = clock or SteadyClock()
        self._tell = tell
        self._windows: dict[int, Window] = {}
        self._parts_of: dict[int, int] = {}
        self._next = 0
        self._proved: dict[str, TableVerification] = {}
        self._until_us: dict[str, int] = {}

    def take(self, window: Window) -> None:
        """Take in one process's part of a window."""
        if window.number in self._windows:
            self._windows[window.number].add(window)
        else:
            self._windows[window.number] = window
        self._parts_of[window.number] = self._parts_of.get(window.number, 0) + 1

    async def watch(self) -> None:
        """Count window after window, until cancelled. A server that does not answer is asked again later; one
        that refuses to is not."""
        while True:
            window = self._due()
            if window is None:
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            try:
                await self._prove(window)
            except (QueryError, TokenRefused) as error:
                self._tell(f"The run is not counted while it lasts: {error}")
                return
            except NascarError as error:
                self._tell(f"A window of the run could not be counted yet: {error}")
                await asyncio.sleep(self._deadline_s / 4)

    async def finish(self, result: Result, *, beside: bool = True) -> Verification:
        """Count what is left. Without `beside` the low-rate tables are left out.

        Raises `ServerError` or `TokenRefused` when the counts cannot be had.
        """
        start = time.monotonic()
        flushed = await flush(self._client, self._tell)
        tables = [self._rest(name, table) for name, table in result.ledger.tables.items()]
        low_rate = [_expected(name, table) for name, table in result.beside.tables.items() if beside]
        expected = [*tables, *low_rate]
        found = await count_until_equal(
            expected if self._by_row else [table.in_ms() for table in expected],
            self._client,
            self._deadline_s,
            settle_s=0 if flushed else SETTLE_S,
            distinct=self._by_row,
        )
        whole = [self._proved[one.table].plus(one) if one.table in self._proved else one for one in found]
        return Verification(
            tuple(whole[: len(tables)]),
            flushed,
            time.monotonic() - start,
            tuple(whole[len(tables) :]),
            windows=self._next,
        )

    def _due(self) -> Window | None:
        if self._parts_of.get(self._next, 0) < self._parts:
            return None
        window = self._windows[self._next]
        ends = [count.last_time_us for count in window.tables.values() if count.last_time_us is not None]
        return window if self._clock.now_us() >= max(ends, default=0) + self._lag_us else None

    async def _prove(self, window: Window) -> None:
        expected = [
            Expected(name, count.acknowledged, count.first_time_us, count.last_time_us, count.unclear)
            for name, count in window.tables.items()
            if count.last_time_us is not None
        ]
        found = await count_until_equal(expected, self._client, self._deadline_s, distinct=self._by_row)
        for one, asked in zip(found, expected, strict=True):
            before = self._proved.get(one.table)
            self._proved[one.table] = one if before is None else before.plus(one)
            assert asked.first_time_us is not None and asked.last_time_us is not None
            self._until_us[one.table] = asked.last_time_us + 1
            if not one.ok:
                self._tell(
                    f"{one.table} from {iso_utc(asked.first_time_us)} to {iso_utc(asked.last_time_us)}: "
                    f"stored {one.stored:,} of {one.acknowledged:,} acknowledged rows ({one.outcome})"
                )
        del self._windows[window.number], self._parts_of[window.number]
        self._next += 1

    def _rest(self, name: str, table: TableLedger) -> Expected:
        """What of a table's rows is in no window that was counted."""
        expected, proved = _expected(name, table), self._proved.get(name)
        if proved is None:
            return expected
        from_us, until_us = self._until_us[name], expected.last_time_us
        left = expected.acknowledged - proved.acknowledged
        if until_us is None or until_us < from_us:
            return Expected(name, left, None, None)
        return Expected(name, left, from_us, until_us, expected.unclear)


def _expected(name: str, table: TableLedger) -> Expected:
    unclear = table.acknowledged_unclear + table.failed_unclear
    return Expected(name, table.acknowledged, table.first_time_us, table.last_time_us, unclear)
