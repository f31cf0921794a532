"""What became of every row: scheduled = acknowledged + failed + missed + waiting, at any moment.

A row is *scheduled* when its batch comes due, and *waiting* until one of three things is certain:

* **acknowledged**: the server answered 2xx to a request that carried it;
* **failed**: at least one request that carried it got as far as the server, and none was acknowledged;
* **missed**: no request that carried it got as far as the server. It came too late, or the server was away.

A missed row is certainly not stored. A failed row may be, when one of its requests ended unclear (a broken
connection, no answer in time): such rows are counted in `failed_unclear`. In the same way a row that was
acknowledged after an unclear attempt may be stored twice: `acknowledged_unclear`.

Ledgers of several processes add up (`Ledger.merge`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from nascar.stream.source import BatchHead
from nascar.stream.windows import WindowBook

LATE_US: Final = 100_000
"""A batch that leaves longer than this after its due time counts as late."""


@dataclass(slots=True)
class TableLedger:
    """Counts of one table. All but `batches`, `requests`, `retries` and `bytes` are rows."""

    scheduled: int = 0
    acknowledged: int = 0
    failed: int = 0
    missed: int = 0
    waiting: int = 0
    late: int = 0
    """Rows whose first request left more than `LATE_US` after the due time, whatever became of them."""
    acknowledged_unclear: int = 0
    """Acknowledged rows that an earlier request with an unclear end carried: possibly stored twice."""
    failed_unclear: int = 0
    """Failed rows that a request with an unclear end carried: possibly stored all the same."""
    batches: int = 0
    """Batches scheduled."""
    requests: int = 0
    retries: int = 0
    """Requests after the first of their batch."""
    bytes: int = 0
    """Bytes of acknowledged bodies."""
    first_time_us: int | None = None
    last_time_us: int | None = None
    """Instants of the first and the last row scheduled."""

    @property
    def balanced(self) -> bool:
        """Whether every scheduled row is in exactly one place."""
        settled = self.acknowledged + self.failed + self.missed
        return self.waiting >= 0 and self.scheduled == settled + self.waiting

    def add(self, other: TableLedger) -> None:
        """Add the counts of another ledger of the same table, or of another table for a total."""
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if field.name == "first_time_us":
                self.first_time_us = min((t for t in (mine, theirs) if t is not None), default=None)
            elif field.name == "last_time_us":
                self.last_time_us = max((t for t in (mine, theirs) if t is not None), default=None)
            else:
                setattr(self, field.name, mine + theirs)


def add_tables(tables: dict[str, TableLedger], others: Mapping[str, TableLedger]) -> None:
    """Add to `tables` what another process has counted of the same ones."""
    for name, other in others.items():
        tables.setdefault(name, TableLedger()).add(other)


class Ledger:
    """The ledgers of all tables of a run. `windows` keeps the same books by stretches of time, if given."""

    __slots__ = ("tables", "windows")

    def __init__(self, tables: Iterable[str], windows: WindowBook | None = None) -> None:
        self.tables: dict[str, TableLedger] = {table: TableLedger() for table in tables}
        self.windows = windows

    @property
    def balanced(self) -> bool:
        """Whether every table adds up."""
        return all(table.balanced for table in self.tables.values())

    def total(self) -> TableLedger:
        """All tables in one."""
        total = TableLedger()
        for table in self.tables.values():
            total.add(table)
        return total

    def merge(self, other: Ledger) -> None:
        """Add another process's ledger of the same run."""
        add_tables(self.tables, other.tables)

    def copy_tables(self) -> dict[str, TableLedger]:
        """The books as they stand now, by table."""
        return {name: replace(table) for name, table in self.tables.items()}

    def schedule(self, head: BatchHead) -> None:
        """The batch has come due: its rows wait."""
        table = self.tables[head.table]
        table.batches += 1
        table.scheduled += head.rows
        table.waiting += head.rows
        if table.first_time_us is None or head.first_time_us < table.first_time_us:
            table.first_time_us = head.first_time_us
        if table.last_time_us is None or head.last_time_us > table.last_time_us:
            table.last_time_us = head.last_time_us
        if self.windows is not None:
            self.windows.schedule(head)

    def request(self, head: BatchHead, *, attempt: int, late_us: int) -> None:
        """Request number `attempt` (from 1) for the batch leaves `late_us` after the due time."""
        table = self.tables[head.table]
        table.requests += 1
        if attempt > 1:
            table.retries += 1
        elif late_us > LATE_US:
            table.late += head.rows

    def acknowledge(self, head: BatchHead, body_bytes: int, *, unclear: bool = False) -> None:
        """The server took the batch; `unclear` if an earlier request for it ended without an answer."""
        table = self._settle(head, acknowledged=True, unclear=unclear)
        table.acknowledged += head.rows
        table.bytes += body_bytes
        if unclear:
            table.acknowledged_unclear += head.rows

    def fail(self, head: BatchHead, *, unclear: bool = False) -> None:
        """The batch got as far as the server and was never acknowledged."""
        table = self._settle(head, acknowledged=False, unclear=unclear)
        table.failed += head.rows
        if unclear:
            table.failed_unclear += head.rows

    def miss(self, head: BatchHead) -> None:
        """The batch never got as far as the server."""
        self._settle(head, acknowledged=False, unclear=False).missed += head.rows

    def _settle(self, head: BatchHead, *, acknowledged: bool, unclear: bool) -> TableLedger:
        table = self.tables[head.table]
        if table.waiting < head.rows:
            raise ValueError(f"batch {head.index} of {head.table} is counted twice, or was never scheduled")
        table.waiting -= head.rows
        if self.windows is not None:
            self.windows.settle(head, acknowledged=acknowledged, unclear=unclear)
        return table
