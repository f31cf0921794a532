"""Timing reads laps, gaps, the lead and stops out of frames; checked on races whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from nascar.race.entries import field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.frames import TICK_S, Bools, Floats, Frames
from nascar.race.rules import Rules
from nascar.race.score import NO_WORK, PitWork
from nascar.race.simulation import Race
from nascar.race.timing import KEPT, LapRecord, Standings, TimedRace, Timing, TireReadings
from nascar.race.track import charlotte

MakeFrames = Callable[..., Frames]
LAP_M = 100.0
GREEN, YELLOW, WHITE, CHECKERED = 0, 1, 3, 4
COLD = TireReadings((0.0,) * 4, (0.0,) * 4, (0.0,) * 4)


def _timed(cars: int, seconds: float, block: int = 7) -> tuple[Standings, TimedRace]:
    track = charlotte()
    race = TimedRace(Race(field(load_entries(), cars), track, 5), Timing(cars, track.length_m))
    for _ in range(round(seconds / TICK_S / block)):
        race.advance(block)
    standings = race.timing.standings()
    assert standings is not None
    return standings, race


def _ways_m(ticks: int, *cars: tuple[float, float]) -> Floats:
    """Cars that start at a place and go evenly: (m, m/s) each."""
    return np.stack([start_m + speed_mps * TICK_S * np.arange(ticks) for start_m, speed_mps in cars], axis=1)


def _event(tick: int, kind: EventKind, car: int = -1, tires: int = 0, text: str = "So it is.") -> Event:
    return Event(tick, kind, car, 1, GREEN, text, tires)


def _watch(
    make_frames: MakeFrames,
    distance_m: Floats,
    *,
    events: Sequence[Event] = (),
    flag: int | Sequence[int] = GREEN,
    on_pit_road: Bools | None = None,
    rules: Rules | None = None,
    block: int = 25,
) -> Timing:
    timing = Timing(distance_m.shape[1], LAP_M, rules=rules)
    frames = make_frames(distance_m, LAP_M, flag=flag, on_pit_road=on_pit_road, events=events)
    for skip in range(0, frames.ticks, block):
        timing.observe(frames.cut(skip, min(block, frames.ticks - skip)))
    return timing


def test_before_the_first_tick_there_are_no_standings() -> None:
    assert Timing(3, 1000.0).standings() is None


def test_the_order_is_the_official_one_and_gaps_do_not_shrink_down_the_order() -> None:
    standings, race = _timed(40, 100)
    assert sorted(standings.car.tolist()) == list(range(40))
    distance_m = race.advance(1).distance_m[0, standings.car]
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
    one, race = _timed(12, 84, block=7)
    other, same = _timed(12, 84, block=100)
    assert one.race_time_s == pytest.approx(other.race_time_s)
    np.testing.assert_array_equal(one.car, other.car)
    np.testing.assert_array_equal(one.last_lap_s, other.last_lap_s)
    np.testing.assert_array_equal(one.gap_s, other.gap_s)
    laps = race.timing.take_laps()
    assert len(laps) == 24
    assert laps == same.timing.take_laps()
    assert race.timing.take_events() == same.timing.take_events()
    assert race.timing.score == same.timing.score


def test_laps_of_a_real_race_come_in_order_and_agree_with_one_another() -> None:
    cars = 20
    _, race = _timed(cars, 190)
    laps = race.timing.take_laps()
    assert [lap.crossed_s for lap in laps] == sorted(lap.crossed_s for lap in laps)
    for number in range(1, 6):
        line = [lap for lap in laps if lap.lap == number]
        assert [lap.position for lap in line] == list(range(1, cars + 1))
        assert line[0].gap_s == 0.0
        for lap in line:
            assert lap.gap_s == pytest.approx(lap.crossed_s - line[0].crossed_s)
    for car in range(cars):
        own = [lap for lap in laps if lap.car == car]
        assert [lap.lap for lap in own] == list(range(1, len(own) + 1))
        for before, lap in pairwise(own):
            assert lap.lap_time_s == pytest.approx(lap.crossed_s - before.crossed_s)
            assert lap.fuel_gal < before.fuel_gal
            assert lap.laps_led - before.laps_led == (lap.position == 1)
        for lap in own:
            assert (lap.tick - 1) * TICK_S - 5e-4 <= lap.at_s <= lap.tick * TICK_S + 5e-4
    score = race.timing.score
    assert sum(car.laps_led for car in score.cars) == score.leader_laps
    assert score.fastest_lap is not None
    assert score.fastest_lap.lap_time_s == min(lap.lap_time_s for lap in laps)


def test_a_lap_has_its_time_position_gap_and_tire_age(make_frames: MakeFrames) -> None:
    timing = _watch(make_frames, _ways_m(110, (0.0, 50.0), (-20.5, 50.0)))
    assert timing.take_laps() == [
        LapRecord(50, 2.0, 2.0, 0, 1, 2.0, 1, 0.0, 1, 1, 0.0, 0, 2.0, COLD, NO_WORK),
        LapRecord(61, 2.41, 2.41, 1, 1, 2.0, 2, 0.41, 0, 1, 0.0, 0, 2.0, COLD, NO_WORK),
        LapRecord(100, 4.0, 4.0, 0, 2, 2.0, 1, 0.0, 2, 2, 0.0, 0, 2.0, COLD, NO_WORK),
    ]
    assert timing.take_laps() == []
    assert timing.score.started_s == 0.0


def test_the_lead_changes_where_another_car_is_first_at_the_line(make_frames: MakeFrames) -> None:
    # The second car is faster and passes within lap 3, the first car has led two laps.
    timing = _watch(make_frames, _ways_m(400, (0.0, 50.0), (-22.0, 55.0)))
    leads = [event for event in timing.take_events() if event.kind is EventKind.LEAD]
    assert [(event.car, event.lap) for event in leads] == [(1, 3)]
    assert leads[0].text == "Car 2 takes the lead from car 1."
    assert leads[0].tick == 147
    assert timing.score.lead_changes == 1
    assert [(run.car, run.first_lap, run.last_lap) for run in timing.score.lead_runs] == [
        (0, 1, 2),
        (1, 3, 8),
    ]
    assert [car.laps_led for car in timing.score.cars] == [2, 6]


def test_events_come_in_order_with_those_of_the_race(make_frames: MakeFrames) -> None:
    own = [_event(20, EventKind.INCIDENT, 1), _event(147, EventKind.FINISH, 1), _event(148, EventKind.FLAG)]
    timing = _watch(make_frames, _ways_m(160, (0.0, 50.0), (-22.0, 55.0)), events=own, block=40)
    told = timing.take_events()
    assert [event.tick for event in told] == sorted(event.tick for event in told)
    kinds = [event.kind for event in told if event.kind is not EventKind.FASTEST_LAP]
    # The line comes before what the race says of the same tick.
    assert kinds == [EventKind.INCIDENT, EventKind.LEAD, EventKind.FINISH, EventKind.FLAG]


@pytest.mark.parametrize("told_early_ticks", [0, 1])
def test_a_lap_after_a_cars_own_finish_does_not_count(make_frames: MakeFrames, told_early_ticks: int) -> None:
    finish = _event(100 - told_early_ticks, EventKind.FINISH, 0)
    timing = _watch(make_frames, _ways_m(220, (0.0, 50.0), (0.0, 49.0)), events=[finish])
    assert [car.laps for car in timing.score.cars] == [2, 4]
    assert {lap.lap for lap in timing.take_laps() if lap.car == 0} == {1, 2}


def test_a_retired_car_keeps_its_laps(make_frames: MakeFrames) -> None:
    distance_m = _ways_m(300, (0.0, 50.0), (-1.0, 50.0))
    distance_m[130:, 0] = distance_m[130, 0]
    out = _event(130, EventKind.RETIRED, 0, text="Car 1 is out: engine.")
    timing = _watch(make_frames, distance_m, events=[out])
    assert [car.laps for car in timing.score.cars] == [2, 5]
    standings = timing.standings()
    assert standings is not None
    assert standings.car.tolist() == [1, 0]
    assert standings.out.tolist() == [False, True]
    assert standings.laps_led.tolist() == [3, 2]


def test_stops_end_stints_and_new_tires_begin_to_age(make_frames: MakeFrames) -> None:
    stops = [_event(110, EventKind.STOP, 0, tires=4), _event(260, EventKind.STOP, 0)]
    timing = _watch(make_frames, _ways_m(410, (0.0, 50.0)), events=stops)
    assert [lap.tire_age_laps for lap in timing.take_laps()] == [1, 2, 1, 2, 3, 4, 5, 6]
    car = timing.score.cars[0]
    assert (car.stops, car.stints, car.stop_lap) == (2, [2, 3], 5)


@pytest.mark.parametrize("block", [1, 25, 500])
def test_the_work_of_a_stop_belongs_to_the_lap_in_which_the_car_leaves_its_box(
    make_frames: MakeFrames, block: int
) -> None:
    # 50 ticks to a lap. Onto pit road in lap 2, over the line, out of the box and off pit road in lap 3.
    on_pit_road = np.zeros((310, 1), np.bool_)
    on_pit_road[90:130] = True
    # A stop and a penalty in lap 5, on one visit.
    on_pit_road[205:245] = True
    stops = [
        Event(115, EventKind.STOP, 0, 3, GREEN, "Stop.", tires=2, fuel_gal=11.5, standing_s=0.4),
        Event(220, EventKind.STOP, 0, 5, GREEN, "Stop.", tires=4, fuel_gal=2.25, standing_s=0.2),
        Event(240, EventKind.STOP, 0, 5, GREEN, "Stop.", tires=0, fuel_gal=1.0, standing_s=0.12),
    ]
    timing = _watch(
        make_frames, _ways_m(310, (0.0, 50.0)), on_pit_road=on_pit_road, events=stops, block=block
    )
    laps = timing.take_laps()
    assert [lap.work for lap in laps] == [
        NO_WORK,
        PitWork(road_ticks=10),
        PitWork(road_ticks=30, box_s=0.4, fuel_gal=11.5, tires=2),
        NO_WORK,
        PitWork(road_ticks=40, box_s=0.32, fuel_gal=3.25, tires=4),
        NO_WORK,
    ]
    assert [lap.work.road_s for lap in laps] == [0, 0.4, 1.2, 0, 1.6, 0]
    assert [lap.pit for lap in laps] == [False, True, True, False, True, False]
    assert [lap.stops for lap in laps] == [0, 0, 1, 1, 3, 3]


@pytest.mark.parametrize("block", [3, 25, 400])
def test_a_lap_with_any_tick_on_pit_road_is_marked(make_frames: MakeFrames, block: int) -> None:
    on_pit_road = np.zeros((400, 2), np.bool_)
    # Across the line that ends lap 2, and within lap 5.
    on_pit_road[95:105, 0] = True
    on_pit_road[220, 0] = True
    timing = _watch(
        make_frames, _ways_m(400, (0.0, 50.0), (-5.0, 50.0)), on_pit_road=on_pit_road, block=block
    )
    laps = timing.take_laps()
    assert {lap.lap for lap in laps if lap.car == 0 and lap.pit} == {2, 3, 5}
    assert not any(lap.pit for lap in laps if lap.car == 1)


def test_cautions_count_the_laps_that_the_leader_ends_under_yellow(make_frames: MakeFrames) -> None:
    flag = np.full(600, GREEN)
    # Pace laps from the first tick on are no caution; the second one is told after its flag.
    flag[:30] = YELLOW
    flag[120:270] = YELLOW
    flag[400:480] = WHITE
    flag[480:520] = YELLOW
    flag[520:] = CHECKERED
    told = [
        _event(119, EventKind.CAUTION, text="Caution for debris."),
        _event(481, EventKind.CAUTION, text="Caution for a spin."),
    ]
    timing = _watch(make_frames, _ways_m(600, (0.0, 50.0), (-10.0, 50.0)), flag=flag.tolist(), events=told)
    cautions = [(caution.lap, caution.laps, caution.reason) for caution in timing.score.cautions]
    assert cautions == [(3, 3, "Caution for debris."), (10, 1, "Caution for a spin.")]


def test_a_stage_is_won_by_the_first_car_at_its_line(make_frames: MakeFrames) -> None:
    rules = Rules(60)
    timing = _watch(make_frames, _ways_m(1_700, (0.0, 50.0), (-20.0, 50.5)), rules=rules)
    told = [event for event in timing.take_events() if event.kind is EventKind.STAGE]
    assert [event.lap for event in told] == list(rules.stage_ends)
    assert [event.car for event in told] == [0, 1]
    assert [(stage.lap, stage.car) for stage in timing.score.stages] == [(15, 0), (30, 1)]


def test_a_fastest_lap_is_told_when_it_is_one(make_frames: MakeFrames) -> None:
    speed_mps = np.repeat([40.0, 45.0, 42.0, 50.0, 49.0], 60)
    distance_m = np.concatenate(([0.0], np.cumsum(speed_mps * TICK_S)))[:, None]
    timing = _watch(make_frames, distance_m)
    laps = timing.take_laps()
    told = [event for event in timing.take_events() if event.kind is EventKind.FASTEST_LAP]
    best_s = laps[0].lap_time_s
    expected = []
    for lap in laps[1:]:
        if lap.lap_time_s < best_s:
            best_s = lap.lap_time_s
            expected.append((lap.tick, lap.lap))
    assert [(event.tick, event.lap) for event in told] == expected
    assert timing.score.fastest_lap is not None
    assert timing.score.fastest_lap.lap_time_s == best_s


def test_what_nobody_takes_is_let_go(make_frames: MakeFrames) -> None:
    timing = Timing(1, 1.0)
    ticks = KEPT + 500
    told = [_event(tick, EventKind.INCIDENT, 0) for tick in range(ticks)]
    timing.observe(make_frames(np.arange(float(ticks))[:, None], 1.0, events=told))
    laps, events = timing.take_laps(), timing.take_events()
    assert len(laps) == len(events) == KEPT
    assert laps[-1].lap == ticks - 1
    assert events[-1].tick == ticks - 1
