"""Read the stored rows back and compare them with the ledger: stored = acknowledged, proved by counting.

Fewer rows than acknowledged: the server lost some. More: rows were stored twice, or rows that were never
acknowledged were stored all the same. Which of the two is told by counting what must be unique.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from nascar.errors import NascarError, ServerError, TokenRefused
from nascar.stream.client import Client, QueryError
from nascar.stream.clock import iso_utc
from nascar.stream.report import Report, TableReport
from nascar.stream.verification import TableVerification, Verification

FIRST_POLL_S: Final = 0.25
LONGEST_POLL_S: Final = 2.0
SETTLE_S: Final = 2.0
"""Where extra rows are possible and the server did not flush, it is watched this long for them."""
STILL_S: Final = 10.0
"""A server whose counts have not moved for so long stores nothing more: Arc flushes what it holds every 5 s."""
SILENT_S: Final = 10.0
"""A server that gives no count for so long is gone."""
IDENTITY: Final = ("car_number", "time")
"""No two rows of a table have these in common, as long as times are in µs."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Rows of one table that a server should hold."""

    table: str
    acknowledged: int
    first_time_us: int | None
    last_time_us: int | None
    """Instants of the first and the last scheduled row; None if nothing was."""
    unclear: int = 0
    """Rows that may be stored twice, or without having been acknowledged."""

    @classmethod
    def of(cls, name: str, table: TableReport) -> Self:
        """What a report says of a table."""
        unclear = table.get("acknowledged_unclear", 0) + table.get("failed_unclear", 0)
        return cls(name, table["acknowledged"], table["first_time_us"], table["last_time_us"], unclear)

    def in_ms(self) -> Expected:
        """The same where stored times are cut to the millisecond."""
        first_us = self.first_time_us
        return self if first_us is None else replace(self, first_time_us=first_us // 1000 * 1000)

    @property
    def where(self) -> str | None:
        """The condition that selects these rows; None if there are none.

        Literal bounds, both included, which is what Arc prunes its files by.
        """
        first_us, last_us = self.first_time_us, self.last_time_us
        if first_us is None or last_us is None:
            return None
        return f"time >= '{iso_utc(first_us)}' AND time <= '{iso_utc(last_us)}'"


async def verify(
    report: Report,
    client: Client,
    deadline_s: float = 30.0,
    *,
    settle_s: float = SETTLE_S,
    tell: Callable[[str], None] = lambda text: None,
) -> Verification:
    """Count the rows of the report's tables in its own time range until they are equal, or `deadline_s`.

    `client` must be open, on the report's database. Raises `ServerError` or `TokenRefused` when the counts
    cannot be had.
    """
    start = time.monotonic()
    beside = report.get("beside", {})
    expected = [Expected.of(name, table) for name, table in {**report["tables"], **beside}.items()]
    flushed = await flush(client, tell)
    distinct = report.get("time_unit", "us") == "us"
    if not distinct:
        expected = [table.in_ms() for table in expected]
    tables = await count_until_equal(expected, client, deadline_s, settle_s=settle_s, distinct=distinct)
    return Verification(
        tuple(table for table in tables if table.table not in beside),
        flushed,
        time.monotonic() - start,
        tuple(table for table in tables if table.table in beside),
    )


async def flush(client: Client, tell: Callable[[str], None]) -> bool:
    """Ask the server to store what it holds; whether it did."""
    flushed = await client.flush()
    if not flushed:
        tell("The server does not flush at this token's word: waiting for its own flush.")
    return flushed


async def count_until_equal(
    expected: Sequence[Expected],
    client: Client,
    deadline_s: float,
    *,
    settle_s: float = SETTLE_S,
    distinct: bool = True,
) -> list[TableVerification]:
    """Count until all are equal, one is too many, nothing can come any more, or `deadline_s` is over.

    Nothing can come when the counts have not moved for `STILL_S` and the server says that it holds no row that it
    has not stored. Raises `ServerError` when no count can be had for `SILENT_S`, or at the deadline. Where rows may
    be stored twice, equal counts are watched for `settle_s`; then, with `distinct`, and where there are too many,
    the different ones among them are counted.
    """
    start = time.monotonic()
    extra_possible = any(table.unclear for table in expected)
    watch_until = start + settle_s if extra_possible else start
    pause_s = FIRST_POLL_S
    before: list[TableVerification] = []
    heard_at = moved_at = start
    while True:
        over = time.monotonic() - start >= deadline_s
        try:
            tables = [await _count(client, table) for table in expected]
        except (QueryError, TokenRefused):
            raise
        except ServerError:
            if over or time.monotonic() - heard_at >= SILENT_S:
                raise
        else:
            heard_at = time.monotonic()
            if tables != before:
                before, moved_at = tables, heard_at
            settled = all(table.ok for table in tables) and heard_at >= watch_until
            still = heard_at - moved_at >= STILL_S and await _holds_nothing(client)
            if over or settled or still or any(table.surplus for table in tables):
                break
        await asyncio.sleep(min(pause_s, max(0.0, start + deadline_s - time.monotonic())))
        pause_s = min(2 * pause_s, LONGEST_POLL_S)
    if distinct:
        tables = [
            await _count_distinct(client, found, table) for found, table in zip(tables, expected, strict=True)
        ]
    return tables


async def _count(client: Client, expected: Expected) -> TableVerification:
    where = expected.where
    stored = 0 if where is None else await client.count(expected.table, where)
    return TableVerification(expected.table, expected.acknowledged, stored)


async def _count_distinct(client: Client, found: TableVerification, expected: Expected) -> TableVerification:
    where = expected.where
    if where is None or not (found.surplus or expected.unclear):
        return found
    return found.with_distinct(
        await client.count(found.table, where, what=f"COUNT(DISTINCT ({', '.join(IDENTITY)}))")
    )


async def _holds_nothing(client: Client) -> bool:
    """Whether the server has stored all that it has taken, as far as it says."""
    try:
        return (await client.stats()).backlog <= 0
    except NascarError:
        # It does not say: then standing still is all there is to go by.
        return True
