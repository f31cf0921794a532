"""Where rows lie between ticks, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.telemetry.moments import TICK_US, MomentMaker
from nascar.telemetry.plan import RowPlan

START_US = 1_790_000_000_000_000


@st.composite
def batches(draw: st.DrawFn) -> tuple[RowPlan, int, int]:
    """A plan, the first instant of a batch (early or far on) and its instants."""
    cars = draw(st.integers(1, 50))
    rate = draw(
        st.one_of(st.integers(cars, 500 * cars), st.integers(500 * cars, min(20_000_000, 3_000_000 * cars)))
    )
    plan = RowPlan(rate=rate, cars=cars, batch_size=draw(st.integers(cars, 2_000)), start_us=START_US)
    first = draw(st.one_of(st.integers(0, 50), st.integers(0, 10**9)))
    return plan, first, draw(st.integers(1, plan.batch_instants))


@given(batches())
def test_every_row_lies_between_the_right_ticks(batch: tuple[RowPlan, int, int]) -> None:
    plan, first, instants = batch
    moments = MomentMaker(plan, us_per_unit=1).of(first, instants)
    runs = np.diff(moments.run_stops, prepend=0)
    assert runs.min() > 0
    places = [
        Fraction((first * plan.cars + n) * 3 * 1_000_000, plan.rate * TICK_US)
        for n in range(instants * plan.cars)
    ]
    assert np.repeat(moments.run_ticks, runs).tolist() == [int(place) for place in places]
    assert moments.first_tick == int(places[0]) and moments.last_tick == int(places[-1])
    exact = np.array([float(place - int(place)) for place in places])
    np.testing.assert_allclose(moments.weights, exact, atol=5e-7)
    assert moments.weights.min() >= 0 and moments.weights.max() <= 1


@given(batches())
def test_times_are_those_of_the_plan(batch: tuple[RowPlan, int, int]) -> None:
    plan, first, instants = batch
    rows = range(first * plan.cars, (first + instants) * plan.cars)
    exact_us = [plan.row_time_us(row) for row in rows]
    assert MomentMaker(plan, us_per_unit=1).of(first, instants).times.tolist() == exact_us
    assert MomentMaker(plan, us_per_unit=1000).of(first, instants).times.tolist() == [
        t // 1000 for t in exact_us
    ]


@given(batches(), st.data())
def test_a_row_has_its_weight_in_whichever_batch_it_travels(
    batch: tuple[RowPlan, int, int], data: st.DataObject
) -> None:
    plan, first, instants = batch
    maker = MomentMaker(plan, us_per_unit=1)
    whole = maker.of(first, instants).weights.copy()
    cut = data.draw(st.integers(0, instants - 1))
    np.testing.assert_array_equal(whole[cut * plan.cars :], maker.of(first + cut, instants - cut).weights)


@pytest.mark.parametrize("rate", [612_000, 611_999, 2_000])
def test_tables_of_a_turn_share_their_moments(rate: int) -> None:
    plan = RowPlan(rate=rate, cars=40, batch_size=10_000, start_us=START_US)
    maker = MomentMaker(plan, us_per_unit=1)
    first = maker.of(0, plan.batch_instants)
    assert maker.of(0, plan.batch_instants) is first
    assert maker.of(plan.batch_instants, plan.batch_instants) is not first
