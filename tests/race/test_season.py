"""A season: races follow one another without a gap in the ticks, and each is timed to its end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nascar.errors import UsageError
from nascar.race.commands import Command, Verb
from nascar.race.entries import field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.frames import ARRAYS, TICK_S, Frames, join_frames
from nascar.race.rules import Cautions, Rules
from nascar.race.season import Season
from nascar.race.simulation import Race
from nascar.race.timing import Timing
from nascar.race.track import charlotte

MakeFrames = Callable[..., Frames]
LAP_M = 100.0
CARS = 2
RACE_TICKS = 250
FINISHED_TICKS = 175


class _EvenRace:
    """A small race: two cars that go evenly, one fault at tick 60, over after `RACE_TICKS`."""

    def __init__(self, make_frames: MakeFrames, seed: int, from_grid: bool) -> None:
        self.seed = seed
        self.from_grid = from_grid
        self.ordered: list[Command] = []
        self._make_frames = make_frames
        self._tick = 0

    @property
    def finished(self) -> bool:
        return self._tick >= FINISHED_TICKS

    @property
    def over(self) -> bool:
        return self._tick >= RACE_TICKS

    def order(self, command: Command) -> None:
        self.ordered.append(command)

    def advance(self, ticks: int) -> Frames:
        at_s = np.arange(self._tick, self._tick + ticks) * TICK_S
        start_m = [-30.0, -40.0] if self.from_grid else [0.0, -10.0]
        distance_m = at_s[:, None] * 50.0 + self.seed * 0.0 + np.array(start_m)
        fault = Event(60, EventKind.INCIDENT, 1, 1, 0, f"Car 2 spins in the race of seed {self.seed}.")
        events = (fault,) if self._tick <= 60 < self._tick + ticks else ()
        frames = self._make_frames(distance_m, LAP_M, first_tick=self._tick, events=events)
        self._tick += ticks
        return frames


class _Seasons:
    """Makes seasons and remembers their races."""

    def __init__(self, make_frames: MakeFrames) -> None:
        self._make_frames = make_frames
        self.races: list[_EvenRace] = []

    def season(self, start_lap: int = 1) -> Season:
        self.races = []
        return Season(self._race, 7, lambda: Timing(CARS, LAP_M), start_lap=start_lap)

    def _race(self, seed: int, from_grid: bool) -> _EvenRace:
        self.races.append(_EvenRace(self._make_frames, seed, from_grid))
        return self.races[-1]


@pytest.fixture(scope="session")
def seasons(make_frames: MakeFrames) -> _Seasons:
    return _Seasons(make_frames)


def _frames_are_equal(one: Frames, other: Frames) -> None:
    assert one.first_tick == other.first_tick
    assert one.events == other.events
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(deadline=None)
@given(cuts=st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_ticks_count_on_over_the_end_of_a_race_however_they_are_cut(
    seasons: _Seasons, cuts: list[int]
) -> None:
    season = seasons.season()
    parts = [season.advance(ticks) for ticks in cuts]
    assert parts[0].first_tick == 0
    for before, after in pairwise(parts):
        assert after.first_tick == before.first_tick + before.ticks
    _frames_are_equal(join_frames(parts), seasons.season().advance(sum(cuts)))


def test_the_next_race_has_the_next_seed_and_starts_from_the_grid(seasons: _Seasons) -> None:
    season = seasons.season()
    frames = season.advance(RACE_TICKS * 2 + 1)
    assert [(race.seed, race.from_grid) for race in seasons.races] == [(7, False), (8, True), (9, True)]
    assert (season.number, season.seed) == (3, 9)
    assert frames.distance_m[[0, RACE_TICKS, 2 * RACE_TICKS], 0].tolist() == [0.0, -30.0, -30.0]
    faults = [event for event in frames.events if event.kind is EventKind.INCIDENT]
    assert [event.tick for event in faults] == [60, RACE_TICKS + 60]
    assert faults == [event for event in season.take_events() if event.kind is EventKind.INCIDENT]


def test_each_race_is_timed_to_its_end_and_the_next_afresh(seasons: _Seasons) -> None:
    season = seasons.season()
    first = season.timing
    season.advance(RACE_TICKS + 150)
    laps = season.take_laps()
    # 50 m/s for 10 s: five laps and a bit; then from 30 m before the line for 6 s.
    own = [lap for lap in laps if lap.car == 0]
    assert [lap.lap for lap in own] == [1, 2, 3, 4, 1, 2]
    assert [lap.crossed_s for lap in own] == pytest.approx([2.0, 4.0, 6.0, 8.0, 2.6, 4.6])
    assert [lap.at_s for lap in own] == pytest.approx([2.0, 4.0, 6.0, 8.0, 12.6, 14.6])
    for lap in laps:
        assert (lap.tick - 1) * TICK_S - 5e-4 <= lap.at_s <= lap.tick * TICK_S + 5e-4
    assert season.timing is not first
    assert first.score.leader_laps == 4
    standings = season.standings()
    assert standings is not None
    assert standings.leader_lap == 3
    assert season.take_laps() == []


@pytest.mark.parametrize("start_lap", [2, 3, 4])
def test_a_season_joins_in_the_second_in_which_the_leader_starts_the_lap(
    seasons: _Seasons, start_lap: int
) -> None:
    season = seasons.season(start_lap)
    frames = season.advance(25)
    assert frames.first_tick == 0
    assert frames.lap[0].max() < start_lap <= frames.lap[-1].max() or frames.lap[0, 0] == start_lap
    whole = seasons.season().advance(RACE_TICKS)
    joined = seasons.season(start_lap).advance(RACE_TICKS)
    skipped = int(np.argmin(np.abs(whole.distance_m[:, 0] - joined.distance_m[0, 0])))
    rest = RACE_TICKS - skipped
    np.testing.assert_array_equal(joined.distance_m[:rest], whole.distance_m[skipped:])


def test_what_happened_before_the_start_lap_is_timed_but_not_told(seasons: _Seasons) -> None:
    season = seasons.season(3)
    season.advance(100)
    laps = season.take_laps()
    assert min(lap.lap for lap in laps) == 2
    assert all(lap.tick >= 0 and lap.at_s >= 0 for lap in laps)
    # Race time counts from the race's own first tick.
    assert laps[0].crossed_s == pytest.approx(4.0)
    assert season.timing.score.cars[0].laps_led == season.timing.score.leader_laps
    assert not [event for event in season.take_events() if event.kind is EventKind.INCIDENT]


def test_a_lap_that_the_race_never_comes_to_is_refused(seasons: _Seasons) -> None:
    with pytest.raises(UsageError, match=r"ended with lap 3. Give an earlier --start-lap"):
        seasons.season(50).prepare()


def test_preparing_changes_nothing(seasons: _Seasons) -> None:
    season = seasons.season(2)
    season.prepare()
    season.prepare()
    _frames_are_equal(season.advance(90), seasons.season(2).advance(90))


def test_a_command_goes_to_the_race_at_hand(seasons: _Seasons) -> None:
    season = seasons.season()
    season.advance(RACE_TICKS + 1)
    command = Command(1.0, Verb.PIT, 2)
    season.order(command)
    assert [race.ordered for race in seasons.races] == [[], [command]]


def test_real_races_follow_one_another() -> None:
    track, rules = charlotte(), Rules(2, Cautions.NONE)
    entries = field(load_entries(), 4)

    def make_race(seed: int, from_grid: bool) -> Race:
        return Race(entries, track, seed, rules, from_grid=from_grid)

    season = Season(make_race, 5, lambda: Timing(4, track.length_m, rules=rules))
    ticks = 0
    first = season.timing
    while not (season.number == 2 and season.timing.score.leader_laps >= 1):
        frames = season.advance(250)
        assert frames.first_tick == ticks
        ticks += frames.ticks
        assert ticks < 25 * 1_200, "twenty minutes, and the second race has not come to its second lap"
    assert [car.laps for car in first.score.cars] == [2, 2, 2, 2]
    laps = season.take_laps()
    assert [lap.tick for lap in laps] == sorted(lap.tick for lap in laps)
    assert sum(event.kind is EventKind.FINISH for event in season.take_events()) == 4
