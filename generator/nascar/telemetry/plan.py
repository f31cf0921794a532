"""Which rows there are, when each happens, and how they are cut into batches. Pure integers.

Row ``n`` of a table is instant ``n // cars`` of car ``n % cars``. The three tables share the rate equally,
and the cars of an instant are staggered evenly over it, so within a table time strictly increases from row
to row (up to `STRICT_RATE` rows a second in all; above, only (car, time) stays unique).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from nascar.errors import UsageError
from nascar.telemetry.columns import Table
from nascar.telemetry.schema import TABLES

STRICT_RATE: Final = 1_000_000 * len(TABLES)
"""Up to this total rate two rows of a table are at least a microsecond apart; a car's own rows always are."""

LONGEST_BATCH_S: Final = 0.25
"""A batch never covers more race time than this, so that at low rates rows still leave soon."""

LONGEST_INSTANT_S: Final = 60
"""Every car has a row in each table at least this often; it bounds the race time a batch can span."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A run of whole instants of one table: what one request carries."""

    index: int
    """Place among the batches of all tables, from 0."""
    table: Table
    first_instant: int
    instants: int
    rows: int
    first_time_us: int
    last_time_us: int
    due_us: int
    """When the batch can leave: all its rows have happened, and the three tables take turns evenly."""


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The rows of a run: `rate` rows a second over all tables, from `start_us` on."""

    rate: int
    cars: int
    batch_size: int
    start_us: int
    duration_s: float | None = None
    """None: without end."""
    tables: tuple[Table, ...] = TABLES

    batch_instants: int = field(init=False, repr=False, compare=False)
    """Instants in a full batch; at least one, at most `batch_size` rows and `LONGEST_BATCH_S`."""
    instants: int | None = field(init=False, repr=False, compare=False)
    """Instants of each table in the whole run; None without end."""

    def __post_init__(self) -> None:
        per_instant = len(self.tables) * self.cars
        least = -(-per_instant // LONGEST_INSTANT_S)
        if self.rate < least:
            raise UsageError(
                f"At {self.rate:,} rows a second each of {self.cars} cars would wait more than "
                f"{LONGEST_INSTANT_S} s for its next row. Give --rate {least:,} or more, or fewer cars."
            )
        most = per_instant * 1_000_000
        if self.rate > most:
            raise UsageError(
                f"At {self.rate:,} rows a second one of {self.cars} cars would have two rows in the same "
                f"microsecond. Give --rate {most:,} or less, or more cars."
            )
        if self.batch_size < self.cars:
            raise UsageError(
                f"A batch holds a row of every car. Give --batch-size {self.cars:,} or more, or fewer cars."
            )
        soon = int(LONGEST_BATCH_S * self.rate / per_instant)
        instants = None
        if self.duration_s is not None:
            instants = round(self.duration_s * 1e6) * self.rate // (per_instant * 1_000_000)
        object.__setattr__(self, "batch_instants", max(1, min(self.batch_size // self.cars, soon)))
        object.__setattr__(self, "instants", instants)

    @property
    def batches(self) -> int | None:
        """Batches in the whole run; None without end."""
        if self.instants is None:
            return None
        return len(self.tables) * -(-self.instants // self.batch_instants)

    def row_time_us(self, row: int) -> int:
        """Instant of row `row` of any table, µs since 1970."""
        return self.start_us + row * len(self.tables) * 1_000_000 // self.rate

    def batch(self, index: int) -> Batch:
        """Batch number `index`; the last of each table may be shorter."""
        turn, which = divmod(index, len(self.tables))
        first = turn * self.batch_instants
        instants = self.batch_instants
        if self.instants is not None:
            instants = min(instants, self.instants - first)
        if index < 0 or instants <= 0:
            raise IndexError(f"the run has no batch {index}")
        first_row, rows = first * self.cars, instants * self.cars
        # One batch leaves every batch_rows / rate seconds: the tables' turns are spread over the time that
        # a batch covers, and each waits until its last row has happened. A shorter last batch keeps the
        # place of a full one, so that it does not overtake the turn before it.
        full = self.batch_instants * self.cars
        due_us = self.row_time_us(first_row + full) + which * full * 1_000_000 // self.rate
        return Batch(
            index=index,
            table=self.tables[which],
            first_instant=first,
            instants=instants,
            rows=rows,
            first_time_us=self.row_time_us(first_row),
            last_time_us=self.row_time_us(first_row + rows - 1),
            due_us=due_us,
        )
