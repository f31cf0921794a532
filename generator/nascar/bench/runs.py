"""Whole streams as stages: the parts of `nascar stream` themselves, without a network or into a null sink."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from nascar.bench.hurry import HurriedSource
from nascar.bench.stages import Rows, Taken, fresh
from nascar.errors import NascarError
from nascar.stream.compression import Compression
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.shard import WHOLE, Shard
from nascar.stream.source import BatchSource

WORKERS: Final = 8
"""Requests in flight. What is never behind has few of them; more would only show what a full cache costs."""
AHEAD_BATCHES: Final = 8
FIRST_OFFER: Final = 16_000_000
"""Messages a second that one process is asked to send, before it is known what it can."""
MARGIN: Final = 1.2
"""Asked for more than it can send, by so much: what is not sent is counted out, and costs little."""
_LEAD_S: Final = 0.2


class _Timed:
    """Makes the source of a run, and looks at the clocks when it is made: setting up is not the stage."""

    def __init__(self, rows: Rows, times: float = 1.0, compression: Compression = Compression.NONE) -> None:
        self._rows = fresh(rows)
        self._rows.compression = compression
        self._rows.prepare()
        self._times = times
        self._cpu_s = 0.0

    def __call__(self, start_us: int) -> BatchSource:
        source = self._rows.feed_at(start_us)
        self._cpu_s = time.process_time()
        return source if self._times == 1.0 else HurriedSource(source, start_us, self._times)

    def taken(self, result: Result) -> Taken:
        """What was acknowledged, and only that."""
        cpu_s = time.process_time() - self._cpu_s
        return Taken(result.ledger.total().acknowledged, cpu_s, result.elapsed_s)


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
    timed = _Timed(rows, compression=compression)
    run = Run(settings, timed)
    result = await _for(run, seconds)
    return timed.taken(result)


async def measure_http(
    rows: Rows, seconds: float, url: str, shard: Shard = WHOLE, *, offer: float = FIRST_OFFER
) -> Taken:
    """The whole stream into the null sink at `url`: `offer` messages a second from this process.

    Raises `NascarError` if any request went wrong: then this is no measurement of the generator.
    """
    rate = round(offer * shard.count)
    settings = StreamSettings(
        url=url,
        database="ceiling",
        rate=rate,
        workers=WORKERS,
        pregenerate_batches=AHEAD_BATCHES,
        shard=shard,
    )
    timed = _Timed(rows, times=rate / rows.plan(0).rate)
    run = Run(settings, timed, lead_s=_LEAD_S)
    result = await _for(run, seconds + _LEAD_S)
    taken = timed.taken(result)
    if result.troubles or not taken.rows:
        trouble = next(iter(result.troubles), "nothing was acknowledged")
        raise NascarError(f"The null sink did not take all that was sent ({trouble}). Try again.")
    return taken


async def _for(run: Run, seconds: float) -> Result:
    """Let `run` run for so long, and end it as Ctrl-C would."""
    timer = asyncio.get_running_loop().call_later(seconds, run.stop)
    try:
        return await run.run()
    finally:
        timer.cancel()
