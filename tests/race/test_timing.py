"""Timing reads laps, gaps and stops out of frames; checked on a race whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.entries import field, load_entries
from nascar.race.frames import TICK_S
from nascar.race.simulation import Race
from nascar.race.timing import Standings, TimedRace, Timing
from nascar.race.track import charlotte


def _timed(cars: int, seconds: float, block: int = 7) -> tuple[Standings, TimedRace]:
    track = charlotte()
    race = TimedRace(Race(field(load_entries(), cars), track, 5), Timing(cars, track.length_m))
    for _ in range(round(seconds / TICK_S / block)):
        race.advance(block)
    standings = race.timing.standings()
    assert standings is not None
    return standings, race


def test_before_the_first_tick_there_are_no_standings() -> None:
    assert Timing(3, 1000.0).standings() is None


def test_the_order_is_the_order_of_distance_and_gaps_do_not_shrink_down_the_order() -> None:
    standings, race = _timed(40, 100)
    frames = race.advance(1)
    assert sorted(standings.car.tolist()) == list(range(40))
    distance_m = frames.distance_m[0, standings.car]
    # One tick later no two cars have changed places by more than they can travel in it.
    assert (np.diff(distance_m) < 5.0).all()
    same_lap = standings.lap == standings.leader_lap
    assert (standings.gap_s >= 0).all()
    assert (np.diff(standings.gap_s[same_lap]) > -1.0).all()


def test_lap_times_are_the_integral_of_speed_over_a_lap() -> None:
    """Law 2: v = ds/dt, and the lap time is its integral."""
    standings, _ = _timed(10, 130)
    track = charlotte()
    race = Race(field(load_entries(), 10), track, 5)
    frames = race.advance(round(130 / TICK_S))
    for place, car in enumerate(standings.car.tolist()):
        distance_m = frames.distance_m[:, car]
        laps = int(distance_m[-1] // track.length_m)
        ends_s = np.interp(
            [track.length_m * (laps - 1), track.length_m * laps], distance_m, np.arange(frames.ticks) * TICK_S
        )
        # To the millisecond: two crossings, each rounded.
        assert standings.last_lap_s[place] == pytest.approx(ends_s[1] - ends_s[0], abs=1.001e-3)
        assert standings.best_lap_s[place] <= standings.last_lap_s[place]


def test_after_two_laps_every_car_has_a_lap_time_also_those_that_started_on_the_line() -> None:
    standings, _ = _timed(40, 75)
    assert (standings.lap >= 2).all()
    assert (standings.last_lap_s > 25).all()


def test_what_is_timed_does_not_depend_on_how_the_ticks_are_cut() -> None:
    one, _ = _timed(12, 84, block=7)
    other, _ = _timed(12, 84, block=100)
    assert one.race_time_s == pytest.approx(other.race_time_s)
    np.testing.assert_array_equal(one.car, other.car)
    np.testing.assert_array_equal(one.last_lap_s, other.last_lap_s)
    np.testing.assert_array_equal(one.gap_s, other.gap_s)
