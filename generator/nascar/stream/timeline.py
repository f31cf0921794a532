"""The run second by second: what was offered, what was acknowledged, how long it took, what waited where.

Offered rows stand in the second in which they were due, all else in the second in which it happened; so a
pause of the server is a gap in one and not in the other. Memory is constant: when there are `MOST_POINTS`,
every two become one, and the interval doubles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nascar.stream.latency import NOTHING_MEASURED, Latency, Percentiles

INTERVAL_US: Final = 1_000_000
MOST_POINTS: Final = 7200
_DIGITS: Final = 2


@dataclass(slots=True)
class Point:
    """One interval. Rows, unless said otherwise."""

    offered: int = 0
    acknowledged: int = 0
    failed: int = 0
    missed: int = 0
    body_bytes: int = 0
    """Bytes of acknowledged bodies."""
    in_flight: int = 0
    """The most batches that were in flight."""
    backlog: int | None = None
    """The most rows that the server had taken and not stored; None if it was not asked, or did not say."""
    stored: int | None = None
    """By how many rows the server's own count of stored rows grew; None if that is not known."""
    due: bytes = b""
    """Write latencies from the due time, an encoded `Latency`; empty if nothing was acknowledged."""
    send: bytes = b""
    """Write latencies from the send."""

    def add(self, other: Point) -> None:
        """Add what follows in time."""
        self._count(other)
        self.in_flight = max(self.in_flight, other.in_flight)
        self.stored = _sum(self.stored, other.stored)

    def join(self, other: Point, *, with_stored: bool) -> None:
        """Add another process's part of the same interval. Both read the same counters of one server, at other
        instants: `with_stored` says whose are taken."""
        self._count(other)
        # Both may be at their most at once: the sum is an upper bound of what was in flight together.
        self.in_flight += other.in_flight
        if with_stored:
            self.stored = other.stored

    def _count(self, other: Point) -> None:
        self.offered += other.offered
        self.acknowledged += other.acknowledged
        self.failed += other.failed
        self.missed += other.missed
        self.body_bytes += other.body_bytes
        self.backlog = _most(self.backlog, other.backlog)
        self.due = _both(self.due, other.due)
        self.send = _both(self.send, other.send)

    @property
    def due_ms(self) -> Percentiles:
        return _percentiles(self.due)

    @property
    def send_ms(self) -> Percentiles:
        return _percentiles(self.send)


class Timeline:
    """Takes in what happens, in order of time, and keeps a `Point` for each interval since `start_us`."""

    def __init__(self, start_us: int, most_points: int = MOST_POINTS) -> None:
        self.interval_us = INTERVAL_US
        self._start_us = start_us
        self._most_points = most_points
        self._points: list[Point] = []
        self._now = 0
        """The interval that the latencies below belong to."""
        self._due = Latency(_DIGITS)
        self._send = Latency(_DIGITS)
        self._written: int | None = None

    @property
    def points(self) -> tuple[Point, ...]:
        """All intervals from the start on."""
        self._keep_latencies()
        return tuple(self._points)

    def offer(self, due_us: int, rows: int) -> None:
        """Rows came due."""
        self._at(due_us).offered += rows

    def acknowledge(self, now_us: int, rows: int, size: int, due_us: int, send_us: int) -> None:
        """A batch of `size` bytes was acknowledged, `due_us` after its due time and `send_us` after its send."""
        point = self._at(now_us)
        point.acknowledged += rows
        point.body_bytes += size
        number = (now_us - self._start_us) // self.interval_us
        if number != self._now:
            self._keep_latencies()
            self._now = number
        self._due.record(due_us)
        self._send.record(send_us)

    def lose(self, now_us: int, rows: int, *, failed: bool) -> None:
        """Rows failed, or were missed."""
        point = self._at(now_us)
        if failed:
            point.failed += rows
        else:
            point.missed += rows

    def fly(self, now_us: int, in_flight: int) -> None:
        """So many batches are in flight."""
        point = self._at(now_us)
        point.in_flight = max(point.in_flight, in_flight)

    def read(self, now_us: int, backlog: int, written: int) -> None:
        """The server's counters: rows not yet stored, and rows stored since it started."""
        point = self._at(now_us)
        point.backlog = _most(point.backlog, backlog)
        if self._written is not None and written >= self._written:
            point.stored = _sum(point.stored, written - self._written)
        self._written = written

    def join(self, other: Timeline) -> None:
        """Add another process's timeline of the same run."""
        self._keep_latencies()
        theirs, factor = list(other.points), 1
        while self.interval_us < other.interval_us:
            self._halve()
        while other.interval_us * factor < self.interval_us:
            theirs, factor = _halved(theirs), factor * 2
        with_stored = all(point.stored is None for point in self._points)
        for number, point in enumerate(theirs):
            if number == len(self._points):
                self._points.append(Point())
            self._points[number].join(point, with_stored=with_stored)

    def _at(self, at_us: int) -> Point:
        # What happens before the start (a first batch encoded ahead) belongs to its beginning.
        number = max(0, at_us - self._start_us) // self.interval_us
        while number >= self._most_points:
            self._halve()
            number //= 2
        while number >= len(self._points):
            self._points.append(Point())
        return self._points[number]

    def _keep_latencies(self) -> None:
        if not self._due.count:
            return
        point = self._points[max(0, self._now)]
        point.due = _both(point.due, self._due.encode())
        point.send = _both(point.send, self._send.encode())
        self._due, self._send = Latency(_DIGITS), Latency(_DIGITS)

    def _halve(self) -> None:
        self._keep_latencies()
        self._now //= 2
        self._points = _halved(self._points)
        self.interval_us *= 2


def _halved(points: list[Point]) -> list[Point]:
    """Every two made one."""
    for first, second in zip(points[::2], points[1::2], strict=False):
        first.add(second)
    return points[::2]


def _both(one: bytes, other: bytes) -> bytes:
    if not one or not other:
        return one or other
    together = Latency.decode(one)
    together.add(Latency.decode(other))
    return together.encode()


def _percentiles(blob: bytes) -> Percentiles:
    return Latency.decode(blob).percentiles() if blob else NOTHING_MEASURED


def _most(one: int | None, other: int | None) -> int | None:
    return max((n for n in (one, other) if n is not None), default=None)


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other + (one or 0)
