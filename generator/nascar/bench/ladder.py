"""The load ladder: one level after the other, each higher than the last."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nascar.bench.load import Load, Stopped, Stopper
from nascar.bench.trial import TrialResult, not_begun
from nascar.errors import NascarError


@dataclass(frozen=True, slots=True)
class Rung:
    """A published level."""

    rate: int
    seconds: float
    workers: int


PUBLISHED: Final = (
    Rung(612_000, 300, 300),
    Rung(1_200_000, 300, 400),
    Rung(2_400_000, 300, 500),
    Rung(3_000_000, 60, 600),
)
"""The race itself, twice it, Arc's rated capacity, and beyond."""

Runner = Callable[[Load, int], Awaitable[TrialResult]]
"""Runs one level; the number says which repetition it is, from 1."""


def rung_for(rate: int) -> Rung:
    """The published level that a rate belongs to: the lowest that is as high, else the highest."""
    return next((rung for rung in PUBLISHED if rung.rate >= rate), PUBLISHED[-1])


def loads(
    base: Load,
    rates: Sequence[int] | None = None,
    seconds: float | None = None,
    workers: int | None = None,
) -> tuple[Load, ...]:
    """The levels in the order given; what is None is as published. All else is taken from `base`."""
    chosen = [rung.rate for rung in PUBLISHED] if rates is None else rates
    return tuple(
        replace(
            base,
            rate=rate,
            seconds=rung_for(rate).seconds if seconds is None else seconds,
            workers=rung_for(rate).workers if workers is None else workers,
        )
        for rate in chosen
    )


async def climb(
    levels: Sequence[Load],
    run: Runner,
    stopper: Stopper,
    *,
    repetitions: int = 1,
    stop_on_miss: bool = False,
) -> AsyncIterator[TrialResult]:
    """Run the levels and give out each result as it comes; ends early after Ctrl-C, or at the first miss if told so.

    A level that cannot begin is one that is not held, and the next is tried; if none could, the first reason is raised
    at the end.
    """
    failure: NascarError | None = None
    has_begun = False
    for load, repetition in itertools.product(levels, range(1, repetitions + 1)):
        if stopper.is_asked:
            break
        try:
            result = await run(load, repetition)
        except Stopped:
            break
        except NascarError as error:
            failure = failure or error
            result = not_begun(load, error, repetition)
        has_begun |= result.began
        yield result
        if stop_on_miss and not result.held:
            break
    if failure is not None and not has_begun:
        raise failure
