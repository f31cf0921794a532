"""Whole streams as stages: the parts of `nascar stream` themselves, without a network or into a null sink."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from nascar.bench.hurry import HurriedSource
from nascar.bench.stages import Rows, Taken, fresh
from nascar.errors import NascarError
from nascar.stream.compression import Compression
from nascar.stream.result import Result
from nascar.stream.run import Run, SourceAt
from nascar.stream.settings import StreamSettings
from nascar.stream.shard import WHOLE, Shard
from nascar.stream.source import BatchSource

WORKERS: Final = 8
"""Requests in flight. What is never behind has few of them; more would only show what a full cache costs."""
AHEAD_BATCHES: Final = 8
FIRST_BATCHES: Final = 1_600
"""Batches a second that one process is asked to send, before it is known what it can. What is not sent has to be
counted out, batch by batch, so they must not be many more than it can."""
MARGIN: Final = 1.2
"""Asked for more than it can send, by so much: what is not sent is counted out, and costs little."""
_LEAD_S: Final = 0.1
_WARM_UP_S: Final = 0.15
"""Then the buffers are made, and the first batches have gone round."""
_POLL_S: Final = 0.01
_PATIENCE_S: Final = 10.0
"""So long nothing may be acknowledged."""


Meet = Callable[[], Awaitable[None]]
"""Waits until all processes that measure together are as far."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a run has come."""

    rows: int
    cpu_s: float
    wall_s: float

    @classmethod
    def of(cls, run: Run) -> _Mark:
        """Only what is acknowledged counts."""
        return cls(run.ledger.total().acknowledged, time.process_time(), time.monotonic())


async def measure_dry_run(
    rows: Rows, seconds: float, compression: Compression = Compression.NONE, shard: Shard = WHOLE
) -> Taken:
    """Everything but the network, with the whole race, as ``nascar stream --dry-run`` does it."""
    settings = StreamSettings(
        url="",
        database="",
        rate=rows.plan(0).rate,
        workers=WORKERS,
        pregenerate_batches=AHEAD_BATCHES,
        dry_run=True,
        shard=shard,
    )
    ready = _ready(rows, compression)
    _, taken = await _measure(settings, ready.feed_at, seconds)
    return taken


async def measure_http(
    rows: Rows,
    seconds: float,
    url: str,
    shard: Shard = WHOLE,
    *,
    offer: float | None = None,
    meet: Meet | None = None,
) -> Taken:
    """The whole stream into the null sink at `url`: `offer` messages a second from this process (default: those of
    `first_offer`). When it flows, and before it is measured, it waits for the others at `meet`.

    Raises `NascarError` if any request went wrong: then this is no measurement of the generator.
    """
    rate = round((offer or first_offer(rows)) * shard.count)
    settings = StreamSettings(
        url=url,
        database="ceiling",
        rate=rate,
        workers=WORKERS,
        pregenerate_batches=AHEAD_BATCHES,
        shard=shard,
    )
    ready, times = _ready(rows), rate / rows.plan(0).rate

    def hurried(start_us: int) -> HurriedSource:
        return HurriedSource(ready.feed_at(start_us), start_us, times)

    result, taken = await _measure(settings, hurried, seconds, meet)
    if result.troubles or not taken.rows:
        trouble = next(iter(result.troubles), "nothing was acknowledged")
        raise NascarError(f"The null sink did not take all that was sent ({trouble}). Try again.")
    return taken


def first_offer(rows: Rows) -> float:
    """Messages a second that a process may be asked to send at first."""
    return FIRST_BATCHES * rows.plan(0).batch(0).rows


def _ready(rows: Rows, compression: Compression = Compression.NONE) -> Rows:
    ready = fresh(rows)
    ready.compression = compression
    ready.prepare()
    return ready


async def _measure(
    settings: StreamSettings, source_at: SourceAt, seconds: float, meet: Meet | None = None
) -> tuple[Result, Taken]:
    """Run a stream, and look at it from when it flows for `seconds`; then end it as Ctrl-C would.

    What comes before and after (noise and buffers are made, what is left is counted out) is a matter of
    seconds in a run of hours, and not of the rate.
    """
    made = asyncio.Event()

    def source(start_us: int) -> BatchSource:
        try:
            return source_at(start_us)
        finally:
            made.set()

    run = Run(settings, source, lead_s=_LEAD_S)
    running = asyncio.create_task(run.run())
    marks = asyncio.create_task(_look(run, made, seconds, meet))
    try:
        # A run that ends by itself has failed, and says why.
        await asyncio.wait({running, marks}, return_when=asyncio.FIRST_COMPLETED)
        run.stop()
        result = await running
    finally:
        for task in (running, marks):
            task.cancel()
        await asyncio.gather(running, marks, return_exceptions=True)
    if marks.cancelled():
        return result, Taken(0, 0.0, 0.0)
    before, after = marks.result()
    return result, Taken(
        after.rows - before.rows,
        after.cpu_s - before.cpu_s,
        after.wall_s - before.wall_s,
        None if meet is None else before.wall_s,
    )


async def _look(run: Run, made: asyncio.Event, seconds: float, meet: Meet | None) -> tuple[_Mark, _Mark]:
    await made.wait()
    await asyncio.sleep(_LEAD_S + _WARM_UP_S)
    await _until_more(run, 0)
    if meet is not None:
        await meet()
    before = _Mark.of(run)
    await asyncio.sleep(seconds)
    # A machine that gives this process hardly any time makes the measurement longer, not empty.
    await _until_more(run, before.rows)
    return before, _Mark.of(run)


async def _until_more(run: Run, rows: int) -> None:
    for _ in range(round(_PATIENCE_S / _POLL_S)):
        total = run.ledger.total()
        if total.acknowledged > rows or total.failed:
            return
        await asyncio.sleep(_POLL_S)
