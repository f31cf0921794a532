"""Laws 1 to 3, 5, 6 and 8: speed, place, pedals and engine tell one story."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.car import (
    AIR_KG_PER_M3,
    DRAG_AREA_M2,
    GRAVITY_MPS2,
    MPH_MPS,
    RPM_PER_MPS,
    WHEEL_POWER_W,
)
from nascar.race.frames import ARRAYS, TICK_S, Frames
from nascar.race.track import Track

from .conftest import RunRace, Stint, lap_times_s
from .record import EVERY_TICKS, Record


@pytest.mark.parametrize("law", [1, 2, 3, 5, 6])
def test_laws_01_to_06_hold_at_every_tick_of_whole_races(record: Record, law: int) -> None:
    """On green, under caution, at restarts, on pit road, in incidents and after the end."""
    assert [breach for breach in record.breaches if breach.startswith(f"law {law}:")] == []


def test_law_02_the_laps_add_up_to_the_race(record: Record) -> None:
    """Lap times are the integral of speed: for every car, whole laps over their times are its mean speed."""
    for car in range(record.cars):
        crossed_s = record.crossed_s(car)
        if crossed_s.size < 3:
            continue
        rows = np.round(crossed_s[[0, -1]] / (TICK_S * EVERY_TICKS)).astype(int)
        mean_mps = record.speed_mps[rows[0] : rows[1], car].mean(dtype=np.float64)
        way_m = (crossed_s.size - 1) * record.track.length_m
        assert way_m / (crossed_s[-1] - crossed_s[0]) == pytest.approx(mean_mps, rel=2e-3)


def test_law_01_no_channel_is_ever_missing_or_infinite(opening: Frames) -> None:
    for name in ARRAYS:
        assert np.isfinite(np.asarray(getattr(opening, name), np.float64)).all(), name


def test_law_02_distance_is_the_integral_of_speed(opening: Frames) -> None:
    mean_mps = (opening.speed_mps[1:] + opening.speed_mps[:-1]) / 2
    np.testing.assert_allclose(np.diff(opening.distance_m, axis=0), mean_mps * TICK_S, atol=1e-9)


def test_law_02_the_lap_counter_turns_at_the_line(opening: Frames, track: Track) -> None:
    laps = np.floor(opening.distance_m / track.length_m) + 1
    np.testing.assert_array_equal(opening.lap, np.maximum(laps, 1))
    assert opening.lap.min() == 1
    assert opening.lap.max() == 4


def test_law_03_longitudinal_g_is_the_change_of_speed(opening: Frames) -> None:
    gained_g = np.diff(opening.speed_mps, axis=0) / TICK_S / GRAVITY_MPS2
    np.testing.assert_allclose(opening.longitudinal_g[1:], gained_g, atol=1e-9)


def test_law_03_cars_gain_speed_on_throttle_and_lose_it_off_throttle_or_braking(opening: Frames) -> None:
    # +0.1 … +0.3 g on straights, where drag takes more of it towards the end; −0.3 … −1 g off the throttle.
    held = np.minimum.reduce([opening.throttle[lag : opening.ticks - 10 + lag] for lag in range(10)])
    flat_out_g = opening.longitudinal_g[10:][held[: opening.ticks - 10] > 0.999]
    assert np.quantile(flat_out_g, 0.01) > 0.0
    assert 0.08 < flat_out_g.max() < 0.3
    closed = (opening.throttle[:-1] < 0.01) & (opening.throttle[1:] < 0.01)
    slowing_g = opening.longitudinal_g[1:][closed]
    assert slowing_g.max() < -0.25
    assert slowing_g.min() > -1.3


def test_law_03_nothing_shows_full_throttle_and_strong_deceleration_at_once(
    stint: Stint, opening: Frames
) -> None:
    assert not ((opening.throttle > 0.9) & (opening.longitudinal_g < -0.1)).any()


def test_law_05_rpm_is_speed_by_the_ratio_of_the_gear(opening: Frames) -> None:
    # 9,000 rpm at 190 mph in top gear: 47.4 rpm/mph. The whole green lap is in top gear.
    assert (opening.gear == 4).all()
    np.testing.assert_allclose(opening.rpm, opening.speed_mps / MPH_MPS * 47.4, rtol=1e-12)
    assert RPM_PER_MPS[4] * 190 * MPH_MPS == pytest.approx(9_000, abs=10)


def test_law_05_lower_gears_only_on_pit_road_and_third_on_the_way_in(stint: Stint) -> None:
    assert stint.gear[~stint.on_pit_road].min() >= 3
    assert stint.gear[stint.on_pit_road].min() == 1
    # Below, a slipping clutch gets the car away from its box.
    driving = stint.speed_mps > 17.0
    ratio = np.array(RPM_PER_MPS)[stint.gear]
    np.testing.assert_allclose(stint.rpm[driving], (stint.speed_mps * ratio)[driving], rtol=1e-9)


def test_law_06_throttle_and_brake_exclude_each_other(opening: Frames) -> None:
    assert not ((opening.throttle > 0.3) & (opening.brake_pressure_psi > 50)).any()
    assert ((opening.throttle > 0.05) & (opening.brake_pressure_psi > 50)).mean() < 0.002


def test_law_06_throttle_leads_acceleration(opening: Frames) -> None:
    """Of all shifts, what acceleration gains matches best what the foot has given a moment before, not after."""
    given = np.diff(opening.throttle[400:], axis=0)
    gained_g = np.diff(opening.longitudinal_g[400:], axis=0)
    # Off the brakes, which tell on acceleration too.
    given[(opening.brake_pressure_psi[401:] > 0) | (opening.brake_pressure_psi[400:-1] > 0)] = 0.0

    def match(lag: int) -> float:
        later = gained_g[lag:] if lag >= 0 else gained_g[:lag]
        sooner = given[: given.shape[0] - lag] if lag >= 0 else given[-lag:]
        return float(np.corrcoef(sooner.ravel(), later.ravel())[0, 1])

    best = max(range(-5, 6), key=match)
    assert 0 < best <= 3


def test_law_06_most_turn_ins_have_a_brake_blip_of_hundreds_of_psi(opening: Frames, track: Track) -> None:
    place_m = track.lap_distance_m(opening.distance_m)
    peaks = []
    for corner in track.corners:
        entering = (place_m > corner.start_m - 120) & (place_m < corner.start_m + 200) & (opening.lap == 2)
        peaks.append(np.where(entering, opening.brake_pressure_psi, 0.0).max(axis=0))
    blips = np.concatenate(peaks)
    assert ((blips > 100) & (blips < 500)).mean() > 0.75


@pytest.mark.parametrize("cars", [1, 5, 40, 128])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_law_06_heavy_braking_ranks_few_drivers_within_15_s(run_race: RunRace, cars: int, seed: int) -> None:
    """What question 8 asks: readings above 500 psi by driver, seen soon after the green flag."""
    readings = (run_race(cars, seed, 15.0).brake_pressure_psi > 500).sum(axis=0)
    assert readings.any()
    assert (readings > 0).sum() <= max(1, 0.3 * cars)
    assert readings.sum() < 0.03 * cars * 15 / TICK_S


def test_law_08_power_and_drag_balance_near_190_mph() -> None:
    # 670 hp × 0.88 at 190 mph is 5.2 kN.
    speed_mps = 190 * MPH_MPS
    push_n = WHEEL_POWER_W / speed_mps
    drag_n = 0.5 * AIR_KG_PER_M3 * DRAG_AREA_M2 * speed_mps**2
    assert push_n == pytest.approx(5_200, rel=0.02)
    assert 0.8 < drag_n / push_n < 1.0


def test_law_08_a_clean_lap_on_new_tires_takes_about_a_pole_lap(run_race: RunRace, track: Track) -> None:
    # Pole 2025: 29.532 s = 182.85 mph; top speeds are near 190 mph.
    frames = run_race(1, 7, 95.0)
    laps_s = lap_times_s(frames.distance_m[:, 0], track.length_m)
    assert laps_s[1:].min() == pytest.approx(29.532, abs=0.3)
    assert 185 < frames.speed_mps.max() / MPH_MPS < 196


def test_the_field_starts_rolling_double_file_with_the_leader_at_the_line(opening: Frames) -> None:
    order = np.argsort(opening.position[0])
    assert opening.distance_m[0, order[0]] == 0.0
    assert (opening.distance_m[0] <= 0.0).all()
    assert opening.lap[0].max() == 1
    # Two lanes three metres apart; within them each driver has his own line.
    assert np.abs(opening.lane_m[0, order[0::2]] - 3.0).max() <= 0.31
    assert np.abs(opening.lane_m[0, order[1::2]]).max() <= 0.31
    assert opening.speed_mps[0].min() > 150 * MPH_MPS
    assert (opening.flag == 0).all()
