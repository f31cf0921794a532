"""Read the stored rows back and compare them with the ledger: stored = acknowledged, proved by counting.

Fewer rows than acknowledged: the server lost some. More: rows were stored twice, or rows that were never
acknowledged were stored all the same. Which of the two is told by counting what must be unique.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nascar.errors import ServerError, TokenRefused
from nascar.stream.client import Client, QueryError
from nascar.stream.report import Report, TableReport, iso_utc

FIRST_POLL_S: Final = 0.25
LONGEST_POLL_S: Final = 2.0
SETTLE_S: Final = 2.0
"""Where extra rows are possible and the server did not flush, it is watched this long for them."""
IDENTITY: Final = ("car_number", "time")
"""No two rows of a table have these in common, as long as times are in µs."""


@dataclass(frozen=True, slots=True)
class TableVerification:
    """One table: what the ledger says and what the server holds, in rows."""

    table: str
    acknowledged: int
    stored: int
    distinct: int | None = None
    """Different rows among the stored ones; counted only when there are too many."""

    @property
    def ok(self) -> bool:
        return self.stored == self.acknowledged

    @property
    def lost(self) -> int:
        """Acknowledged rows that are not there."""
        return max(0, self.acknowledged - self.stored)

    @property
    def surplus(self) -> int:
        """Stored rows beyond the acknowledged ones."""
        return max(0, self.stored - self.acknowledged)

    @property
    def duplicates(self) -> int | None:
        """Rows stored more than once; None if that was not counted."""
        return None if self.distinct is None else self.stored - self.distinct

    @property
    def outcome(self) -> str:
        """In a few words."""
        if self.ok:
            return "equal"
        if self.lost:
            return f"{self.lost:,} lost"
        if self.duplicates is None:
            return f"{self.surplus:,} too many"
        unacknowledged = self.surplus - self.duplicates
        parts = [f"{self.duplicates:,} stored twice"] if self.duplicates else []
        if unacknowledged > 0:
            parts.append(f"{unacknowledged:,} stored without acknowledgement")
        return ", ".join(parts) or f"{self.surplus:,} too many"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a read-back."""

    tables: tuple[TableVerification, ...]
    flushed: bool
    """Whether the server stored its buffers when asked; if not, its own flush was waited for."""
    elapsed_s: float
    beside: tuple[TableVerification, ...] = ()
    """The low-rate tables, which count for no rate."""

    @property
    def all_tables(self) -> tuple[TableVerification, ...]:
        return (*self.tables, *self.beside)

    @property
    def ok(self) -> bool:
        """Whether every table holds exactly what was acknowledged."""
        return all(table.ok for table in self.all_tables)

    def text(self) -> str:
        """A table of the outcome, and a sentence."""
        rows = [("table", "acknowledged", "stored", "outcome")]
        rows += [(t.table, f"{t.acknowledged:,}", f"{t.stored:,}", t.outcome) for t in self.all_tables]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip()
            for row in rows
        ]
        stored, beside = (sum(table.stored for table in tables) for tables in (self.tables, self.beside))
        if self.ok:
            more = f"{beside:,} more in the low-rate tables, " if self.beside else ""
            lines.append(
                f"Verified: {stored:,} rows acknowledged, {more}and the same number stored in every table."
            )
        elif any(table.lost for table in self.all_tables):
            lines.append(
                "Not equal: acknowledged rows are missing. Was the server restarted, are old rows deleted, "
                "or does it need longer (--deadline)?"
            )
        else:
            lines.append("Not equal: the server holds more rows than were acknowledged.")
        return "\n".join(lines)


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
    reports = {**report["tables"], **beside}
    flushed = await client.flush()
    if not flushed:
        tell("The server does not flush at this token's word: waiting for its own flush.")
    extra_possible = any(
        table.get("acknowledged_unclear", 0) + table.get("failed_unclear", 0) for table in reports.values()
    )
    watch_until = start + settle_s if extra_possible and not flushed else start
    pause_s = FIRST_POLL_S
    while True:
        over = time.monotonic() - start >= deadline_s
        try:
            tables = [await _count(client, name, table) for name, table in reports.items()]
        except (QueryError, TokenRefused):
            raise
        except ServerError:
            if over:
                raise
        else:
            settled = all(table.ok for table in tables) and time.monotonic() >= watch_until
            if over or settled or any(table.surplus for table in tables):
                break
        await asyncio.sleep(min(pause_s, max(0.0, start + deadline_s - time.monotonic())))
        pause_s = min(2 * pause_s, LONGEST_POLL_S)
    if report.get("time_unit", "us") == "us":
        tables = [await _count_distinct(client, table, reports[table.table]) for table in tables]
    return Verification(
        tuple(table for table in tables if table.table not in beside),
        flushed,
        time.monotonic() - start,
        tuple(table for table in tables if table.table in beside),
    )


def in_run(table: TableReport) -> str | None:
    """The condition that selects the rows of the run in one table; None if it scheduled none.

    Literal bounds, which is what Arc prunes its files by. The lower one is cut to the millisecond, because
    with ``--time-unit ms`` so are the stored times.
    """
    first_us, last_us = table["first_time_us"], table["last_time_us"]
    if first_us is None or last_us is None:
        return None
    return f"time >= '{iso_utc(first_us // 1000 * 1000)}' AND time <= '{iso_utc(last_us)}'"


async def _count(client: Client, name: str, table: TableReport) -> TableVerification:
    where = in_run(table)
    stored = 0 if where is None else await client.count(name, where)
    return TableVerification(name, table["acknowledged"], stored)


async def _count_distinct(client: Client, found: TableVerification, table: TableReport) -> TableVerification:
    where = in_run(table)
    if not found.surplus or where is None:
        return found
    distinct = await client.count(found.table, where, what=f"COUNT(DISTINCT ({', '.join(IDENTITY)}))")
    return TableVerification(found.table, found.acknowledged, found.stored, distinct)
