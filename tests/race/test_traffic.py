"""Law 14: no two cars in one place, order is distance, and lap times spread by driver."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.frames import Frames
from nascar.race.track import Track

from .conftest import RunRace, Stint, lap_times_s
from .laws import overlaps
from .record import Record


def test_law_14_holds_at_every_tick_of_whole_races(record: Record) -> None:
    """No two cars in one place, order is distance, positions are a permutation: whatever the flag."""
    assert [breach for breach in record.breaches if breach.startswith("law 14:")] == []


def test_no_car_ever_stands_on_the_racing_surface(record: Record) -> None:
    assert [breach for breach in record.breaches if breach.startswith("no stall:")] == []


def test_law_09_a_car_in_the_draft_is_faster_than_one_alone(run_race: RunRace) -> None:
    alone = run_race(1, 7, 95.0).speed_mps.max()
    for seed in (3, 7):
        assert run_race(40, seed, 95.0).speed_mps.max() > alone + 0.5


def test_law_09_trains_form_and_the_lead_changes(whole: Record) -> None:
    """Under green many cars run within three lengths of another, and the lead is not one car's."""
    green = np.flatnonzero(whole.flag == 0)[::50]
    place_m = np.sort(whole.place_m()[green], axis=1)
    gap_m = np.diff(place_m, axis=1)
    assert 0.08 < (gap_m < 20.0).mean() < 0.8
    leaders = np.argmin(whole.position[green], axis=1)
    assert len(set(leaders.tolist())) >= 5
    assert (np.diff(leaders) != 0).sum() >= 10


def test_law_09_the_running_order_follows_pace(whole: Record) -> None:
    """A fast car is further up: best laps and average position go together."""
    best_s = [np.diff(whole.crossed_s(car)).min() for car in range(whole.cars)]
    mean_position = whole.position[5_000:].mean(axis=0)
    running = np.array([whole.crossed_s(car).size > 300 for car in range(whole.cars)])
    assert running.sum() > 25
    assert np.corrcoef(np.array(best_s)[running], mean_position[running])[0, 1] > 0.3


def test_law_14_no_two_cars_are_in_one_place_over_a_stint_with_stops(stint: Stint, track: Track) -> None:
    assert overlaps(stint.distance_m[::5], stint.lane_m[::5], track.length_m) == []


@pytest.mark.parametrize("cars", [2, 40, 128])
def test_law_14_no_two_cars_are_in_one_place_after_the_start(
    run_race: RunRace, track: Track, cars: int
) -> None:
    frames = run_race(cars, 3, 95.0)
    assert overlaps(frames.distance_m[::3], frames.lane_m[::3], track.length_m) == []


def test_law_14_the_order_is_the_order_of_distance(opening: Frames) -> None:
    order = np.argsort(opening.position, axis=1)
    assert (np.sort(opening.position, axis=1) == np.arange(1, 41)).all()
    assert (np.diff(np.take_along_axis(opening.distance_m, order, axis=1), axis=1) < 0).all()


def test_law_14_cars_pass_each_other(opening: Frames) -> None:
    assert (opening.position[0] != opening.position[-1]).sum() > 10


def test_law_14_a_lane_change_takes_its_time(opening: Frames) -> None:
    sideways_mps = np.abs(np.diff(opening.lane_m, axis=0)) / 0.04
    assert 1.0 < sideways_mps.max() < 4.0


def test_law_14_lap_times_spread_by_driver_and_by_lap(stint: Stint, track: Track) -> None:
    # Drivers within about ±0.5 %, laps of one driver within ±0.05 to 0.1 s: laps 20 to 50 of the run,
    # each driver against the field, then each lap against its driver's trend.
    laps_s = np.stack([lap_times_s(stint.distance_m[:, car], track.length_m)[20:50] for car in range(40)])
    unhurried = np.median(laps_s, axis=1)
    spread = unhurried / np.median(unhurried) - 1.0
    assert 0.001 < spread.std() < 0.005
    assert np.quantile(np.abs(spread), 0.95) < 0.01
    noise_s = np.diff(laps_s, axis=1) / np.sqrt(2)
    quiet = np.sort(np.abs(noise_s), axis=1)[:, : int(0.68 * noise_s.shape[1])].max(axis=1)
    assert 0.01 < np.median(quiet) < 0.15
