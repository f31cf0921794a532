from __future__ import annotations

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from nascar.stream.latency import NOTHING_MEASURED
from nascar.stream.timeline import Timeline

START = 1_790_000_000_000_000
SECOND = 1_000_000


def test_rows_stand_in_the_second_in_which_it_happened() -> None:
    timeline = Timeline(START)
    for second in range(4):
        timeline.offer(START + second * SECOND, 100)
    # The server paused from 1 s to 3 s; then all came at once.
    timeline.acknowledge(START + 20_000, 100, 1_000, 20_000, 10_000)
    timeline.lose(START + 2 * SECOND, 100, failed=False)
    timeline.lose(START + 2 * SECOND, 50, failed=True)
    timeline.acknowledge(START + 3_500_000, 150, 1_500, 2_500_000, 10_000)
    points = timeline.points
    assert [point.offered for point in points] == [100, 100, 100, 100]
    assert [point.acknowledged for point in points] == [100, 0, 0, 150]
    assert [point.body_bytes for point in points] == [1_000, 0, 0, 1_500]
    assert [(point.missed, point.failed) for point in points] == [(0, 0), (0, 0), (100, 50), (0, 0)]
    assert points[1].due_ms == NOTHING_MEASURED
    assert points[0].due_ms.max is not None
    assert points[3].due_ms.p50 is not None
    assert points[3].send_ms.p50 is not None
    # Two digits.
    assert abs(points[0].due_ms.max - 20) < 0.3
    assert abs(points[3].due_ms.p50 - 2_500) < 25
    assert abs(points[3].send_ms.p50 - 10) < 0.2


def test_what_the_server_says_of_its_counters() -> None:
    timeline = Timeline(START)
    for at_s, backlog, written in (
        (0.1, 5, 1000),
        (0.9, 50, 1000),
        (1.5, 10, 1300),
        (2.2, 0, 40),
        (3.1, 0, 90),
    ):
        timeline.read(START + round(at_s * SECOND), backlog, written)
    points = timeline.points
    assert [point.backlog for point in points] == [50, 10, 0, 0]
    # Counters that begin anew, with the server, say nothing of the second in which they did.
    assert [point.stored for point in points] == [0, 300, None, 50]


def test_what_a_server_stored_is_not_counted_once_for_each_process() -> None:
    one, other = Timeline(START), Timeline(START)
    for second in range(10):
        # Each asks at instants of its own, and not in every second.
        one.read(START + second * 1_300_000, 0, second * 1_300)
        other.read(START + second * 1_100_000 + 90_000, 0, second * 1_100 + 90)
    one.join(other)
    assert sum(point.stored or 0 for point in one.points) == 9 * 1_300
    silent = Timeline(START)
    silent.offer(START, 1)
    silent.join(other)
    assert sum(point.stored or 0 for point in silent.points) == 9 * 1_100


events = st.lists(
    st.tuples(st.integers(0, 40 * SECOND), st.integers(1, 500), st.integers(0, 3 * SECOND)), max_size=60
)


def filled(done: list[tuple[int, int, int]], most_points: int) -> Timeline:
    timeline = Timeline(START, most_points)
    for at_us, rows, latency_us in sorted(done):
        timeline.offer(START + at_us - latency_us, rows)
        timeline.acknowledge(START + at_us, rows, rows * 10, latency_us, latency_us // 2)
    return timeline


@settings(max_examples=40)
@given(events, st.sampled_from([2, 3, 8, 1000]))
def test_however_long_it_gets_nothing_is_lost_and_memory_is_bounded(
    done: list[tuple[int, int, int]], most_points: int
) -> None:
    timeline = filled(done, most_points)
    points = timeline.points
    assert len(points) <= most_points
    assert sum(point.offered for point in points) == sum(rows for _, rows, _ in done)
    assert sum(point.acknowledged for point in points) == sum(rows for _, rows, _ in done)
    assert sum(point.body_bytes for point in points) == sum(rows * 10 for _, rows, _ in done)
    for point in points:
        assert (point.due_ms.max is None) == (point.acknowledged == 0)


@settings(max_examples=40)
@given(events, events, st.sampled_from([3, 1000]), st.sampled_from([5, 1000]))
def test_timelines_of_two_processes_are_one(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]], most: int, others_most: int
) -> None:
    together = pickle.loads(pickle.dumps(filled(one, most)))
    together.join(pickle.loads(pickle.dumps(filled(other, others_most))))
    expected = filled(one + other, 1000)
    while expected.interval_us < together.interval_us:
        expected._halve()
    assert [(p.offered, p.acknowledged) for p in together.points] == [
        (p.offered, p.acknowledged) for p in expected.points
    ]
    for mine, theirs in zip(together.points, expected.points, strict=True):
        assert mine.due_ms == theirs.due_ms
