"""What something uses now, from what it has used until now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nascar.process_use import Usage

MEGABYTE: Final = 1e6


@dataclass(frozen=True, slots=True)
class Use:
    """What something uses now; None: unknown."""

    cpu_cores: float | None = None
    memory_mb: float | None = None
    read_mb_s: float | None = None
    write_mb_s: float | None = None


UNKNOWN: Final = Use()


@dataclass(frozen=True, slots=True)
class Reading:
    """What something has used until `at_s`, seconds from any origin."""

    at_s: float
    usage: Usage
    origin: object = None
    """Which process it was: counts of another begin anew."""


class UseMeter:
    """Makes rates of readings. Between two looks that show the same reading, the last rates stand."""

    def __init__(self) -> None:
        self._last: Reading | None = None
        self._use = UNKNOWN

    def take(self, reading: Reading | None) -> Use:
        """What is used now, as of `reading`; None if there is none."""
        before = self._last
        if before is not None and reading is not None and reading.at_s == before.at_s:
            # Of the same time, or caught while the next was being written: the next look has it whole.
            return self._use
        self._last = reading
        if reading is None:
            self._use = UNKNOWN
        elif before is None or not _goes_on(before, reading):
            self._use = Use(memory_mb=reading.usage.rss_bytes / MEGABYTE)
        else:
            self._use = _between(before, reading)
        return self._use


def _goes_on(before: Reading, now: Reading) -> bool:
    """Whether both are of one process, whose counts only grow."""
    return now.origin == before.origin and now.at_s > before.at_s and now.usage.cpu_s >= before.usage.cpu_s


def _between(before: Reading, now: Reading) -> Use:
    dt_s = now.at_s - before.at_s

    def mb_s(count: Callable[[Usage], int | None]) -> float | None:
        first, last = count(before.usage), count(now.usage)
        return None if first is None or last is None else max(0, last - first) / MEGABYTE / dt_s

    return Use(
        cpu_cores=(now.usage.cpu_s - before.usage.cpu_s) / dt_s,
        memory_mb=now.usage.rss_bytes / MEGABYTE,
        read_mb_s=mb_s(lambda usage: usage.read_bytes),
        write_mb_s=mb_s(lambda usage: usage.write_bytes),
    )
