"""The parts of a run are the run: every batch in exactly one of them, at its own time, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race
from nascar.stream.shard import WHOLE, Shard, ShardedSource
from nascar.stream.source import BatchHead
from tests.stream.conftest import BATCH_ROWS, FakeSource

counts = st.integers(1, 12)


@given(st.integers(0, 60), counts)
def test_every_batch_is_in_exactly_one_part_at_its_own_time(batches: int, count: int) -> None:
    whole = FakeSource(0, 1000, batches * BATCH_ROWS / 1000)
    parts = [ShardedSource(whole, Shard(index, count)) for index in range(count)]
    due = [(head.due_us, head.table) for part in parts for head in heads(part)]
    assert sorted(due) == [(head.due_us, head.table) for head in heads(whole)]
    for part in parts:
        assert [head.index for head in heads(part)] == list(range(part.batches or 0))


def heads(source: FakeSource | ShardedSource) -> list[BatchHead]:
    return [source.head(index) for index in range(source.batches or 0)]


@given(counts, counts)
def test_parts_of_parts_are_parts_of_the_whole(outer: int, inner: int) -> None:
    parts = {Shard(i, inner).part(Shard(o, outer)) for o in range(outer) for i in range(inner)}
    assert parts == {Shard(index, outer * inner) for index in range(outer * inner)}


def test_a_part_that_is_none_is_refused() -> None:
    for index, count in ((1, 1), (-1, 2), (3, 3), (0, 0)):
        with pytest.raises(ValueError, match="no part"):
            Shard(index, count)
    assert WHOLE.is_whole
    assert str(Shard(1, 5)) == "2/5"


def test_an_endless_run_has_endless_parts() -> None:
    assert ShardedSource(FakeSource(0, 1000, None), Shard(1, 3)).batches is None


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_bodies_of_all_parts_are_those_of_the_run(count: int) -> None:
    """Real races, each run by itself, as the processes and machines of a run do."""

    def bodies(shard: Shard) -> dict[tuple[str, int], bytes]:
        pipeline = Pipeline(packaged_race(cars=40), 300_000, 2_000, seed=3, duration_s=1.5)
        source = ShardedSource(pipeline.feed_at(1_790_000_000_000_000), shard)
        found = {}
        for index in range(source.batches or 0):
            head, body = source.head(index), source.encode(index)
            found[head.table, head.first_time_us] = bytes(body.data)
            body.release()
        return found

    whole = bodies(WHOLE)
    together: dict[tuple[str, int], bytes] = {}
    for index in range(count):
        part = bodies(Shard(index, count))
        assert not together.keys() & part.keys()
        together |= part
    assert together == whole


def test_what_stands_beside_the_schedule_is_sent_by_the_first_part_only() -> None:
    pipeline = Pipeline(packaged_race(cars=2), 6_000, 100, seed=3, duration_s=1)
    feed = pipeline.feed_at(0)
    assert ShardedSource(feed, Shard(0, 3)).beside is feed.beside
    assert feed.beside is not None
    assert ShardedSource(feed, Shard(1, 3)).beside is None


def test_the_other_parts_keep_no_row_of_it_however_long_they_run() -> None:
    pipeline = Pipeline(packaged_race(cars=40), 6_000, 2_000, seed=3, duration_s=120)
    feed = pipeline.feed_at(0)
    part = ShardedSource(feed, Shard(1, 2))
    for index in range(part.batches or 0):
        part.encode(index).release()
    assert feed.beside is not None
    assert feed.beside.take(10**15) == []
    alone = Pipeline(packaged_race(cars=40), 6_000, 2_000, seed=3, duration_s=120).feed_at(0)
    for index in range(alone.batches or 0):
        alone.encode(index).release()
    assert alone.beside is not None
    assert alone.beside.take(10**15), "the race told nothing that could have been kept"
