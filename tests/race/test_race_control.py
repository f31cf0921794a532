"""Law 13: flags, cautions, restarts, stages and the end, as every car's place and speed show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nascar.race.car import LENGTH_M, MPH_MPS
from nascar.race.commands import Command, Verb
from nascar.race.entries import field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.frames import TICK_S
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.track import charlotte

from .caution import (
    HIT_OR_OUT,
    SETTLED_S,
    cautions,
    gaps_m,
    leader_crosses_s,
    of_caution,
    on_track,
    restarts,
    undisturbed,
)
from .laws import CHECKERED, GREEN, WHITE, YELLOW
from .record import EVERY_TICKS, Record


def test_law_13_flags_follow_one_another_by_the_book(record: Record) -> None:
    assert [breach for breach in record.breaches if breach.startswith("law 13")] == []
    assert record.flags_shown[-1][1] == CHECKERED
    assert sum(flag == CHECKERED for _, flag in record.flags_shown) == 1


def test_law_13_every_change_of_flag_is_told(record: Record) -> None:
    kinds = (EventKind.FLAG, EventKind.CAUTION)
    told = {(event.tick, event.flag) for event in record.events if event.kind in kinds}
    for tick, flag in record.flags_shown[1:]:
        # What happens at a block's end is told with its last tick.
        assert (tick, flag) in told or (tick - 1, flag) in told


def test_law_13_a_caution_says_why_and_counts_once(record: Record) -> None:
    told = record.of(EventKind.CAUTION)
    assert len(told) == len(cautions(record))
    for event, caution in zip(told, cautions(record), strict=True):
        assert caution.yellow - 1 <= event.tick <= caution.yellow
        assert event.text.startswith("Caution for ")


def test_law_13_pit_road_opens_then_one_to_go_then_green(record: Record) -> None:
    for caution in restarts(record):
        assert caution.yellow < caution.pits_open < caution.one_to_go < caution.end
        # One lap of the pace car, more or less: from the line to the restart zone ahead of it.
        lap_s = record.track.length_m / record.track.pace_mps
        assert 0.8 * lap_s < (caution.end - caution.one_to_go) * TICK_S < 1.1 * lap_s


def test_law_13_the_long_race_has_some_cautions_of_some_laps(whole: Record) -> None:
    found = cautions(whole)
    assert 4 <= len(found) <= 10
    for caution in found:
        # Under yellow the leader passes the line a few times: more cost the crowd its evening.
        laps = sum(caution.yellow * TICK_S <= at_s < caution.end * TICK_S for at_s in leader_crosses_s(whole))
        assert 3 <= laps <= 9


def test_law_13_nobody_passes_under_yellow(record: Record) -> None:
    """The order of those who stay out and out of trouble is the same from the flag to the restart."""
    seen = 0
    for caution in cautions(record):
        calm = np.flatnonzero(undisturbed(record, caution))
        rows = slice(record.row(caution.yellow + round(SETTLED_S / TICK_S)), record.row(caution.end))
        if calm.size < 2 or rows.start >= rows.stop:
            continue
        seen += 1
        order = np.argsort(record.position[rows][:, calm], axis=1)
        assert (order == order[0]).all(), (caution, calm[order[0]], calm[order[-1]])
    assert seen or not restarts(record)


def test_law_13_the_field_closes_up_behind_the_leader_by_one_to_go(record: Record) -> None:
    for caution in restarts(record):
        row = record.row(caution.one_to_go)
        cars = on_track(record, row)
        gaps = gaps_m(record, row, cars)
        assert cars.size >= 3
        assert np.quantile(gaps, 0.9) < 12.0, (caution, gaps.round(1))
        assert gaps.max() < 60.0, (caution, gaps.round(1))


def test_law_13_the_field_runs_at_the_pace_cars_speed(record: Record) -> None:
    """55 mph on the long track: a lap takes about 98 s."""
    pace_mps = record.track.pace_mps
    for caution in restarts(record):
        rows = slice(record.row(caution.one_to_go), record.row(caution.end) - 75)
        cars = on_track(record, rows.start)
        speeds = record.speed_mps[rows][:, cars]
        assert np.median(speeds) == pytest.approx(pace_mps, rel=0.03)
        assert speeds.max() < 1.25 * pace_mps


def test_law_13_a_lap_behind_the_pace_car_takes_about_98_s(whole: Record) -> None:
    laps_s = []
    for caution in restarts(whole):
        inside = [
            s for s in leader_crosses_s(whole) if caution.yellow * TICK_S + 100 < s < caution.end * TICK_S
        ]
        laps_s += np.diff(inside).tolist()
    assert len(laps_s) >= 6
    # The leader may change in the pits, and then the line is crossed somewhat later.
    assert np.median(laps_s) == pytest.approx(98.0, abs=2.5)


def test_law_13_the_restart_is_double_file(record: Record) -> None:
    for caution in restarts(record):
        row = record.row(caution.end) - 1
        cars = on_track(record, row)
        lanes = record.lane_m[row, cars]
        inside, outside = np.abs(lanes - 3.0) < 0.9, np.abs(lanes) < 0.9
        assert (inside | outside).mean() > 0.9, lanes.round(1)
        half = cars.size // 2
        assert abs(int(inside.sum()) - half) <= max(2, cars.size // 10)
        # Rows of two, a length and a bit apart: the field is half as long as in single file.
        gaps = gaps_m(record, row, cars)
        rows_m = gaps[1:] + gaps[:-1]
        assert LENGTH_M + 1.0 < np.median(rows_m) < 2 * LENGTH_M + 8.0
        assert np.quantile(rows_m, 0.7) < 30.0
        alternates = inside[:-1] != inside[1:]
        assert alternates.mean() > 0.85, lanes.round(1)


def test_law_13_the_leader_brings_the_field_to_green_at_pace_and_then_all_go(record: Record) -> None:
    for caution in restarts(record):
        row = record.row(caution.end)
        cars = on_track(record, row)
        assert (record.speed_mps[row, cars] < 1.3 * record.track.pace_mps).all()
        later = row + round(10.0 / TICK_S) // EVERY_TICKS
        assert np.median(record.speed_mps[later, cars]) > 1.35 * np.median(record.speed_mps[row, cars])


def test_law_13_nobody_is_served_while_pit_road_is_closed(record: Record) -> None:
    """But for those who were on their way when the flag came out, and those in trouble."""
    for caution in cautions(record):
        opened = caution.pits_open if caution.pits_open >= 0 else caution.end
        troubled = {e.car for e in of_caution(record, caution, EventKind.INCIDENT, EventKind.PENALTY)}
        # A car that has been called in is committed to pit road within the lap.
        row = record.row(caution.yellow)
        place_m = record.place_m()[row]
        committed = (record.lane_m[row] > 4.0) | (place_m > record.track.pit.leave_m - 400.0)
        for stop in record.of(EventKind.STOP):
            began = stop.tick - round(stop.standing_s / TICK_S)
            if caution.yellow < began < opened - 25:
                assert committed[stop.car] or stop.car in troubled, (caution, stop)


def test_law_13_under_caution_the_field_pits_together(whole: Record) -> None:
    together = []
    for caution in restarts(whole):
        stops = {e.car for e in whole.of(EventKind.STOP) if caution.pits_open <= e.tick <= caution.end}
        running = (whole.speed_mps[whole.row(caution.one_to_go)] > 5.0).sum()
        together.append(len(stops) / running)
    assert np.median(together) > 0.5


def test_law_13_the_free_pass_goes_to_the_first_car_a_lap_down_and_gives_the_lap_back(record: Record) -> None:
    length_m = record.track.length_m
    for caution in restarts(record):
        for event in of_caution(record, caution, EventKind.FREE_PASS):
            row = record.row(event.tick)
            assert abs(event.tick - caution.pits_open) <= 1
            down_m = record.distance_m[row].max() - record.distance_m[row]
            running = (record.lane_m[row] < 6.0) & ~record.on_pit_road[row]
            lapped = np.flatnonzero(running & (down_m > length_m))
            troubled = {e.car for e in of_caution(record, caution, EventKind.INCIDENT)}
            better = [car for car in lapped if down_m[car] < down_m[event.car] - 1.0 and car not in troubled]
            assert down_m[event.car] > length_m
            assert better == []
            if any(e.car == event.car for e in of_caution(record, caution, *HIT_OR_OUT)):
                continue
            at_green = record.row(caution.end)
            left_m = record.distance_m[at_green].max() - record.distance_m[at_green, event.car]
            assert down_m[event.car] - left_m > 0.4 * length_m


def test_law_13_a_car_that_is_waved_around_gains_its_lap(record: Record) -> None:
    length_m = record.track.length_m
    for caution in restarts(record):
        for event in of_caution(record, caution, EventKind.WAVE_AROUND):
            row, at_green = record.row(event.tick), record.row(caution.end)
            if any(e.car == event.car for e in of_caution(record, caution, *HIT_OR_OUT)):
                continue
            before_m = record.distance_m[row].max() - record.distance_m[row, event.car]
            after_m = record.distance_m[at_green].max() - record.distance_m[at_green, event.car]
            assert before_m > 0.5 * length_m
            assert before_m - after_m > 0.4 * length_m, event


def test_law_13_stages_end_under_yellow_at_their_laps(whole: Record) -> None:
    crossed_s = leader_crosses_s(whole)
    for lap in whole.rules.stage_ends:
        tick = round(crossed_s[lap - 1] / TICK_S)
        row = whole.row(tick + 10)
        assert whole.flag[row] == YELLOW
        assert any(c.yellow <= tick + 10 <= c.end for c in cautions(whole))


def test_law_13_white_comes_with_the_last_lap_and_checkered_with_its_end(record: Record) -> None:
    shown = {flag: tick for tick, flag in record.flags_shown}
    crossed_s = leader_crosses_s(record)
    finished = list(record.of(EventKind.FINISH))
    laps = int(record.distance_m[record.row(finished[0].tick), finished[0].car] // record.track.length_m)
    assert laps >= record.rules.laps
    assert shown[CHECKERED] * TICK_S == pytest.approx(crossed_s[laps - 1], abs=0.1)
    assert shown[WHITE] * TICK_S == pytest.approx(crossed_s[laps - 2], abs=0.1)
    assert (laps > record.rules.laps) == any("vertime" in event.text for event in record.of(EventKind.FLAG))


def test_law_13_overtime_ends_with_two_laps_under_green(overtime: Record) -> None:
    last = restarts(overtime)[-1]
    assert last.yellow * TICK_S < leader_crosses_s(overtime)[overtime.rules.laps - 2]
    flags = [flag for tick, flag in overtime.flags_shown if tick >= last.end]
    assert flags == [GREEN, WHITE, CHECKERED]
    shown = {flag: tick for tick, flag in overtime.flags_shown}
    green_laps = sum(
        last.end * TICK_S < s <= shown[CHECKERED] * TICK_S + 0.1 for s in leader_crosses_s(overtime)
    )
    # The line just ahead of the restart ends the caution's last lap.
    assert green_laps == 3


def test_law_13_after_the_white_flag_a_yellow_freezes_the_race(frozen: Record) -> None:
    assert [flag for _, flag in frozen.flags_shown] == [GREEN, WHITE, YELLOW, CHECKERED]
    yellow = frozen.flags_shown[2][0]
    row = frozen.row(yellow + round(SETTLED_S / TICK_S))
    order = np.argsort(frozen.position[row])
    np.testing.assert_array_equal(order, np.argsort(frozen.position[-1]))


def test_law_13_every_running_car_finishes_once(record: Record) -> None:
    finished = [event.car for event in record.of(EventKind.FINISH)]
    out = {event.car for event in record.of(EventKind.RETIRED)}
    assert len(finished) == len(set(finished))
    assert set(finished) | out == set(range(record.cars))
    last = max(event.tick for event in record.of(EventKind.FINISH))
    assert last <= record.finished_tick


def test_law_13_the_result_is_by_laps_and_then_by_time(record: Record) -> None:
    length_m = record.track.length_m
    result: list[tuple[int, int, int]] = []
    for event in record.of(EventKind.FINISH):
        # Within a tick the announced order says who was first.
        laps = round(float(record.distance_m[record.row(event.tick), event.car]) / length_m)
        result.append((-laps, len(result), event.car))
    by_rule = [car for _, _, car in sorted(result)]
    order = np.argsort(record.position[-1])
    finished = set(by_rule)
    assert [car for car in order.tolist() if car in finished] == by_rule


def test_law_13_who_has_finished_keeps_the_place(record: Record) -> None:
    for event in record.of(EventKind.FINISH):
        places = record.position[record.row(event.tick + 1) :, event.car]
        assert (places == places[-1]).all(), event


def test_law_13_cars_slow_down_after_the_finish_and_are_parked_when_the_race_is_over(record: Record) -> None:
    checkered = record.flags_shown[-1][0]
    assert checkered < record.finished_tick <= record.ticks
    assert (record.ticks - checkered) * TICK_S < 400.0
    assert record.speed_mps[-1].max() == 0.0
    assert record.lane_m[-1].min() > 12.0
    later = record.row(checkered + round(60.0 / TICK_S))
    assert record.speed_mps[later].max() < 60.0


def test_law_13_from_the_grid_the_pace_car_leads_a_lap_before_the_green_flag(gridded: Record) -> None:
    assert gridded.flags_shown[0] == (0, YELLOW)
    assert gridded.speed_mps[0].max() == 0.0
    assert gridded.distance_m[0].max() == 0.0
    green = gridded.flags_shown[1]
    assert green[1] == GREEN
    rows = slice(record_row_s(gridded, 30.0), gridded.row(green[0]))
    assert np.median(gridded.speed_mps[rows]) == pytest.approx(55 * MPH_MPS, rel=0.1)
    order = np.argsort(gridded.position[record_row_s(gridded, 2.0)])
    np.testing.assert_array_equal(order, np.argsort(gridded.position[rows.stop]))


def record_row_s(record: Record, at_s: float) -> int:
    return record.row(round(at_s / TICK_S))


@pytest.mark.parametrize("laps", [1, 2])
def test_law_13_a_race_may_be_as_short_as_a_lap(laps: int) -> None:
    race = Race(field(load_entries(), 4), charlotte(), 1, Rules(laps))
    events: list[Event] = []
    while not race.finished:
        events += race.advance(100).events
    finished = [event for event in events if event.kind is EventKind.FINISH]
    assert len(finished) == 4
    assert finished[0].tick * TICK_S == pytest.approx(30.5 * laps, rel=0.06)


def test_no_stage_and_no_caution_by_itself_where_none_is_wanted() -> None:
    race = Race(field(load_entries(), 10), charlotte(), 3, replace(Rules(60), cautions=Cautions.NONE))
    flags = set()
    while not race.finished:
        flags |= set(np.unique(race.advance(1_000).flag).tolist())
    assert flags == {GREEN, WHITE, CHECKERED}


def test_a_caution_by_command_is_out_at_its_tick() -> None:
    race = Race(field(load_entries(), 8), charlotte(), 3, Rules(30, Cautions.NONE), commands=[
        Command(50.0, Verb.CAUTION),
    ])  # fmt: skip
    frames = race.advance(1_300)
    assert int(np.argmax(frames.flag == YELLOW)) == 1_250
    assert [(e.tick, e.kind) for e in frames.events if e.tick > 0] == [
        (1_250, EventKind.COMMAND),
        (1_250, EventKind.CAUTION),
    ]
