"""What flows now: rates over the last seconds, from running totals, in constant memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from nascar.stream.latency import Latency

WINDOW_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Running totals at one instant."""

    at_us: int
    offered: int
    acknowledged: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Flow a second over the window."""

    offered: float = 0.0
    acknowledged: float = 0.0
    bytes: float = 0.0


class Meter:
    """Keeps totals of the last `WINDOW_S` seconds, and the latencies of the last two windows' worth."""

    def __init__(self) -> None:
        self._totals: deque[Totals] = deque()
        self._due = [Latency(2), Latency(2)]
        self._send = [Latency(2), Latency(2)]
        self._turned_us: int | None = None

    def record(self, due_us: int, send_us: int) -> None:
        """Count the latencies of one acknowledged batch."""
        self._due[-1].record(due_us)
        self._send[-1].record(send_us)

    def tick(self, totals: Totals) -> None:
        """Take in the totals; to be called a few times each second."""
        self._totals.append(totals)
        window_us = int(WINDOW_S * 1e6)
        while len(self._totals) > 2 and totals.at_us - self._totals[0].at_us > window_us:
            self._totals.popleft()
        if self._turned_us is None:
            self._turned_us = totals.at_us
        elif totals.at_us - self._turned_us >= window_us:
            self._turned_us = totals.at_us
            self._due = [self._due[-1], Latency(2)]
            self._send = [self._send[-1], Latency(2)]

    def rates(self) -> Rates:
        """Flow a second over the window."""
        if len(self._totals) < 2:
            return Rates()
        first, last = self._totals[0], self._totals[-1]
        elapsed_s = (last.at_us - first.at_us) / 1e6
        if elapsed_s <= 0:
            return Rates()
        return Rates(
            (last.offered - first.offered) / elapsed_s,
            (last.acknowledged - first.acknowledged) / elapsed_s,
            (last.bytes - first.bytes) / elapsed_s,
        )

    def due(self) -> Latency:
        """Latency from the due time, over the last 5 to 10 seconds."""
        return _both(self._due)

    def send(self) -> Latency:
        """Latency from the send, over the last 5 to 10 seconds."""
        return _both(self._send)


def _both(pair: list[Latency]) -> Latency:
    together = Latency(2)
    for latency in pair:
        together.add(latency)
    return together
