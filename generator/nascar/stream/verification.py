"""What a count of the stored rows came to, against the ledger.

Fewer rows than acknowledged: the server lost some. More: rows were stored twice, or rows that were never
acknowledged were stored all the same. Which of the two is told by counting what must be unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class TableVerification:
    """One table: what the ledger says and what the server holds, in rows."""

    table: str
    acknowledged: int
    stored: int
    distinct: int | None = None
    """Different rows among the stored ones; counted only when there are too many."""
    cancelled: int = 0
    """Rows lost that as many rows too many would hide in the sums."""

    @property
    def ok(self) -> bool:
        return self.stored == self.acknowledged and not self.cancelled

    @property
    def lost(self) -> int:
        """Acknowledged rows that are not there."""
        return max(0, self.acknowledged - self.stored) + self.cancelled

    @property
    def surplus(self) -> int:
        """Stored rows beyond the acknowledged ones."""
        return max(0, self.stored - self.acknowledged) + self.cancelled

    @property
    def duplicates(self) -> int | None:
        """Rows stored more than once; None if that was not counted."""
        return None if self.distinct is None else self.stored - self.distinct

    @property
    def outcome(self) -> str:
        """In a few words."""
        if self.ok:
            return "equal"
        if self.cancelled:
            return f"{self.lost:,} lost, {self.surplus:,} too many"
        if self.lost:
            return f"{self.lost:,} lost"
        if self.duplicates is None:
            return f"{self.surplus:,} too many"
        unacknowledged = self.surplus - self.duplicates
        parts = [f"{self.duplicates:,} stored twice"] if self.duplicates else []
        if unacknowledged > 0:
            parts.append(f"{unacknowledged:,} stored without acknowledgement")
        return ", ".join(parts) or f"{self.surplus:,} too many"

    def with_distinct(self, distinct: int) -> TableVerification:
        """The same, now that it is known how many of the stored rows differ."""
        hidden = max(0, self.stored - distinct - self.surplus)
        return TableVerification(self.table, self.acknowledged, self.stored, distinct, hidden)

    def plus(self, other: Self) -> TableVerification:
        """This and another part of the same table's rows."""
        acknowledged, stored = self.acknowledged + other.acknowledged, self.stored + other.stored
        distinct = None
        if self.distinct is not None or other.distinct is not None:
            distinct = sum(one.stored if one.distinct is None else one.distinct for one in (self, other))
        cancelled = self.lost + other.lost - max(0, acknowledged - stored)
        return TableVerification(self.table, acknowledged, stored, distinct, cancelled)


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a read-back."""

    tables: tuple[TableVerification, ...]
    flushed: bool
    """Whether the server stored its buffers when asked; if not, its own flush was waited for."""
    elapsed_s: float
    beside: tuple[TableVerification, ...] = ()
    """The low-rate tables, which count for no rate."""
    windows: int = 0
    """Parts of the run that were counted while it lasted."""

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
