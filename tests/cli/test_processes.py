from __future__ import annotations

import os
from dataclasses import replace

from nascar.cli.pipeline import Pipeline
from nascar.cli.processes import processes_for, rows_per_cpu_s
from nascar.cli.race_format import packaged_race


def test_no_more_processes_than_the_rate_needs_nor_than_there_are_cores() -> None:
    pipeline = Pipeline(packaged_race(cars=40), 6_000, 10_000, seed=1, duration_s=10)
    assert processes_for(pipeline) == 1
    assert processes_for(replace(pipeline, rate=40_000_000)) == os.cpu_count()


def test_the_measurement_leaves_the_run_at_its_first_tick() -> None:
    pipeline = Pipeline(packaged_race(cars=5), 30_000, 1_000, seed=1, duration_s=10)
    undisturbed = bytes(replace(pipeline).feed_at(0).encode(0).data)
    prepared = pipeline.prepare()
    assert rows_per_cpu_s(pipeline) > 0
    assert pipeline.prepare() is prepared
    assert bytes(pipeline.feed_at(0).encode(0).data) == undisturbed
