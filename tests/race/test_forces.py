"""Law 4: what is felt on a banked arc, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.car import GRAVITY_MPS2, MPH_MPS
from nascar.race.chassis import read_chassis
from nascar.race.events import EventKind
from nascar.race.frames import TICK_S, Bools, Frames
from nascar.race.track import Track

from .record import EVERY_TICKS, Record

# Charlotte at 24°: lateral and vertical g at a speed in mph, turns 1–2 (R 685 ft) and 3–4 (R 625 ft).
TABLE = [
    (0, 165, 2.02, 1.99),
    (0, 175, 2.32, 2.13),
    (0, 185, 2.64, 2.27),
    (1, 165, 2.25, 2.10),
    (1, 175, 2.59, 2.25),
    (1, 185, 2.94, 2.40),
    # At caution speed the banking nearly carries the car: about 0 and 1.1.
    (0, 67, 0.0, 1.10),
]


@pytest.mark.parametrize(("corner", "speed_mph", "lateral_g", "vertical_g"), TABLE)
def test_law_04_forces_on_the_banking_are_those_of_the_table(
    track: Track, corner: int, speed_mph: float, lateral_g: float, vertical_g: float
) -> None:
    middle_m = (track.corners[corner].start_m + track.corners[corner].end_m) / 2
    felt = read_chassis(track, np.array([middle_m]), np.array([speed_mph * MPH_MPS]), np.zeros(1))
    assert felt.lateral_g[0] == pytest.approx(lateral_g, abs=0.012)
    assert felt.vertical_g[0] == pytest.approx(vertical_g, abs=0.012)


def test_law_04_every_cars_forces_follow_from_its_speed_and_place(opening: Frames, track: Track) -> None:
    turning_g = opening.speed_mps**2 * track.curvature_per_m(opening.distance_m) / GRAVITY_MPS2
    banking_rad = np.radians(track.banking_deg(opening.distance_m))
    lateral_g = turning_g * np.cos(banking_rad) - np.sin(banking_rad)
    vertical_g = turning_g * np.sin(banking_rad) + np.cos(banking_rad)
    np.testing.assert_allclose(opening.lateral_g, lateral_g, atol=1e-3)
    np.testing.assert_allclose(opening.vertical_g, vertical_g, atol=1e-3)


def test_law_04_all_turns_are_left_and_felt_with_one_sign(opening: Frames, track: Track) -> None:
    turning = track.curvature_per_m(opening.distance_m) > 1e-3
    assert opening.lateral_g[turning].min() > 0.0
    assert opening.lateral_g.max() > 2.0
    assert opening.lateral_g.max() < 3.5


def test_law_07_steering_is_small_to_the_left_and_follows_the_curvature(
    opening: Frames, track: Track
) -> None:
    curvature = track.curvature_per_m(opening.distance_m)
    assert opening.steering_angle_deg.min() >= 0.0
    assert opening.steering_angle_deg.max() < 30.0
    assert np.corrcoef(curvature.ravel(), opening.steering_angle_deg.ravel())[0, 1] > 0.95


def in_control(record: Record) -> Bools:
    """``(rows, cars)``: not within a quarter of a minute after an incident."""
    calm = np.ones(record.distance_m.shape, np.bool_)
    for event in record.of(EventKind.INCIDENT):
        row = record.row(event.tick)
        calm[max(row - 1, 0) : row + round(15.0 / (TICK_S * EVERY_TICKS)), event.car] = False
    return calm


def test_law_04_vertical_g_is_that_of_place_and_speed_at_every_tick_of_whole_races(record: Record) -> None:
    assert [breach for breach in record.breaches if breach.startswith("law 4:")] == []


def test_law_04_lateral_g_is_that_of_place_and_speed_but_in_a_spin(record: Record) -> None:
    speed = record.speed_mps.astype(np.float64)
    sine, cosine = record.track.banking_sin_cos(record.distance_m)
    turning_g = speed**2 * record.track.curvature_per_m(record.distance_m) / GRAVITY_MPS2
    away_g = np.abs(record.lateral_g - (turning_g * cosine - sine))
    assert away_g[in_control(record)].max() < 2e-3


def test_law_04_at_caution_speed_the_banking_carries_the_car(whole: Record) -> None:
    """About 0 across and 1.1 g down in the turns of 24° at 55 mph: a little less than nothing to hold."""
    rows = np.flatnonzero((whole.flag == 1) & (np.abs(np.median(whole.speed_mps, axis=1) - 24.9) < 0.6))
    banked = whole.track.banking_deg(whole.distance_m[rows]) > 23.9
    lateral_g = whole.lateral_g[rows][banked & in_control(whole)[rows]]
    assert np.median(lateral_g) == pytest.approx(-0.13, abs=0.06)


def test_law_07_only_who_loses_control_steers_against_the_turn(record: Record) -> None:
    assert record.steering_angle_deg[in_control(record)].min() >= -1e-6
    spins = [e for e in record.of(EventKind.INCIDENT) if "spins" in e.text or "crashes" in e.text]
    for event in spins:
        rows = slice(record.row(event.tick), record.row(event.tick + 100))
        assert record.steering_angle_deg[rows, event.car].min() < -20.0, event
        assert record.lateral_g[rows, event.car].min() < 0.0


def test_ride_heights_fall_with_load_and_the_nose_dips_under_braking(track: Track) -> None:
    straight_m, turn_m = 1_200.0, 650.0
    speed = np.array([80.0, 80.0, 80.0, 20.0])
    felt = read_chassis(
        track, np.array([straight_m, turn_m, straight_m, straight_m]), speed, np.array([0, 0, -1, 0.0])
    )
    coasting, loaded, braking, slow = range(4)
    for height in (felt.ride_height_front_in, felt.ride_height_rear_in):
        assert height[loaded] < height[coasting] < height[slow]
    assert felt.ride_height_front_in[braking] < felt.ride_height_front_in[coasting]
    assert felt.ride_height_rear_in[braking] > felt.ride_height_rear_in[coasting]
