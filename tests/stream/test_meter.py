from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.stream.latency import NOTHING_MEASURED
from nascar.stream.meter import WINDOW_S, Meter, Rates, Totals


def test_nothing_flows_before_two_looks() -> None:
    meter = Meter()
    assert meter.rates() == Rates()
    meter.tick(Totals(5, 10, 10, 10))
    assert meter.rates() == Rates()
    assert meter.due().percentiles() == meter.send().percentiles() == NOTHING_MEASURED


@given(st.integers(1, 10**7), st.integers(2, 400), st.integers(1, 4))
def test_a_steady_flow_is_its_rate_however_long_it_lasts(rate: int, ticks: int, per_s: int) -> None:
    meter = Meter()
    for tick in range(ticks):
        meter.tick(Totals(tick * 1_000_000 // per_s, tick * rate, tick * rate // 2, tick * rate * 110))
    flow = meter.rates()
    assert flow.offered == pytest.approx(rate * per_s, rel=1e-4)
    assert flow.acknowledged == pytest.approx(rate * per_s / 2, rel=1e-4, abs=per_s)
    assert flow.bytes == pytest.approx(rate * per_s * 110, rel=1e-4)


def test_a_pause_shows_and_what_was_before_the_window_does_not() -> None:
    meter = Meter()
    for second in range(20):
        meter.tick(Totals(second * 1_000_000, min(second, 10) * 100, 0, 0))
    assert meter.rates().offered == 0
    meter.tick(Totals(20_000_000, 1_100, 0, 0))
    assert meter.rates().offered == pytest.approx(100 / WINDOW_S, rel=0.25)


def test_latencies_are_forgotten_after_two_windows() -> None:
    meter = Meter()
    meter.tick(Totals(0, 0, 0, 0))
    meter.record(900_000, 400_000)
    window_us = int(WINDOW_S * 1e6)
    meter.tick(Totals(window_us, 0, 0, 0))
    meter.record(10_000, 5_000)
    assert meter.due().percentiles().max == 900
    assert meter.send().percentiles().max == 400
    meter.tick(Totals(2 * window_us, 0, 0, 0))
    assert meter.due().percentiles().max == 10
    meter.tick(Totals(3 * window_us, 0, 0, 0))
    assert meter.due().percentiles() == NOTHING_MEASURED
