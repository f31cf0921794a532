"""What was acknowledged in each stretch of a run, so that a long run can be proved while it lasts.

A server that keeps twenty minutes cannot be asked for three hours at the end. So the run is cut into windows
by the instants of its rows; a window is closed when none of its rows is waiting any more and none can come,
and from then on its count stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from nascar.stream.source import BatchHead, TimedHead


@dataclass(slots=True)
class WindowCount:
    """Rows of one table in one window."""

    acknowledged: int = 0
    unclear: int = 0
    """Rows that may be stored twice, or without having been acknowledged."""
    first_time_us: int | None = None
    last_time_us: int | None = None
    """Instants of the first and the last scheduled row; None if there is none."""

    def add(self, other: WindowCount) -> None:
        """Add another process's rows."""
        self.acknowledged += other.acknowledged
        self.unclear += other.unclear
        self.see(other.first_time_us, other.last_time_us)

    def see(self, first_us: int | None, last_us: int | None) -> None:
        """Rows from `first_us` to `last_us` are part of the window."""
        if first_us is not None and (self.first_time_us is None or first_us < self.first_time_us):
            self.first_time_us = first_us
        if last_us is not None and (self.last_time_us is None or last_us > self.last_time_us):
            self.last_time_us = last_us


@dataclass(slots=True)
class Window:
    """One stretch of the run. Windows are numbered from 0 in order of time."""

    number: int
    tables: dict[str, WindowCount]
    beside: bool = False
    """Of the tables beside the schedule; their windows are counted apart."""

    def add(self, other: Window) -> None:
        """Add another process's part of the same window."""
        for name, count in other.tables.items():
            self.tables.setdefault(name, WindowCount()).add(count)


@dataclass(slots=True)
class _Open:
    window: Window
    waiting: int = 0


@dataclass(slots=True)
class WindowBook:
    """Keeps the windows of a ledger that are not closed yet.

    A batch of the schedule belongs where its first row does, and batches come in the order of their first rows.
    The rows `beside` it belong where each of them happened; some become known late, so their windows are kept open
    for the length of one more.
    """

    tables: Sequence[str]
    start_us: int
    window_us: int
    beside: bool = False
    _open: dict[int, _Open] = field(default_factory=dict)
    _next: int = 0
    """The first window that was not handed out."""
    _newest: int = 0

    def schedule(self, head: BatchHead) -> None:
        """The batch has come due."""
        for number, rows, first_us, last_us in self._parts(head):
            self._newest = max(self._newest, number)
            entry = self._of(number)
            entry.waiting += rows
            entry.window.tables[head.table].see(first_us, last_us)

    def settle(self, head: BatchHead, *, acknowledged: bool, unclear: bool) -> None:
        """It is certain what became of the batch."""
        for number, rows, _, _ in self._parts(head):
            entry = self._of(number)
            entry.waiting -= rows
            count = entry.window.tables[head.table]
            count.acknowledged += rows * acknowledged
            count.unclear += rows * unclear

    def take_closed(self) -> list[Window]:
        """The windows that are closed and were not taken before, in order."""
        closed = []
        while self._next < self._newest - self.beside:
            entry = self._open.get(self._next)
            if entry is None:
                # No batch began in it: windows may be shorter than batches.
                closed.append(Window(self._next, {}, self.beside))
            elif entry.waiting:
                break
            else:
                closed.append(self._open.pop(self._next).window)
            self._next += 1
        return closed

    def _parts(self, head: BatchHead) -> Iterator[tuple[int, int, int, int]]:
        """The batch by windows: number, rows, and the instants of the first and the last of them."""
        if not isinstance(head, TimedHead):
            number = max(0, head.first_time_us - self.start_us) // self.window_us
            yield number, head.rows, head.first_time_us, head.last_time_us
            return
        numbers = np.maximum(head.times_us - self.start_us, 0) // self.window_us
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), head.rows]
        for first, stop in pairwise(edges):
            times_us = head.times_us[first:stop]
            yield int(numbers[first]), stop - first, int(times_us[0]), int(times_us[-1])

    def _of(self, number: int) -> _Open:
        entry = self._open.get(number)
        if entry is None:
            tables = {name: WindowCount() for name in self.tables}
            entry = self._open[number] = _Open(Window(number, tables, self.beside))
        return entry
