"""Law 10 as far as clean air goes: heat, pressure, wear and what they do to the lap time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nascar.race import tires
from nascar.race.events import EventKind
from nascar.race.frames import TICK_S, TIRES, Frames
from nascar.race.track import Track

from .conftest import Stint, lap_times_s
from .laws import GREEN, YELLOW
from .record import TIRES_EVERY_TICKS, Record

LF, RF, LR, RR = range(4)


def test_law_10_pressure_follows_the_gas_law() -> None:
    # Right front: 50 psi at 80 °F is 66.8 psi at 220 °F.
    assert TIRES[RF] == "rf"
    cold = tires.pressure_psi(np.full((1, 4), 80.0))[0]
    # Minimum cold pressures of the series: left front 20, left rear 22, right front 50, right rear 46 psi.
    np.testing.assert_allclose(cold, [20.0, 50.0, 22.0, 46.0], atol=1e-9)
    assert tires.pressure_psi(np.full((1, 4), 220.0))[0, RF] == pytest.approx(66.8, abs=0.05)


def test_law_10_every_pressure_in_the_race_belongs_to_its_temperature(opening: Frames) -> None:
    np.testing.assert_allclose(opening.tire_pressure_psi, tires.pressure_psi(opening.tire_temp_f), rtol=1e-12)


def test_law_10_holds_at_every_tick_of_whole_races(record: Record) -> None:
    """Wear, temperature and pressure: at every flag, at stops and in incidents."""
    assert [breach for breach in record.breaches if breach.startswith("law 10:")] == []


def test_law_10_temperatures_fall_under_caution_and_are_back_within_five_laps(whole: Record) -> None:
    lap_s = 31.0
    seen = 0
    for (yellow, flag), (green, after) in pairwise(whole.flags_shown):
        if flag != YELLOW or after != GREEN:
            continue
        at = [tick // TIRES_EVERY_TICKS for tick in (yellow, green)]
        back = at[1] + round(5 * lap_s / (TIRES_EVERY_TICKS * TICK_S))
        if back >= whole.tire_temp_f.shape[0] or whole.flag[back * 5 - 1] != GREEN:
            continue
        # Those that have been running before and after.
        racing = (whole.speed_mps[whole.row(yellow)] > 60.0) & (whole.speed_mps[back * 5] > 60.0)
        hot_f, cold_f, warm_f = (whole.tire_temp_f[row][racing][:, RF].mean() for row in (*at, back))
        seen += 1
        assert cold_f < hot_f - 60.0
        assert (warm_f - cold_f) / (hot_f - cold_f) > 0.85
    assert seen >= 2


def test_law_10_a_stop_changes_the_tires_it_says(whole: Record, busy: Record) -> None:
    """Four, the two of the right side, or none: those are new, the others go on wearing."""
    seen = {0: 0, 2: 0, 4: 0}
    for race in (whole, busy):
        for stop in race.of(EventKind.STOP):
            began = stop.tick - round(stop.standing_s / TICK_S)
            before = race.tire_wear[began // TIRES_EVERY_TICKS - 1, stop.car]
            after = race.tire_wear[stop.tick // TIRES_EVERY_TICKS + 1, stop.car]
            new = {0: [], 2: [RF, RR], 4: [LF, RF, LR, RR]}[stop.tires]
            kept = [tire for tire in range(4) if tire not in new]
            assert (after[new] < 0.002).all(), stop
            assert (after[kept] >= before[kept]).all(), stop
            assert (after[kept] < before[kept] + 0.01).all(), stop
            seen[stop.tires] += 1
    assert min(seen.values()) >= 2, seen


def test_law_10_the_right_front_is_hottest_and_the_left_side_about_170_f(stint: Stint) -> None:
    # ~170 °F on the left, 200 to 230 °F on the right: averages of laps 20 to 60 of the run.
    settled = stint.tire_temp_f[600:1_800].mean(axis=0)
    assert (settled.argmax(axis=1) == RF).all()
    assert settled[:, RF].mean() == pytest.approx(212, abs=12)
    assert settled[:, RR].mean() == pytest.approx(203, abs=12)
    assert settled[:, LF].mean() == pytest.approx(170, abs=10)
    assert settled[:, LR].mean() == pytest.approx(168, abs=10)


def test_law_10_tires_warm_up_over_three_to_five_laps(stint: Stint) -> None:
    """Nine tenths of the way after three to five laps: from the green flag, lap averages of the right front."""
    laps = stint.tire_temp_f[:300, :, RF].reshape(10, 30, -1).mean(axis=1)
    share = (laps - stint.tire_temp_f[0, :, RF]) / (laps[-1] - stint.tire_temp_f[0, :, RF])
    assert (share[0] < 0.8).all()
    assert (share[4] > 0.9).all()


def test_law_10_wear_never_falls_between_stops(stint: Stint) -> None:
    worn = np.diff(stint.tire_wear, axis=0)
    on_pit_road = stint.on_pit_road[::25]
    standing = on_pit_road[1:] | on_pit_road[:-1]
    assert worn[~standing].min() >= 0.0
    assert stint.tire_wear.max() <= 1.0
    last = stint.tire_wear[1_500]
    assert (last.argmax(axis=1) == RF).all()


def test_law_10_laps_fall_off_by_half_a_second_to_one_and_a_half_over_a_run(
    stint: Stint, track: Track
) -> None:
    laps_s = np.stack([lap_times_s(stint.distance_m[:, car], track.length_m)[:60] for car in range(40)])
    fresh_s, worn_s = np.median(laps_s[:, 1:5]), np.median(laps_s[:, 55:60])
    assert 0.5 < worn_s - fresh_s < 1.5
    # Long-run practice laps at Charlotte: 30.2 to 31.8 s on average.
    assert 30.2 < np.median(laps_s[:, 1:].mean(axis=1)) < 31.8


def test_new_tires_are_cold_and_unworn_and_warm_ones_keep_what_they_lost() -> None:
    worn, temps = np.full((2, 4), 0.4), np.full((2, 4), 200.0)
    slide = np.ones((25, 2, 4))
    changes = ((10, 1, (1, 3)),)
    after = tires.wear(worn, slide, changes)
    np.testing.assert_array_equal(after[10, 1, [1, 3]], 0.0)
    assert (after[10, 1, [0, 2]] > 0.4).all()
    assert (after[:, 0] >= 0.4).all()
    heat = tires.temps_f(temps, slide, changes)
    np.testing.assert_array_equal(heat[10, 1, [1, 3]], tires.COLD_TEMP_F)
    assert heat[9, 1, 1] > 190
    assert tires.COLD_TEMP_F < heat[-1, 1, 1] < 90


def test_grip_falls_with_wear_and_is_less_when_cold() -> None:
    warm = np.full((1, 4), 210.0)
    shares = [tires.grip(warm, np.full((1, 4), worn))[0] for worn in (0.0, 0.05, 0.3, 0.9)]
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    # The first laps cost more than later ones.
    assert (shares[0] - shares[1]) / 0.05 > 2 * (shares[2] - shares[3]) / 0.6
    assert tires.grip(np.full((1, 4), 80.0), np.zeros((1, 4)))[0] < 0.96
