"""A race looked at from outside says what its timing, its flags and its stops say."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.car import LENGTH_M
from nascar.race.entries import field, load_entries
from nascar.race.frames import FLAGS, TICK_S
from nascar.race.rules import Cautions, Rules
from nascar.race.score import NO_WORK, PitWork
from nascar.race.timing import LapRecord, TireReadings
from nascar.race.track import charlotte
from scripts.calibration.figures import passes_per_lap
from scripts.calibration.survey import LAP, YELLOW, Survey, gaps_ahead_m, marked, periods_s, survey

GREEN, CHECKERED = FLAGS.index("green"), FLAGS.index("checkered")


def _lap(car: int, lap: int, at_s: float, pit: bool = False) -> LapRecord:
    return LapRecord(
        tick=round(at_s / TICK_S),
        at_s=at_s,
        crossed_s=at_s,
        car=car,
        lap=lap,
        lap_time_s=30.0,
        position=1,
        gap_s=0.0,
        laps_led=0,
        tire_age_laps=lap,
        fuel_gal=10.0,
        stops=0,
        best_lap_s=30.0,
        tires=TireReadings((200.0,) * 4, (40.0,) * 4, (0.0,) * 4),
        work=PitWork(road_ticks=500) if pit else NO_WORK,
    )


def test_a_lap_flies_if_it_and_the_one_before_it_were_green() -> None:
    flags = np.full(round(200 / TICK_S), GREEN, np.int8)
    flags[round(95 / TICK_S) : round(100 / TICK_S)] = YELLOW
    laps = marked([_lap(0, lap, 30.0 * lap) for lap in range(1, 7)], flags)
    assert laps["green"].tolist() == [True, True, True, False, True, True]
    assert laps["flying"].tolist() == [False, True, True, False, False, True]


def test_a_lap_with_a_stop_is_not_green_and_the_next_does_not_fly() -> None:
    flags = np.full(round(200 / TICK_S), GREEN, np.int8)
    laps = marked([_lap(0, lap, 30.0 * lap, pit=lap == 2) for lap in range(1, 5)], flags)
    assert laps["green"].tolist() == [True, False, True, True]
    assert laps["flying"].tolist() == [False, False, False, True]


def test_the_winner_ends_a_green_lap_as_the_checkered_flag_falls() -> None:
    flags = np.full(round(100 / TICK_S), GREEN, np.int8)
    flags[round(60 / TICK_S) :] = CHECKERED
    assert marked([_lap(0, 1, 30.0), _lap(0, 2, 60.0)], flags)["green"].all()


def test_periods_of_the_yellow_flag_are_found_at_both_ends() -> None:
    flags = np.array([YELLOW, YELLOW, GREEN, YELLOW, GREEN, GREEN, YELLOW], np.int8)
    spans = [(0.0, 2.0), (3.0, 4.0), (6.0, 7.0)]
    assert np.array(periods_s(flags)) == pytest.approx(np.array(spans) * TICK_S)


def test_gaps_go_from_nose_to_tail_and_across_the_line() -> None:
    gaps_m = gaps_ahead_m(np.array([1_990.0, 3_010.0, 20.0]), 1_000.0)
    assert gaps_m == pytest.approx([10.0 - LENGTH_M, 970.0 - LENGTH_M, 20.0 - LENGTH_M])
    assert gaps_ahead_m(np.array([5.0]), 1_000.0) == pytest.approx([1_000.0 - LENGTH_M])


def test_a_pass_is_a_pair_that_changes_order_on_the_track() -> None:
    laps = np.zeros(9, LAP)
    laps["flying"] = True
    laps["lap"] = np.repeat([5, 6, 7], 3)
    laps["car"] = np.tile([0, 1, 2], 3)
    laps["position"] = [1, 2, 3, 2, 1, 3, 3, 2, 1]
    # From lap 5 to lap 6 one pair, a place each; from there to lap 7 the last passes both others, who keep
    # their order: two pairs, and two places for one car, one for each of the others.
    assert passes_per_lap(laps) == pytest.approx(((1 + 2) / 2, (2 + 4) / 6))
    laps["flying"][laps["lap"] == 6] = False
    assert passes_per_lap(laps) == (0.0, 0.0)


def test_a_surveyed_race_is_told_to_its_end(short_race: Survey) -> None:
    box = short_race.box
    assert not short_race.stalled
    assert box.official
    assert box.laps_completed >= 24
    assert len(box.caution_periods) == len(short_race.cautions_s)
    assert sum(finish.stops for finish in box.finish_order) == short_race.stops.size
    for finish in box.finish_order:
        car = [entry.car_number for entry in load_entries()].index(finish.car)
        assert np.count_nonzero(short_race.laps["car"] == car) == finish.laps
    yellow_s = sum(end - begin for begin, end in short_race.cautions_s)
    assert short_race.green_s + yellow_s == pytest.approx(short_race.race_s)
    assert 0.0 <= short_race.train_share <= 1.0
    assert short_race.green_cpu_s > 0


def test_green_laps_are_faster_than_any_behind_the_pace_car(short_race: Survey) -> None:
    laps = short_race.laps
    flying = laps["lap_s"][laps["flying"]]
    assert flying.size > 50
    pace_lap_s = charlotte().length_m / charlotte().pace_mps
    assert flying.max() < 0.6 * pace_lap_s


def test_the_same_seed_gives_the_same_survey() -> None:
    twice = [survey(field(load_entries(), 3), charlotte(), Rules(3, Cautions.NONE), 8) for _ in range(2)]
    assert (twice[0].laps == twice[1].laps).all()
    assert twice[0].box == twice[1].box
