"""The box score: what it says of a race agrees with itself and with what happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

import pytest

from nascar.race.box_score import RUNNING, BoxScore, box_score
from nascar.race.commands import Command, Verb
from nascar.race.entries import Entry, field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.timing import LapRecord, Timing
from nascar.race.track import charlotte

CARS, LAPS = 20, 14
MPH = 0.44704


@dataclass(frozen=True, slots=True)
class Run:
    entries: tuple[Entry, ...]
    box: BoxScore
    half: BoxScore
    """As it stood on the way."""
    laps: list[LapRecord]
    events: list[Event]


@pytest.fixture(scope="module")
def run() -> Run:
    """A short race with a caution and a car that is out by command."""
    entries = field(load_entries(), CARS)
    track, rules = charlotte(), Rules(LAPS, Cautions.NONE)
    commands = (
        Command(70.0, Verb.RETIRE, entries[4].car_number),
        Command(75.0, Verb.CAUTION),
        Command(40.0, Verb.PIT, entries[7].car_number),
    )
    race, timing = (
        Race(entries, track, 3, rules, commands=commands),
        Timing(CARS, track.length_m, rules=rules),
    )
    laps: list[LapRecord] = []
    events: list[Event] = []
    half: BoxScore | None = None
    # The last car may come to the line just after the last tick of the block in which it finishes.
    for _ in iter(lambda: race.finished, True):
        timing.observe(race.advance(25))
        laps += timing.take_laps()
        events += timing.take_events()
        if half is None and timing.score.leader_laps == LAPS // 2:
            half = box_score(timing, entries, official=False)
    timing.observe(race.advance(25))
    laps += timing.take_laps()
    events += timing.take_events()
    assert half is not None
    return Run(entries, box_score(timing, entries, official=True), half, laps, events)


def test_every_car_has_one_place_and_one_start(run: Run) -> None:
    order = run.box.finish_order
    assert [finish.position for finish in order] == list(range(1, CARS + 1))
    assert sorted(finish.start_position for finish in order) == list(range(1, CARS + 1))
    assert {finish.car for finish in order} == {entry.car_number for entry in run.entries}


def test_the_order_is_that_in_which_the_cars_took_the_checkered_flag(run: Run) -> None:
    numbers = [run.entries[event.car].car_number for event in run.events if event.kind is EventKind.FINISH]
    running = [finish for finish in run.box.finish_order if finish.status == RUNNING]
    assert [finish.car for finish in running if finish.laps_down == 0] == numbers[
        : sum(finish.laps_down == 0 for finish in running)
    ]
    for ahead, behind in pairwise(running):
        assert ahead.laps >= behind.laps
        if ahead.gap_s is not None and behind.gap_s is not None:
            assert ahead.gap_s <= behind.gap_s


def test_laps_and_laps_led_add_up(run: Run) -> None:
    box = run.box
    assert box.laps_completed >= LAPS
    assert box.finish_order[0].laps == box.laps_completed
    assert sum(finish.laps_led for finish in box.finish_order) == box.laps_completed
    assert sum(lead.last_lap - lead.first_lap + 1 for lead in box.lead_runs) == box.laps_completed
    assert len(run.laps) == sum(finish.laps for finish in box.finish_order)
    for finish in box.finish_order:
        assert sum(finish.stints) == finish.laps
        assert len(finish.stints) == finish.stops + 1
        assert finish.laps_down == box.laps_completed - finish.laps


def test_counts_are_those_of_the_events(run: Run) -> None:
    box = run.box
    kinds = [event.kind for event in run.events]
    assert box.lead_changes == kinds.count(EventKind.LEAD)
    assert sum(finish.stops for finish in box.finish_order) == kinds.count(EventKind.STOP) > 0
    assert box.cautions == len(box.caution_periods) == kinds.count(EventKind.CAUTION) > 0
    assert box.caution_laps == sum(period.laps for period in box.caution_periods) > 0


def test_times_speed_and_margin_are_those_of_the_laps(run: Run) -> None:
    box = run.box
    first = min(lap.crossed_s - lap.lap_time_s for lap in run.laps if lap.lap == 1)
    last = next(lap for lap in run.laps if lap.lap == box.laps_completed)
    assert box.race_time_s == pytest.approx(last.crossed_s - first)
    way_m = box.laps_completed * charlotte().length_m
    assert box.average_speed_mph == pytest.approx(way_m / box.race_time_s / MPH, abs=1e-3)
    assert box.margin_s == box.finish_order[1].gap_s
    assert box.fastest_lap is not None
    assert box.fastest_lap.lap_time_s == min(lap.lap_time_s for lap in run.laps)
    best = next(finish for finish in box.finish_order if finish.car == box.fastest_lap.car)
    assert (best.best_lap_s, best.best_lap) == (box.fastest_lap.lap_time_s, box.fastest_lap.lap)


def test_a_car_that_is_out_says_why(run: Run) -> None:
    out = next(finish for finish in run.box.finish_order if finish.car == run.entries[4].car_number)
    retired = next(event for event in run.events if event.kind is EventKind.RETIRED and event.car == 4)
    assert out.status != RUNNING
    assert out.status in retired.text
    assert out.gap_s is None
    assert out.laps < LAPS


def test_the_order_so_far_calls_no_car_a_lap_down_that_only_has_the_line_before_it(run: Run) -> None:
    assert not run.half.official
    leading = run.half.finish_order[0]
    assert leading.laps == LAPS // 2
    same_lap = [finish for finish in run.half.finish_order if finish.laps_down == 0]
    # As the leader comes to the line the field is behind him, not a lap down.
    assert len(same_lap) > 1
    assert {finish.laps for finish in same_lap} <= {leading.laps, leading.laps - 1}


def test_it_is_json(run: Run) -> None:
    told = json.loads(json.dumps(run.box.as_json()))
    assert told["lead_changes"] == run.box.lead_changes
    assert [finish["car"] for finish in told["finish_order"]] == [f.car for f in run.box.finish_order]


def test_before_the_first_tick_there_is_an_entry_list_and_no_result() -> None:
    entries = field(load_entries(), 3)
    box = box_score(Timing(3, 1000.0), entries, official=False)
    assert [finish.car for finish in box.finish_order] == [entry.car_number for entry in entries]
    assert (box.laps_completed, box.race_time_s, box.average_speed_mph, box.margin_s) == (0, 0.0, 0.0, None)
    assert box.fastest_lap is None
