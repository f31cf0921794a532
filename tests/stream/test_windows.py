from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from nascar.stream.ledger import Ledger
from nascar.stream.shard import Shard, ShardedSource
from nascar.stream.source import BatchHead, BatchSource
from nascar.stream.windows import Window, WindowBook
from tests.stream.conftest import BATCH_ROWS, TABLES, FakeSource

WINDOW_US = 700_000


def heads_of(source: BatchSource) -> list[BatchHead]:
    return [source.head(index) for index in range(source.batches or 0)]


def keep(source: BatchSource, fates: random.Random) -> tuple[Ledger, list[Window]]:
    """A ledger of a run in which each batch is settled a while after it came due; and its closed windows."""
    ledger = Ledger(TABLES, WindowBook(TABLES, 0, WINDOW_US))
    windows: list[Window] = []
    waiting: list[BatchHead] = []

    assert ledger.windows is not None
    for head in heads_of(source):
        ledger.schedule(head)
        waiting.append(head)
        while len(waiting) > 3 or (waiting and fates.random() < 0.5):
            lost = waiting.pop(fates.randrange(len(waiting)))
            fate = fates.random()
            if fate < 0.8:
                ledger.acknowledge(lost, 1)
            elif fate < 0.9:
                ledger.fail(lost, unclear=True)
            else:
                ledger.miss(lost)
        windows += ledger.windows.take_closed()
    for head in waiting:
        ledger.acknowledge(head, 1)
    windows += ledger.windows.take_closed()
    return ledger, windows


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_windows_are_the_run_up_to_the_last_that_is_open(seed: int, batches: int) -> None:
    source = FakeSource(0, 1000, batches * BATCH_ROWS / 1000)
    ledger, windows = keep(source, random.Random(seed))
    assert [window.number for window in windows] == list(range(len(windows)))
    newest = max(head.first_time_us for head in heads_of(source)) // WINDOW_US
    # All are settled, so all are closed but the newest, into which more could come.
    assert len(windows) == newest
    for name, table in ledger.tables.items():
        counted = sum(window.tables[name].acknowledged for window in windows if name in window.tables)
        in_windows = [
            h for h in heads_of(source) if h.table == name and h.first_time_us // WINDOW_US < newest
        ]
        scheduled = sum(head.rows for head in in_windows)
        assert counted <= min(scheduled, table.acknowledged)
        ends = [w.tables[name].last_time_us for w in windows if name in w.tables]
        assert max((end for end in ends if end is not None), default=None) == max(
            (head.last_time_us for head in in_windows), default=None
        )


def test_a_window_is_not_closed_while_one_of_its_rows_waits() -> None:
    book = WindowBook(TABLES, 0, WINDOW_US)
    ledger = Ledger(TABLES, book)
    source = FakeSource(0, 1000, None)
    first = source.head(0)
    for index in range(30):
        ledger.schedule(source.head(index))
        if index:
            ledger.acknowledge(source.head(index), 1)
    assert book.take_closed() == []
    ledger.fail(first, unclear=True)
    closed = book.take_closed()
    assert [window.number for window in closed] == [0, 1, 2, 3]
    count = closed[0].tables[first.table]
    assert (count.acknowledged, count.unclear, count.first_time_us) == (200, 100, 0)


@given(st.integers(0, 2**32), st.integers(2, 5))
def test_the_windows_of_all_parts_add_up_to_those_of_the_run(seed: int, count: int) -> None:
    source = FakeSource(0, 1000, 6.0)
    parts = [
        keep(ShardedSource(source, Shard(index, count)), random.Random(seed + index))
        for index in range(count)
    ]
    shortest = min(len(windows) for _, windows in parts)
    assert shortest > 5
    for number in range(shortest):
        together = parts[0][1][number]
        for _, windows in parts[1:]:
            together.add(windows[number])
        for name in TABLES:
            heads = [
                h for h in heads_of(source) if h.table == name and h.first_time_us // WINDOW_US == number
            ]
            mine = together.tables.get(name)
            assert (mine.first_time_us if mine else None) == min(
                (h.first_time_us for h in heads), default=None
            )
            assert (mine.last_time_us if mine else None) == max((h.last_time_us for h in heads), default=None)
