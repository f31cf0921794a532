"""Law 14: no two cars in one place, order is distance, and lap times spread by driver."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.frames import Frames
from nascar.race.track import Track

from .conftest import RunRace, Stint, lap_times_s, overlaps


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
    assert np.abs(spread).max() < 0.01
    noise_s = np.diff(laps_s, axis=1) / np.sqrt(2)
    quiet = np.sort(np.abs(noise_s), axis=1)[:, : int(0.68 * noise_s.shape[1])].max(axis=1)
    assert 0.01 < np.median(quiet) < 0.15
