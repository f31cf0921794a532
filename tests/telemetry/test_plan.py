"""Laws of the row set: every row once, in time order, whatever the batch size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.errors import UsageError
from nascar.telemetry.plan import LONGEST_BATCH_S, STRICT_RATE, Batch, RowPlan
from nascar.telemetry.schema import TABLES

START_US = 1_790_000_000_000_000


@st.composite
def plans(draw: st.DrawFn) -> RowPlan:
    """Plans of at most a few hundred instants, over the whole range of rates."""
    cars = draw(st.integers(1, 128))
    rate = draw(st.integers(3 * cars, min(10_000_000, 3_000_000 * cars)))
    return RowPlan(
        rate=rate,
        cars=cars,
        batch_size=draw(st.integers(cars, 5_000)),
        start_us=START_US,
        duration_s=draw(st.integers(0, 300)) * 3 * cars / rate,
    )


def all_batches(plan: RowPlan) -> list[Batch]:
    assert plan.batches is not None
    return [plan.batch(index) for index in range(plan.batches)]


@given(plans())
def test_batches_hold_every_row_of_every_table_once_and_in_order(plan: RowPlan) -> None:
    assert plan.instants is not None
    batches = all_batches(plan)
    for table in plan.tables:
        own = [batch for batch in batches if batch.table is table]
        instants = [i for b in own for i in range(b.first_instant, b.first_instant + b.instants)]
        assert instants == list(range(plan.instants))
        assert sum(b.rows for b in own) == plan.instants * plan.cars
        assert all(b.rows == b.instants * plan.cars for b in own)


@given(plans())
def test_batches_are_as_large_as_asked_for_but_leave_soon(plan: RowPlan) -> None:
    for batch in all_batches(plan):
        assert batch.rows <= plan.batch_size
        assert batch.instants == 1 or batch.last_time_us - batch.first_time_us <= LONGEST_BATCH_S * 1e6
    rows = (plan.batch_instants + 1) * plan.cars
    assert rows > plan.batch_size or 3 * rows > LONGEST_BATCH_S * plan.rate


@given(plans())
def test_a_batch_is_due_when_it_has_happened_and_batches_are_due_in_order(plan: RowPlan) -> None:
    batches = all_batches(plan)
    assert all(batch.due_us >= batch.last_time_us for batch in batches)
    dues = [batch.due_us for batch in batches]
    assert dues == sorted(dues)


@given(plans(), st.integers(0, 10**10))
def test_time_strictly_increases_and_no_car_has_a_time_twice(plan: RowPlan, row: int) -> None:
    times = [plan.row_time_us(row + n) for n in range(3 * plan.cars)]
    if plan.rate <= STRICT_RATE:
        assert all(a < b for a, b in pairwise(times))
    assert all(a < b for a, b in zip(times, times[plan.cars :], strict=False))


@given(plans())
def test_times_of_a_batch_are_those_of_its_rows(plan: RowPlan) -> None:
    for batch in all_batches(plan):
        first = batch.first_instant * plan.cars
        assert batch.first_time_us == plan.row_time_us(first)
        assert batch.last_time_us == plan.row_time_us(first + batch.rows - 1)


def test_the_published_rate_is_5100_instants_a_second() -> None:
    plan = RowPlan(rate=612_000, cars=40, batch_size=10_000, start_us=START_US, duration_s=10)
    assert plan.instants == 51_000
    assert sum(batch.rows for batch in all_batches(plan)) == 6_120_000
    assert plan.row_time_us(5_100 * 40) == START_US + 1_000_000
    # One batch every 10,000 rows: 61.2 a second, evenly.
    dues = [plan.batch(index).due_us for index in range(7)]
    gaps = [b - a for a, b in pairwise(dues)]
    assert max(gaps) - min(gaps) <= 2 and sum(gaps) in range(98_038, 98_042)


def test_tables_take_turns() -> None:
    plan = RowPlan(rate=612_000, cars=40, batch_size=10_000, start_us=START_US)
    assert [plan.batch(index).table for index in range(6)] == [*TABLES, *TABLES]


def test_a_run_without_end_has_any_batch_and_a_run_with_an_end_has_no_more() -> None:
    endless = RowPlan(rate=612_000, cars=40, batch_size=10_000, start_us=START_US)
    assert endless.batches is None and endless.instants is None
    assert endless.batch(10**9).rows == 10_000
    short = RowPlan(rate=612_000, cars=40, batch_size=10_000, start_us=START_US, duration_s=1)
    assert short.batches is not None
    for index in (-1, short.batches):
        with pytest.raises(IndexError, match=f"no batch {index}"):
            short.batch(index)


def test_a_rate_too_slow_for_the_cars_is_refused_with_the_least_that_works() -> None:
    with pytest.raises(UsageError, match="Give --rate 7 or more"):
        RowPlan(rate=6, cars=128, batch_size=10_000, start_us=START_US)
    assert RowPlan(rate=7, cars=128, batch_size=10_000, start_us=START_US).batch_instants == 1


def test_a_rate_too_fast_for_a_microsecond_clock_is_refused_with_the_most_that_works() -> None:
    with pytest.raises(UsageError, match="Give --rate 6,000,000 or less, or more cars"):
        RowPlan(rate=6_000_001, cars=2, batch_size=10_000, start_us=START_US)
    plan = RowPlan(rate=6_000_000, cars=2, batch_size=10_000, start_us=START_US)
    assert [plan.row_time_us(row) - START_US for row in range(6)] == [0, 0, 1, 1, 2, 2]


def test_a_batch_too_small_for_the_cars_is_refused() -> None:
    with pytest.raises(UsageError, match="Give --batch-size 40 or more"):
        RowPlan(rate=612_000, cars=40, batch_size=39, start_us=START_US)
