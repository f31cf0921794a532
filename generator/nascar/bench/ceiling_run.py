"""Measures a ceiling: every stage in turn, alone and on all cores, as often as it is wanted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from nascar.bench import tsbs
from nascar.bench.ceiling import ON_ALL_CORES, TITLES, TSBS, Ceiling
from nascar.bench.crew import Crew, Measurer, Order
from nascar.bench.sink import SinkProcess
from nascar.bench.stages import Rows, Stage
from nascar.stream.shard import WHOLE, Shard

SENDING: Final = frozenset({Stage.HTTP_SINK, Stage.PUBLISHED_REPLAY})


async def measure(
    rows: Rows,
    lap_length_m: float,
    *,
    seconds: float,
    repetitions: int,
    cores: int,
    tell: Callable[[str], None] = lambda text: None,
) -> Ceiling:
    """Measure every stage `repetitions` times for `seconds`; `tell` hears what is being measured."""
    plan = rows.plan(0)
    ceiling = Ceiling(cores, plan.rate, plan.batch_size, seconds)
    program = tsbs.find()
    tell(f"starting {cores} processes and their sinks")
    async with contextlib.AsyncExitStack() as stack:
        # A sink for each process: one for all would be the limit before the processes are.
        sinks = [await stack.enter_async_context(SinkProcess()) for _ in range(cores)]
        crew = await stack.enter_async_context(Crew(Measurer(rows, lap_length_m), cores))
        for turn in range(1, repetitions + 1):
            for stage in Stage:
                tell(f"turn {turn} of {repetitions}, {TITLES[stage.value]}")
                url = sinks[0].url if stage in SENDING else ""
                (alone,) = await crew.take(Order(stage, seconds, url, WHOLE))
                ceiling.take(stage.value, alone)
                if stage in ON_ALL_CORES:
                    orders = [
                        Order(stage, seconds, sink.url, Shard(number, cores))
                        for number, sink in enumerate(sinks)
                    ]
                    take = crew.take_together if stage is Stage.HTTP_SINK else crew.take
                    ceiling.take_all(stage.value, await take(*orders))
            if program is not None:
                tell(f"turn {turn} of {repetitions}, {TITLES[TSBS]}")
                made = await tsbs.measure(program)
                if made is None:
                    ceiling.without_tsbs = f"{tsbs.PROGRAM} wrote no rows"
                else:
                    ceiling.take(TSBS, made)
    return ceiling
