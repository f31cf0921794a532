"""Laws of the laps of whole races with cautions, stops and penalties, on both tracks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from nascar.race.entries import field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.frames import TIRES
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.timing import LapRecord, Timing
from nascar.race.track import load_track

RACES = {"charlotte": (20, 60), "half_mile": (24, 80)}
"""Cars and laps."""
RIGHT_SIDE = [tire in ("rf", "rr") for tire in TIRES]


@dataclass(frozen=True, slots=True)
class Laps:
    by_car: list[list[LapRecord]]
    stops: list[list[Event]]


@pytest.fixture(scope="module", params=RACES)
def laps(request: pytest.FixtureRequest) -> Laps:
    cars, distance = RACES[request.param]
    track, rules = load_track(request.param), Rules(distance, Cautions.MANY)
    race = Race(field(load_entries(), cars), track, 5, rules)
    timing = Timing(cars, track.length_m, rules=rules)
    done: list[LapRecord] = []
    told: list[Event] = []
    while not race.finished:
        timing.observe(race.advance(250))
        done += timing.take_laps()
        told += [event for event in timing.take_events() if event.kind is EventKind.STOP]
    return Laps(
        [[lap for lap in done if lap.car == car] for car in range(cars)],
        [[event for event in told if event.car == car] for car in range(cars)],
    )


def test_stops_count_up_by_those_told_within_the_lap(laps: Laps) -> None:
    for own, stops in zip(laps.by_car, laps.stops, strict=True):
        assert [lap.stops for lap in own] == [sum(stop.tick < lap.tick for stop in stops) for lap in own]
        for before, lap in pairwise(own):
            assert lap.stops >= before.stops
            assert lap.pit or lap.stops == before.stops
    assert sum(len(stops) for stops in laps.stops) > len(laps.stops)


def test_the_best_lap_is_the_best_so_far(laps: Laps) -> None:
    for own in laps.by_car:
        best_s = [min(lap.lap_time_s for lap in own[: number + 1]) for number in range(len(own))]
        assert [lap.best_lap_s for lap in own] == best_s


def test_a_car_stands_in_its_box_only_on_pit_road_and_is_served_only_there(laps: Laps) -> None:
    for own, stops in zip(laps.by_car, laps.stops, strict=True):
        made = 0
        for lap in own:
            work = lap.work
            assert 0 <= work.box_s <= work.road_s < lap.lap_time_s
            assert lap.pit == (work.road_s > 0)
            assert (work.box_s > 0) == (lap.stops > made)
            assert work.box_s > 0 or (work.fuel_gal == 0 and work.tires == 0)
            assert work.tires in (0, 2, 4)
            made = lap.stops
        closed = [stop for stop in stops if stop.tick < own[-1].tick]
        assert sum(lap.work.fuel_gal for lap in own) == pytest.approx(sum(stop.fuel_gal for stop in closed))
        assert sum(lap.work.box_s for lap in own) == pytest.approx(sum(stop.standing_s for stop in closed))


def test_tires_wear_until_they_are_changed(laps: Laps) -> None:
    changed = 0
    for own in laps.by_car:
        for before, lap in pairwise(own):
            new = [lap.work.tires == 4 or (lap.work.tires == 2 and right) for right in RIGHT_SIDE]
            for place, is_new in enumerate(new):
                assert 0 <= lap.tires.wear[place] <= 1
                if is_new:
                    changed += 1
                else:
                    assert lap.tires.wear[place] >= before.tires.wear[place]
            assert (lap.tire_age_laps <= before.tire_age_laps) == any(new)
            assert lap.fuel_gal < before.fuel_gal + lap.work.fuel_gal
    assert changed > 50
