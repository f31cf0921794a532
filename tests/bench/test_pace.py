"""Whether a server's storage kept pace, from the counters that a stream saw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.bench.pace import LIMIT_S, Pace, pace_of

RATE = 1_000


def report_of(backlog: list[int | None], interval_s: float = 1.0) -> dict[str, Any]:
    """A run in which the last reading is the schedule's last."""
    return {
        "target_rate": RATE,
        "duration_s": len(backlog) * interval_s,
        "timeline": {
            "interval_s": interval_s,
            "at_s": [number * interval_s for number in range(len(backlog))],
            "backlog": backlog,
        },
    }


def pace(backlog: list[int | None]) -> Pace:
    found = pace_of(report_of(backlog))
    assert found is not None
    return found


@given(st.lists(st.integers(0, round(LIMIT_S * RATE)), min_size=1, max_size=100))
def test_a_server_that_holds_no_more_than_it_may_keeps_pace(backlog: list[int]) -> None:
    assert pace(list(backlog)).is_kept


@given(st.floats(0, 0.5), st.integers(10, 300))
def test_a_server_that_stores_half_does_not_in_any_trial_of_ten_seconds_or_more(
    share: float, seconds: int
) -> None:
    assert not pace([round((1 - share) * RATE * (second + 1)) for second in range(seconds)]).is_kept


@given(st.integers(0, 5), st.integers(20, 200))
def test_a_server_that_stores_seldom_keeps_pace(every: int, seconds: int) -> None:
    assert pace([second % (every + 1) * RATE for second in range(seconds)]).is_kept


def test_what_is_left_after_the_schedule_is_of_no_account() -> None:
    report = report_of([0, 0, 0, 0, 0, 0, 50_000, 60_000, 70_000])
    report["duration_s"] = 6.0
    found = pace_of(report)
    assert found is not None
    assert found.is_kept


def test_a_server_that_fell_behind_is_told_by_how_much() -> None:
    found = pace([0, 400, 800, 1_200, 1_600, 2_000, 2_400, 2_800, 3_200])
    assert (found.left_rows, found.limit_rows) == (2_400, 1_000)
    assert "2,400 rows were acknowledged and not stored" in found.text


@pytest.mark.parametrize(
    "report",
    [None, {}, report_of([None] * 20), report_of([]), report_of([0] * 5 + [None] * 20)],
    ids=["no report", "an older report", "no counters", "nothing", "counters that vanished"],
)
def test_without_counters_to_the_end_nothing_is_said(report: dict[str, Any] | None) -> None:
    assert pace_of(report) is None
