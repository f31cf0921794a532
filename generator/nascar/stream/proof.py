"""Proves that what was acknowledged is stored: window by window while a run lasts, the rest when it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from nascar.errors import NascarError, TokenRefused
from nascar.stream.client import Client, QueryError
from nascar.stream.clock import Clock, SteadyClock, iso_utc
from nascar.stream.ledger import Ledger, TableLedger
from nascar.stream.readback import Expected, count_until_equal, flush
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
    ) -> None:
        """`by_row`: stored times tell rows apart (they do not in whole milliseconds)."""
        self.tell: Callable[[str], None] = lambda text: None
        """Called with what a person should know while it is counted."""
        self._client = client
        self._by_row = by_row
        self._lag_us = round(lag_s * 1e6)
        self._deadline_s = deadline_s
        self._clock = clock or SteadyClock()
        self._scheduled = _Stretch(parts)
        # One process alone sends what stands beside the schedule.
        self._beside = _Stretch(1)

    def take(self, window: Window) -> None:
        """Take in one process's part of a window."""
        (self._beside if window.beside else self._scheduled).take(window)

    async def watch(self) -> None:
        """Count window after window, until cancelled. A server that does not answer is asked again later; one
        that refuses to is not."""
        while True:
            until_us = self._clock.now_us() - self._lag_us
            due = [stretch for stretch in (self._scheduled, self._beside) if stretch.due(until_us)]
            if not due:
                await asyncio.sleep(_LOOK_EVERY_S)
            try:
                for stretch in due:
                    await self._prove(stretch)
            except (QueryError, TokenRefused) as error:
                self.tell(f"The run is not counted while it lasts: {error}")
                return
            except NascarError as error:
                self.tell(f"A window of the run could not be counted yet: {error}")
                await asyncio.sleep(self._deadline_s / 4)

    async def finish(self, result: Result) -> Verification:
        """Count what is left, and once more what was not equal.

        Raises `ServerError` or `TokenRefused` when the counts cannot be had.
        """
        start = time.monotonic()
        flushed = await flush(self._client, self.tell)
        scheduled = self._scheduled.rest(result.ledger)
        expected = [*scheduled, *self._beside.rest(result.beside)]
        found = await self._count(expected if self._by_row else [table.in_ms() for table in expected])
        # A window may have been counted while the server was behind: what it has by now counts.
        for stretch in (self._scheduled, self._beside):
            for asked, before in stretch.take_unequal():
                again = (await self._count([asked], deadline_s=0))[0]
                stretch.add(again if again.ok else before)
        return Verification(
            tuple(self._scheduled.whole(table) for table in found[: len(scheduled)]),
            flushed,
            time.monotonic() - start,
            tuple(self._beside.whole(table) for table in found[len(scheduled) :]),
            windows=self._scheduled.counted,
        )

    async def _prove(self, stretch: _Stretch) -> None:
        """Count the next window of a stretch."""
        expected = stretch.expected()
        found = await self._count(expected)
        for asked, one in zip(expected, found, strict=True):
            if not one.ok and asked.first_time_us is not None and asked.last_time_us is not None:
                self.tell(
                    f"{one.table} from {iso_utc(asked.first_time_us)} to {iso_utc(asked.last_time_us)}: "
                    f"stored {one.stored:,} of {one.acknowledged:,} acknowledged rows ({one.outcome})"
                )
        stretch.count(expected, found)

    async def _count(
        self, expected: list[Expected], deadline_s: float | None = None
    ) -> list[TableVerification]:
        deadline_s = self._deadline_s if deadline_s is None else deadline_s
        return await count_until_equal(expected, self._client, deadline_s, distinct=self._by_row)


class _Stretch:
    """The windows of some tables that wait to be counted, and what was counted from the start up to them."""

    def __init__(self, parts: int) -> None:
        self.counted = 0
        """Windows."""
        self._parts = parts
        self._windows: dict[int, Window] = {}
        self._parts_of: dict[int, int] = {}
        self._equal: dict[str, TableVerification] = {}
        self._unequal: list[tuple[Expected, TableVerification]] = []
        self._acknowledged: dict[str, int] = {}
        """Rows in the windows that were counted."""
        self._until_us: dict[str, int] = {}

    def take(self, window: Window) -> None:
        if window.number in self._windows:
            self._windows[window.number].add(window)
        else:
            self._windows[window.number] = window
        self._parts_of[window.number] = self._parts_of.get(window.number, 0) + 1

    def due(self, until_us: int) -> bool:
        """Whether all parts of the next window are there and all of its rows happened by `until_us`."""
        if self._parts_of.get(self.counted, 0) < self._parts:
            return False
        counts = self._windows[self.counted].tables.values()
        return until_us >= max((c.last_time_us for c in counts if c.last_time_us is not None), default=0)

    def expected(self) -> list[Expected]:
        """The rows of the next window, by table."""
        return [
            Expected(name, count.acknowledged, count.first_time_us, count.last_time_us, count.unclear)
            for name, count in self._windows[self.counted].tables.items()
            if count.last_time_us is not None
        ]

    def count(self, expected: list[Expected], found: list[TableVerification]) -> None:
        """The next window was counted."""
        for asked, one in zip(expected, found, strict=True):
            name = one.table
            self._acknowledged[name] = self._acknowledged.get(name, 0) + one.acknowledged
            assert asked.last_time_us is not None
            self._until_us[name] = asked.last_time_us + 1
            if one.ok:
                self.add(one)
            else:
                self._unequal.append((asked, one))
        del self._windows[self.counted], self._parts_of[self.counted]
        self.counted += 1

    def add(self, part: TableVerification) -> None:
        """Add what was counted of one table."""
        before = self._equal.get(part.table)
        self._equal[part.table] = part if before is None else before.plus(part)

    def take_unequal(self) -> list[tuple[Expected, TableVerification]]:
        """What was not equal, and is now in other hands."""
        unequal, self._unequal = self._unequal, []
        return unequal

    def rest(self, ledger: Ledger) -> list[Expected]:
        """What of a run's rows is in no window that was counted."""
        return [self._rest(name, table) for name, table in ledger.tables.items()]

    def _rest(self, name: str, table: TableLedger) -> Expected:
        unclear = table.acknowledged_unclear + table.failed_unclear
        left = table.acknowledged - self._acknowledged.get(name, 0)
        last_us = table.last_time_us
        first_us = self._until_us.get(name, table.first_time_us)
        if first_us is None or last_us is None or last_us < first_us:
            return Expected(name, left, None, None)
        return Expected(name, left, first_us, last_us, unclear)

    def whole(self, rest: TableVerification) -> TableVerification:
        """All of a table, from its `rest`."""
        before = self._equal.get(rest.table)
        return rest if before is None else before.plus(rest)
