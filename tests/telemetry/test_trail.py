"""A gap is the time since the lead was where the car is."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.telemetry.trail import KEPT, SLOWEST_MPS, LeaderTrail


def driven(speeds_mps: list[float], kept: int = KEPT) -> LeaderTrail:
    """A lead that drives so in the tenths of a second from 0 s and 0 m on."""
    trail = LeaderTrail(kept)
    place_m = 0.0
    for instant, speed_mps in enumerate(speeds_mps):
        trail.add(instant / 10, place_m)
        place_m += speed_mps / 10
    return trail


def test_at_a_steady_speed_the_gap_is_distance_over_speed() -> None:
    trail = driven([80.0] * 101)
    np.testing.assert_allclose(
        trail.gaps_s(np.array([800.0, 796.0, 720.0, 1.0]), 80.0), [0, 0.05, 1, 9.9875], atol=1e-9
    )


def test_a_lead_that_has_slowed_down_was_there_when_it_was() -> None:
    trail = driven([80.0] * 50 + [20.0] * 51)
    # 5 s at 80 m/s, then 5 s at 20 m/s: the lead is at 500 m and was at 400 m five seconds ago.
    np.testing.assert_allclose(trail.gaps_s(np.array([500.0, 400.0, 80.0]), 20.0), [0, 5, 9], atol=1e-9)


def test_a_lead_that_stands_is_still_where_it_is_and_the_others_lose_time() -> None:
    trail = driven([80.0] * 10 + [0.0] * 30)
    gaps_s = trail.gaps_s(np.array([80.0, 40.0]), 0.0)
    assert gaps_s[0] == 0
    assert gaps_s[1] == pytest.approx(3.9 - 0.5)


def test_a_lead_that_is_gone_leaves_the_lead_where_it_was() -> None:
    trail = driven([80.0] * 11)
    trail.add(1.1, 60.0)
    assert trail.gaps_s(np.array([60.0]), 80.0)[0] == pytest.approx(1.1 - 0.75)


def test_behind_the_trail_the_gap_is_by_distance_and_has_no_step() -> None:
    trail = driven([80.0])
    np.testing.assert_allclose(trail.gaps_s(np.array([0.0, -40.0]), 80.0), [0, 0.5])
    assert trail.gaps_s(np.array([-40.0]), 0.0)[0] == 40 / SLOWEST_MPS


def test_a_trail_forgets_and_a_gap_within_it_stays_exact() -> None:
    trail = driven([80.0] * 1_000, kept=100)
    now_m = 999 * 8.0
    gaps_s = trail.gaps_s(now_m - np.array([0.0, 400.0, 790.0]), 80.0)
    np.testing.assert_allclose(gaps_s, [0, 5, 9.875], atol=1e-9)
    # Further back than it remembers, by distance: at a steady speed that is the same.
    np.testing.assert_allclose(trail.gaps_s(np.array([now_m - 4_000]), 80.0), [50], atol=1e-9)


def test_after_clear_another_race_begins_at_its_own_start() -> None:
    trail = driven([80.0] * 100)
    trail.clear()
    trail.add(10.0, -5.0)
    assert trail.gaps_s(np.array([-5.0]), 20.0)[0] == 0
