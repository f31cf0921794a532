"""A gap is the time since the lead was where the car is."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.frames import Floats
from nascar.telemetry.trail import KEPT, SLOWEST_MPS, LeaderTrail


def driven(speeds_mps: list[float], kept: int = KEPT) -> LeaderTrail:
    """A lead that drives so in the tenths of a second from 0 s and 0 m on."""
    trail = LeaderTrail(kept)
    place_m = 0.0
    for instant, speed_mps in enumerate(speeds_mps):
        trail.add(instant / 10, place_m)
        place_m += speed_mps / 10
    return trail


def gaps_at(
    trail: LeaderTrail, time_s: float, lead_m: float, places_m: list[float], speed_mps: float = 80.0
) -> Floats:
    """The gaps of cars at `places_m` at one instant."""
    time, lead, speed = (np.array([value]) for value in (time_s, lead_m, speed_mps))
    gaps_s: Floats = trail.gaps_s(time, np.array([places_m]), lead, speed)[0]
    return gaps_s


def test_at_a_steady_speed_the_gap_is_distance_over_speed() -> None:
    gaps_s = gaps_at(driven([80.0] * 101), 10.0, 800.0, [800.0, 796.0, 720.0, 1.0])
    np.testing.assert_allclose(gaps_s, [0, 0.05, 1, 9.9875], atol=1e-9)


def test_a_lead_that_has_slowed_down_was_there_when_it_was() -> None:
    # 5 s at 80 m/s, then 5 s at 20 m/s: the lead is at 500 m and was at 400 m five seconds ago.
    gaps_s = gaps_at(driven([80.0] * 50 + [20.0] * 51), 10.0, 500.0, [500.0, 400.0, 80.0])
    np.testing.assert_allclose(gaps_s, [0, 5, 9], atol=1e-9)


def test_what_comes_later_changes_nothing() -> None:
    speeds = [80.0] * 30 + [0.0] * 20 + [40.0] * 30
    lead_m = np.concatenate(([0.0], np.cumsum(speeds)[:-1] / 10))
    whole = driven(speeds)
    for instant in range(len(speeds)):
        places = (lead_m[instant] * np.linspace(0, 1, 50)).tolist()
        then = gaps_at(driven(speeds[: instant + 1]), instant / 10, lead_m[instant], places)
        np.testing.assert_allclose(gaps_at(whole, instant / 10, lead_m[instant], places), then, atol=1e-4)


def test_a_lead_that_stands_is_still_where_it_is_and_the_others_lose_time() -> None:
    gaps_s = gaps_at(driven([80.0] * 10 + [0.0] * 30), 3.9, 80.0, [80.0, 40.0], 0.0)
    np.testing.assert_allclose(gaps_s, [0, 3.9 - 0.5])


def test_a_lead_that_stood_has_left_when_it_left() -> None:
    # At 80 m from 1 s to 4 s, then on at 40 m/s: 82 m were passed half a tenth later.
    gaps_s = gaps_at(driven([80.0] * 10 + [0.0] * 30 + [40.0] * 11), 5.0, 120.0, [82.0, 79.0])
    np.testing.assert_allclose(gaps_s, [0.95, 5.0 - 79 / 80], atol=1e-4)


def test_a_lead_that_is_gone_leaves_the_lead_where_it_was() -> None:
    trail = driven([80.0] * 11)
    trail.add(1.1, 60.0)
    assert gaps_at(trail, 1.1, 80.0, [60.0])[0] == pytest.approx(1.1 - 0.75)


def test_behind_the_trail_the_gap_is_by_distance_and_has_no_step() -> None:
    trail = driven([80.0])
    np.testing.assert_allclose(gaps_at(trail, 0.0, 0.0, [0.0, -40.0]), [0, 0.5])
    assert gaps_at(trail, 0.0, 0.0, [-40.0], 0.0)[0] == 40 / SLOWEST_MPS


def test_a_trail_forgets_and_a_gap_within_it_stays_exact() -> None:
    trail, now_m = driven([80.0] * 1_000, kept=100), 999 * 8.0
    gaps_s = gaps_at(trail, 99.9, now_m, [now_m, now_m - 400, now_m - 790])
    np.testing.assert_allclose(gaps_s, [0, 5, 9.875], atol=1e-9)
    # Further back than it remembers, by distance: at a steady speed that is the same.
    np.testing.assert_allclose(gaps_at(trail, 99.9, now_m, [now_m - 4_000]), [50], atol=1e-9)


def test_after_clear_another_race_begins_at_its_own_start() -> None:
    trail = driven([80.0] * 100 + [0.0] * 5)
    trail.clear()
    trail.add(20.0, -5.0)
    trail.add(20.1, 0.0)
    np.testing.assert_allclose(gaps_at(trail, 20.1, 0.0, [0.0, -5.0], 50.0), [0, 0.1])
