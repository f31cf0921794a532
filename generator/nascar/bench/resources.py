"""What client, server and machine use while a level runs: looked at from outside, once a second.

A process is watched with all its children; what a child used stays counted when it has ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from nascar.process_use import Usage

EVERY_S: Final = 1.0


class Watched(Protocol):
    """Something whose use can be looked at."""

    @property
    def what(self) -> str:
        """How it was found, for the record: ``process``, ``container`` …"""
        ...

    async def look(self) -> Usage | None:
        """Its use until now; None if it is not there (any more)."""
        ...


@dataclass(slots=True)
class Samples:
    """The use of one thing, second by second; all lists are of one length."""

    at_s: list[float] = field(default_factory=list)
    """Seconds, from any origin."""
    usage: list[Usage] = field(default_factory=list)

    def add(self, at_s: float, usage: Usage) -> None:
        """Take in what was seen at `at_s`."""
        self.at_s.append(at_s)
        self.usage.append(usage)

    def cores(self, from_s: float, until_s: float) -> float | None:
        """Mean cores used between two instants; None if it was not looked at twice meanwhile."""
        part = self._between(from_s, until_s)
        if len(part) < 2:
            return None
        (first_s, first), (last_s, last) = part[0], part[-1]
        return (last.cpu_s - first.cpu_s) / (last_s - first_s)

    def most_rss_bytes(self, from_s: float, until_s: float) -> int | None:
        """The most memory between two instants."""
        return max((usage.rss_bytes for _, usage in self._between(from_s, until_s)), default=None)

    def grown(self, count: Callable[[Usage], int | None], from_s: float, until_s: float) -> int | None:
        """By how much a counter grew between two instants; None if it is not told."""
        part = [count(usage) for _, usage in self._between(from_s, until_s)]
        if len(part) < 2 or part[0] is None or part[-1] is None:
            return None
        return part[-1] - part[0]

    def _between(self, from_s: float, until_s: float) -> list[tuple[float, Usage]]:
        return [
            (at, usage) for at, usage in zip(self.at_s, self.usage, strict=True) if from_s <= at <= until_s
        ]

    def series(self, origin_s: float) -> dict[str, Any]:
        """As lists for the record: cores and bytes a second over the interval that ends at each ``at_s``."""
        steps = [
            _Step(at_s - since_s, at_s - origin_s, before, after)
            for since_s, before, at_s, after in zip(
                self.at_s, self.usage, self.at_s[1:], self.usage[1:], strict=False
            )
            if at_s > since_s
        ]
        return {
            "at_s": [round(step.at_s, 2) for step in steps],
            "cores": [round((step.after.cpu_s - step.before.cpu_s) / step.dt_s, 3) for step in steps],
            "rss_bytes": [step.after.rss_bytes for step in steps],
            "read_bytes_per_s": [step.rate(lambda usage: usage.read_bytes) for step in steps],
            "write_bytes_per_s": [step.rate(lambda usage: usage.write_bytes) for step in steps],
            "received_bytes_per_s": [step.rate(lambda usage: usage.received_bytes) for step in steps],
        }


@dataclass(frozen=True, slots=True)
class _Step:
    """From one look to the next."""

    dt_s: float
    at_s: float
    before: Usage
    after: Usage

    def rate(self, count: Callable[[Usage], int | None]) -> int | None:
        before, after = count(self.before), count(self.after)
        return None if before is None or after is None else round((after - before) / self.dt_s)


@dataclass(slots=True)
class Watcher:
    """Looks at several things at once, once a second, until it is cancelled."""

    watched: Mapping[str, Watched]
    clock: Callable[[], float] = time.monotonic
    every_s: float = EVERY_S
    samples: dict[str, Samples] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    """What went wrong in looking, by what was looked at. It costs the numbers, never the level."""

    def __post_init__(self) -> None:
        for name in self.watched:
            self.samples[name] = Samples()

    async def watch(self) -> None:
        """Look until cancelled."""
        next_s = self.clock()
        while True:
            await self.look()
            # Never behind itself: a machine that was busy is looked at when it lets us, not twice at once.
            next_s = max(next_s + self.every_s, self.clock())
            await asyncio.sleep(next_s - self.clock())

    async def look(self) -> None:
        """Look once at all of it."""
        await asyncio.gather(*(self._look_at(name, one) for name, one in self.watched.items()))

    async def _look_at(self, name: str, one: Watched) -> None:
        try:
            usage = await one.look()
        except Exception as error:
            # Systems refuse in ways of their own, and none of them is worth a level.
            self.troubles[name] = f"{type(error).__name__}: {error}"
            return
        if usage is not None:
            self.samples[name].add(self.clock(), usage)
