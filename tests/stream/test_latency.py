from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.stream.latency import HIGHEST_US, NOTHING_MEASURED, Latencies, Latency, total

times_us = st.lists(st.integers(0, HIGHEST_US), min_size=1, max_size=200)


@given(times_us)
def test_percentiles_are_those_of_the_times_to_a_thousandth(times: list[int]) -> None:
    latency = Latency()
    for us in times:
        latency.record(us)
    found = latency.percentiles()
    for percent, value_ms in ((50, found.p50), (95, found.p95), (99, found.p99)):
        # The histogram's rule: the count is rounded to the nearest whole number, and is at least one.
        rank = max(1, int(percent * len(times) / 100 + 0.5))
        exact_ms = sorted(times)[rank - 1] / 1000
        assert value_ms == pytest.approx(exact_ms, rel=1e-3, abs=1e-3)
    assert found.max == max(times) / 1000
    assert latency.count == len(times)


@given(times_us)
def test_percentiles_rise(times: list[int]) -> None:
    latency = Latency()
    for us in times:
        latency.record(us)
    found = latency.percentiles()
    assert found.p50 is not None and found.p95 is not None
    assert found.p99 is not None and found.max is not None
    assert found.p50 <= found.p95 <= found.p99 <= found.max


def test_nothing_recorded_is_not_zero_milliseconds() -> None:
    assert Latency().percentiles() == NOTHING_MEASURED
    assert total(Latencies(()).due) == NOTHING_MEASURED
    assert total(Latencies(("pace",)).due) == NOTHING_MEASURED


def test_times_outside_the_range_are_kept_at_its_ends() -> None:
    latency = Latency()
    latency.record(-5)
    latency.record(10 * HIGHEST_US)
    assert latency.count == 2
    assert latency.percentiles().max == HIGHEST_US / 1000


@given(times_us, times_us)
def test_two_histograms_together_are_one_of_all_times(ours: list[int], theirs: list[int]) -> None:
    one, other, both = Latency(), Latency(), Latency()
    for us in ours:
        one.record(us)
        both.record(us)
    for us in theirs:
        other.record(us)
        both.record(us)
    one.add(Latency.decode(other.encode()))
    merged, expected = one.percentiles(), both.percentiles()
    assert (merged.p50, merged.p95, merged.p99) == pytest.approx(
        (expected.p50, expected.p95, expected.p99), rel=1e-3
    )
    assert merged.max == pytest.approx(expected.max, rel=1e-3)
    assert one.count == both.count


def test_histograms_of_different_precision_do_not_mix() -> None:
    with pytest.raises(ValueError, match="2 digits"):
        Latency(3).add(Latency(2))


def test_the_total_is_over_all_tables() -> None:
    latencies = Latencies(("pace", "grip"))
    for ms in range(1, 51):
        latencies.due["pace"].record(ms * 1000)
        latencies.due["grip"].record((ms + 50) * 1000)
    found = total(latencies.due)
    assert found.p50 == pytest.approx(50, rel=1e-3)
    assert found.p99 == pytest.approx(99, rel=1e-3)
    assert found.max == 100


def test_merging_takes_over_tables_that_only_the_other_has() -> None:
    one, other = Latencies(("pace",)), Latencies(("pace", "grip"))
    one.send["pace"].record(1_000)
    other.send["pace"].record(3_000)
    other.send["grip"].record(5_000)
    one.merge(other)
    assert total(one.send).max == 5
    assert one.send["pace"].count == 2
