"""What is used now, from two readings of what was used."""

from __future__ import annotations

import pytest

from nascar.monitor.use import UNKNOWN, Reading, Use, UseMeter
from nascar.process_use import Usage


def reading(at_s: float, cpu_s: float, written: int | None = 0, origin: object = None) -> Reading:
    return Reading(at_s, Usage(cpu_s, 200_000_000, 0, written), origin)


def test_rates_are_those_between_two_readings() -> None:
    meter = UseMeter()
    assert meter.take(reading(100, 5)) == Use(memory_mb=200)
    use = meter.take(reading(104, 11, 8_000_000))
    assert use == Use(cpu_cores=1.5, memory_mb=200, read_mb_s=0, write_mb_s=2)


def test_between_two_looks_at_the_same_reading_the_rates_stand() -> None:
    meter = UseMeter()
    meter.take(reading(0, 0))
    use = meter.take(reading(2, 1))
    assert meter.take(reading(2, 1)) == use


def test_a_reading_that_is_half_new_is_not_mixed_with_the_next() -> None:
    meter = UseMeter()
    meter.take(reading(0, 0))
    use = meter.take(reading(2, 1))
    assert meter.take(reading(2, 3)) == use, "new counts with the time of the old ones"
    assert meter.take(reading(4, 3)).cpu_cores == 1.0


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(reading(4, 0.5), id="less CPU"),
        pytest.param(reading(4, 50, origin="another"), id="another process"),
        pytest.param(reading(1, 50), id="another clock"),
    ],
)
def test_a_process_that_began_anew_has_no_rate_until_it_was_seen_twice(after: Reading) -> None:
    meter = UseMeter()
    meter.take(reading(0, 0))
    meter.take(reading(2, 10))
    assert meter.take(after) == Use(memory_mb=200)


def test_what_is_not_seen_is_unknown_and_so_is_a_counter_that_is_not_told() -> None:
    meter = UseMeter()
    meter.take(reading(0, 0))
    assert meter.take(None) == UNKNOWN
    assert meter.take(reading(2, 1)) == Use(memory_mb=200)
    assert meter.take(reading(3, 2, None)).write_mb_s is None
