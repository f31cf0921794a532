"""Rows of a low-rate table, column by column."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascar.telemetry.columns import Column, Kind, Table

Values = NDArray[np.int64] | NDArray[np.float64] | tuple[str, ...]
"""One value for each row: whole numbers, numbers, or texts, as the column's kind says."""

Given = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table in order of their times."""

    table: Table
    times_us: NDArray[np.int64]
    """µs since 1970."""
    columns: Mapping[str, Values]
    """Every column but `time`."""

    @property
    def count(self) -> int:
        return int(self.times_us.size)

    def cut(self, first: int, stop: int) -> Rows:
        """The rows from `first` to before `stop`."""
        columns = {name: values[first:stop] for name, values in self.columns.items()}
        return Rows(self.table, self.times_us[first:stop], columns)


def make_rows(table: Table, times_us: Given, columns: Mapping[str, Given]) -> Rows:
    """Rows out of plain values, brought into the types and to the decimals of the table's columns."""
    typed = {c.name: _typed(c, columns[c.name]) for c in table.columns if c.kind is not Kind.TIME}
    return Rows(table, np.asarray(times_us, np.int64), typed)


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Rows that follow one another as one; at least one part."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Values] = {}
    for name, values in parts[0].columns.items():
        if isinstance(values, tuple):
            columns[name] = tuple(chain.from_iterable(part.columns[name] for part in parts))
        else:
            columns[name] = np.concatenate([part.columns[name] for part in parts])
    return Rows(parts[0].table, np.concatenate([part.times_us for part in parts]), columns)


class RowQueue:
    """Rows of one table that wait for their time."""

    def __init__(self) -> None:
        self._parts: deque[Rows] = deque()

    def add(self, rows: Rows) -> None:
        """Rows that come after all that were added before."""
        if rows.count:
            self._parts.append(rows)

    def take(self, until_us: int | None = None) -> Rows | None:
        """The rows up to and at `until_us` (all, if it is None), once; None if there are none."""
        taken: list[Rows] = []
        while self._parts:
            rows = self._parts.popleft()
            due = rows.count if until_us is None else int(np.searchsorted(rows.times_us, until_us, "right"))
            if due:
                taken.append(rows if due == rows.count else rows.cut(0, due))
            if due < rows.count:
                self._parts.appendleft(rows.cut(due, rows.count))
                break
        return join_rows(taken) if taken else None


def _typed(column: Column, values: Given) -> Values:
    match column.kind:
        case Kind.TEXT:
            return tuple(values)
        case Kind.FLOAT:
            # Zero is added because rounding may leave a minus zero.
            return np.asarray(np.round(np.asarray(values, np.float64), column.decimals) + 0.0, np.float64)
        case _:
            return np.asarray(values, np.int64)
