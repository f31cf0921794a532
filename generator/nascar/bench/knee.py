"""The search for the highest rate that a server sustains. Pure: trials are asked for, their outcome is told.

First the rate is raised in geometric steps until a trial fails, then the gap between the last success and the
first failure is halved until it is small enough, and then the highest rate that was held is confirmed by a longer
trial. A server may hold for a moment what it does not hold for a minute; then the longer trials step down, faster
and faster, and halve the last gap again. So the answer was itself held for the long time, and a rate above it
by the precision was not.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import Final

LEAST_RATE: Final = 1_000
"""Below this a server holds nothing worth a name."""
_DIGITS: Final = 4


class Phase(Enum):
    """Why a trial is run."""

    RAISE = "raise"
    LOWER = "lower"
    BISECT = "bisect"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Probe:
    """A trial to be run."""

    rate: int
    """Rows a second."""
    phase: Phase

    @property
    def is_long(self) -> bool:
        """Whether it is to last as long as the rate is to be sustained."""
        return self.phase is Phase.CONFIRM


@dataclass(frozen=True, slots=True)
class Knee:
    """The answer."""

    rate: int | None
    """The highest rate that was sustained, rows a second; None if not even `LEAST_RATE` was."""
    missed_rate: int | None
    """The lowest rate above it that was not held; None if all that was tried was."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to search."""

    from_rate: int = 100_000
    most_rate: int = 100_000_000
    """Nothing above this is tried."""
    growth: float = 2.0
    """The factor of a step up."""
    precision: float = 0.05
    """The answer and the lowest rate that was not held lie this far apart at most, as a share."""

    def __post_init__(self) -> None:
        if not LEAST_RATE <= self.from_rate <= self.most_rate:
            raise ValueError(f"wanted {LEAST_RATE} <= from <= to, got {self.from_rate} and {self.most_rate}")
        if not self.growth > 1 or not 0.01 <= self.precision < 1:
            raise ValueError("the growth must be above 1, and the precision between 0.01 and 1")


Search = Generator[Probe, bool, Knee]
"""Yields the next trial, is sent whether it was held, returns the answer."""


def search(plan: Plan) -> Search:
    """Find the knee. Ends after a number of trials that grows with the logarithm of its range and precision."""
    low, high = yield from _bracket(plan)
    if low is None:
        return Knee(None, high)
    if high is not None:
        low, high = yield from _halve(low, high, plan.precision, Phase.BISECT)
    if (yield Probe(low, Phase.CONFIRM)):
        return Knee(low, high)
    high, step = low, plan.precision
    while True:
        if high <= LEAST_RATE:
            return Knee(None, high)
        low = max(LEAST_RATE, _rounded(high / (1 + step)))
        if (yield Probe(low, Phase.CONFIRM)):
            break
        high, step = low, 2 * step
    low, high = yield from _halve(low, high, plan.precision, Phase.CONFIRM)
    return Knee(low, high)


def _bracket(plan: Plan) -> Generator[Probe, bool, tuple[int | None, int | None]]:
    """The highest step that was held and the lowest that was not; None where there is no such step."""
    rate = plan.from_rate
    if not (yield Probe(rate, Phase.RAISE)):
        while rate > LEAST_RATE:
            high, rate = rate, max(LEAST_RATE, _rounded(rate / plan.growth))
            if (yield Probe(rate, Phase.LOWER)):
                return rate, high
        return None, rate
    while rate < plan.most_rate:
        low, rate = rate, min(plan.most_rate, max(rate + 1, _rounded(rate * plan.growth)))
        if not (yield Probe(rate, Phase.RAISE)):
            return low, rate
    return rate, None


def _halve(low: int, high: int, precision: float, phase: Phase) -> Generator[Probe, bool, tuple[int, int]]:
    while high > low * (1 + precision):
        rate = _rounded(math.sqrt(low * high))
        if not low < rate < high:
            break
        if (yield Probe(rate, phase)):
            low = rate
        else:
            high = rate
    return low, high


def _rounded(rate: float) -> int:
    """To four digits: a rate to give, not a measurement."""
    whole = round(rate)
    return round(whole, _DIGITS - len(str(whole))) if whole else 0
