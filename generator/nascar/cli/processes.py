"""How many processes a rate needs on this machine, by what one of them can do here and now."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Final

from nascar.cli.pipeline import Pipeline
from nascar.errors import UsageError
from nascar.stream.usage import usable_cores

PROBE_S: Final = 0.15
"""CPU time of a measurement."""
HTTP_SHARE: Final = 0.2
"""Of the rate at which a process makes bodies, this is left when it sends them, too; `nascar bench ceiling` measures
both (`http_sink_per_core` over `dry_run_per_core`)."""
MOST_BATCHES_PER_S: Final = 20_000
"""More batches than this a process is not asked to count: each needs a place in the schedule and in the books."""
LOAD: Final = 0.7
"""A process with more to do than this share of its time is late at every hiccup."""


def check_batches(pipeline: Pipeline, processes: int) -> None:
    """Refuse a run of which a process would have to count more batches than it can. `processes` are all of the run's,
    on all machines."""
    plan = pipeline.plan(0)
    rows = plan.batch_instants * plan.cars
    if pipeline.rate > MOST_BATCHES_PER_S * processes * rows:
        least = math.ceil(pipeline.rate / (MOST_BATCHES_PER_S * processes))
        raise UsageError(
            f"{pipeline.rate / rows:,.0f} batches a second are more than {processes} process(es) can schedule. "
            f"Give --batch-size {least:,} or more, more --processes, or a lower --rate."
        )


def processes_for(pipeline: Pipeline) -> int:
    """Processes that hold the pipeline's rate, at most one for each core."""
    per_process = rows_per_cpu_s(pipeline) * HTTP_SHARE * LOAD
    return max(1, min(math.ceil(pipeline.rate / per_process), usable_cores()))


def rows_per_cpu_s(pipeline: Pipeline) -> float:
    """Rows a second of CPU time that this process makes and encodes, race included."""
    # Its own season: the run's must begin at its first tick. Where it begins makes no difference here.
    probe = replace(pipeline, race=replace(pipeline.race, start_lap=1), duration_s=None, _ready=None)
    feed = probe.feed_at(0)
    rows, index = 0, 0
    # The first batch of each table builds what all others use.
    for index in range(len(feed.tables)):
        feed.encode(index).release()
    start_s = now_s = time.process_time()
    while now_s - start_s < PROBE_S:
        index += 1
        rows += feed.head(index).rows
        feed.encode(index).release()
        now_s = time.process_time()
    return rows / (now_s - start_s)
