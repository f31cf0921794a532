"""What is measured is what a stream does, and all of what is counted was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nascar.bench.runs import measure_dry_run, measure_http
from nascar.bench.sink import Sink
from nascar.bench.stages import (
    START_US,
    RecordedRows,
    Stopwatch,
    Taken,
    fresh,
    measure_race,
)
from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race
from nascar.errors import NascarError
from nascar.stream.compression import Compression
from nascar.stream.feed import TelemetryFeed

MakePipeline = Callable[[], Pipeline]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def recorded(pipeline: Pipeline) -> RecordedRows:
    return RecordedRows.of(pipeline, pipeline.race.track.length_m)


def test_the_watch_counts_what_ran_and_stops_when_it_is_enough() -> None:
    cpu, wall = Clock(), Clock()
    watch = Stopwatch(1.0, cpu, wall)

    def steps(count: int) -> Iterator[int]:
        for _ in range(count):
            cpu.now_s += 0.25
            wall.now_s += 0.5
            yield 10

    watch.run(steps(3))
    assert not watch.is_done
    cpu.now_s += 100
    # What happens between two runs is not the stage.
    watch.run(steps(5))
    assert watch.is_done
    assert watch.taken == Taken(rows=40, cpu_s=1.0, wall_s=2.0)
    assert (watch.taken.per_cpu_s, watch.taken.per_s) == (40.0, 20.0)


def test_the_watch_gives_up_on_a_machine_that_gives_it_no_time() -> None:
    cpu, wall = Clock(), Clock()
    watch = Stopwatch(1.0, cpu, wall)
    assert not watch.is_done
    wall.now_s += 4.0
    assert watch.is_done
    assert watch.taken.per_cpu_s == 0


def test_recorded_rows_are_those_of_the_race(pipeline: MakePipeline) -> None:
    rows = recorded(pipeline())
    again, live = TelemetryFeed(rows.sampler()), pipeline().feed_at(START_US)
    for index in range(60):
        assert bytes(again.encode(index).data) == bytes(live.encode(index).data)


def test_a_recording_lasts_for_all_of_its_batches(pipeline: MakePipeline) -> None:
    rows = recorded(pipeline())
    work = rows.rendering_and_encoding()
    last = rows.full_batches[-1]
    assert work(last) == rows.plan.batch(last).rows
    assert last + rows.tables < (rows.plan.batches or 0)


def test_every_stage_of_a_recording_counts_the_rows_of_the_batch(pipeline: MakePipeline) -> None:
    rows = recorded(pipeline())
    for begin in (rows.rendering, rows.encoding, rows.rendering_and_encoding):
        work = begin()
        assert [work(index) for index in range(6)] == [rows.plan.batch(index).rows for index in range(6)]
        taken = rows.measure(begin, 0.02)
        assert taken.rows % rows.plan.batch(0).rows == 0
        assert taken.rows > 0
        assert taken.cpu_s > 0


def test_a_copy_of_prepared_rows_begins_where_they_stand(pipeline: MakePipeline) -> None:
    prepared = pipeline()
    prepared.prepare()
    first, second = fresh(prepared), fresh(prepared)
    ours, theirs, new = (p.feed_at(START_US) for p in (first, second, pipeline()))
    for index in range(60):
        body = bytes(ours.encode(index).data)
        assert body == bytes(theirs.encode(index).data) == bytes(new.encode(index).data)


def test_the_race_counts_the_rows_of_its_time(pipeline: MakePipeline) -> None:
    taken = measure_race(pipeline(), 0.02)
    # A second of the race is 96,000 rows, and the race is run a second at a time.
    assert taken.rows > 0
    assert taken.rows % 96_000 == 0


@pytest.mark.parametrize("compression", Compression)
async def test_a_dry_run_counts_whole_batches(pipeline: MakePipeline, compression: Compression) -> None:
    taken = await measure_dry_run(pipeline(), 0.1, compression)
    assert taken.rows > 0
    assert taken.rows % pipeline().plan(0).batch(0).rows == 0
    assert taken.cpu_s > 0


async def test_into_the_sink_only_what_it_acknowledged_counts(pipeline: MakePipeline) -> None:
    plan, feed = pipeline().plan(0), pipeline().feed_at(START_US)
    bytes_of_row = min(feed.encode(index).data.nbytes / plan.batch(index).rows for index in range(3))
    async with Sink() as sink:
        # More than it can send: what is not sent must not count.
        taken = await measure_http(pipeline(), 0.3, sink.url, offer=10_000_000)
    assert taken.rows % plan.batch(0).rows == 0
    assert 0 < taken.rows <= sink.body_bytes / bytes_of_row


async def test_a_server_that_refuses_is_no_measurement(pipeline: MakePipeline, refusing: str) -> None:
    with pytest.raises(NascarError, match="did not take all"):
        await measure_http(pipeline(), 0.3, refusing, offer=200_000)


async def test_few_and_small_batches_are_measured_too() -> None:
    # A batch of two cars lies ten seconds apart, and holds two rows.
    slow = Pipeline(packaged_race(2), rate=1, batch_size=2, seed=7)
    rows = recorded(slow)
    assert len(rows.full_batches) > rows.tables
    async with Sink() as sink:
        taken = await measure_http(slow, 0.1, sink.url)
    assert taken.rows > 0
