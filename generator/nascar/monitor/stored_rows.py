"""How many rows the server has stored since the run began, from counters that may begin anew."""

from __future__ import annotations

from collections import deque
from typing import Final

from nascar.stream.client import Stored

WINDOW_S: Final = 5.0


class StoredRows:
    """Takes readings of the server's counters. A server that was restarted counts from zero: what it had stored
    before stays counted, and only what it stored between the last reading and its end is not known."""

    def __init__(self) -> None:
        self.rows: int | None = None
        """Rows stored since the first reading; None before it."""
        self._last: Stored | None = None
        self._trail: deque[tuple[int, int]] = deque()
        """Instants in µs, and rows stored by then; those of the last `WINDOW_S`."""

    def take(self, at_us: int, stored: Stored) -> None:
        """A reading at `at_us`."""
        before, self._last = self._last, stored
        if before is None or self.rows is None:
            self.rows = 0
        elif stored.written < before.written or stored.buffered < before.buffered:
            self.rows += stored.written
        else:
            self.rows += stored.written - before.written
        self._trail.append((at_us, self.rows))
        while len(self._trail) > 2 and at_us - self._trail[0][0] > WINDOW_S * 1e6:
            self._trail.popleft()

    @property
    def rate(self) -> float | None:
        """Rows a second over the last `WINDOW_S`; None before there are two readings."""
        if len(self._trail) < 2:
            return None
        (first_us, first), (last_us, last) = self._trail[0], self._trail[-1]
        return (last - first) * 1e6 / (last_us - first_us) if last_us > first_us else None
