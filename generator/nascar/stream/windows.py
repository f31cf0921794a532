"""What was acknowledged in each stretch of a run, so that a long run can be proved while it lasts.

A server that keeps twenty minutes cannot be asked for three hours at the end. So the run is cut into windows
by the instants of its rows; a window is closed when none of its rows is waiting any more and none can come,
and from then on its count stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nascar.stream.source import BatchHead


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
        self._stretch(other.first_time_us, other.last_time_us)

    def see(self, head: BatchHead) -> None:
        """The batch is part of the window."""
        self._stretch(head.first_time_us, head.last_time_us)

    def _stretch(self, first_us: int | None, last_us: int | None) -> None:
        if first_us is not None and (self.first_time_us is None or first_us < self.first_time_us):
            self.first_time_us = first_us
        if last_us is not None and (self.last_time_us is None or last_us > self.last_time_us):
            self.last_time_us = last_us


@dataclass(slots=True)
class Window:
    """One stretch of the run. Windows are numbered from 0 in order of time."""

    number: int
    tables: dict[str, WindowCount]

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
    """Keeps the windows of a ledger that are not closed yet. A batch belongs where its first row does."""

    tables: Iterable[str]
    start_us: int
    window_us: int
    _open: dict[int, _Open] = field(default_factory=dict)
    _next: int = 0
    """The first window that was not handed out."""
    _newest: int = 0

    def schedule(self, head: BatchHead) -> None:
        """The batch has come due. Batches come in the order of their first rows."""
        self._newest = max(self._newest, self._number(head))
        entry = self._of(head)
        entry.waiting += head.rows
        entry.window.tables[head.table].see(head)

    def settle(self, head: BatchHead, *, acknowledged: bool, unclear: bool) -> None:
        """It is certain what became of the batch."""
        entry = self._of(head)
        entry.waiting -= head.rows
        count = entry.window.tables[head.table]
        count.acknowledged += head.rows * acknowledged
        count.unclear += head.rows * unclear

    def take_closed(self) -> list[Window]:
        """The windows that are closed and were not taken before, in order."""
        closed = []
        while self._next < self._newest:
            entry = self._open.get(self._next)
            if entry is None:
                # No batch began in it: windows may be shorter than batches.
                closed.append(Window(self._next, {}))
            elif entry.waiting:
                break
            else:
                closed.append(self._open.pop(self._next).window)
            self._next += 1
        return closed

    def _number(self, head: BatchHead) -> int:
        return max(0, head.first_time_us - self.start_us) // self.window_us

    def _of(self, head: BatchHead) -> _Open:
        number = self._number(head)
        entry = self._open.get(number)
        if entry is None:
            tables = {name: WindowCount() for name in self.tables}
            entry = self._open[number] = _Open(Window(number, tables))
        return entry
