"""Places on the map: every tenth of a second, between two ticks where it must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nascar.race.entries import Entry
from nascar.race.frames import FLAGS, TICK_S, Floats, Frames, Ints
from nascar.telemetry.positions import Positions
from nascar.telemetry.rows import Rows
from nascar.telemetry.schema import MPH_PER_MPS, TRACK_POSITION
from tests.telemetry.conftest import LAP_LENGTH_M, START_US, entries_of, formula_frames

Columns = dict[str, NDArray[Any]]
CARS = 7


class Circle:
    """A round track: the start line is the origin, the race turns left."""

    length_m = LAP_LENGTH_M

    def place_m(self, distance_m: Floats, lane_m: Floats) -> tuple[Floats, Floats]:
        radius_m = LAP_LENGTH_M / (2 * np.pi)
        angle = distance_m / radius_m
        return (radius_m - lane_m) * np.sin(angle), radius_m - (radius_m - lane_m) * np.cos(angle)

    def lap_distance_m(self, distance_m: Floats) -> Floats:
        return np.mod(distance_m, LAP_LENGTH_M)

    def turn(self, distance_m: Floats) -> Ints:
        """Five turns, and a straight after each of them."""
        tenth = (10 * np.mod(distance_m, LAP_LENGTH_M) / LAP_LENGTH_M).astype(np.int32)
        return np.where(tenth % 2 == 0, tenth // 2 + 1, 0).astype(np.int32)


def positions(cars: int = CARS, end_us: int | None = None) -> Positions:
    return Positions(entries_of(cars), Circle(), START_US, end_us)


def by_instant(parts: list[Rows], cars: int = CARS) -> Columns:
    """The columns of all rows as ``(instants, cars)``."""
    columns = {"time": np.concatenate([part.times_us for part in parts])}
    for name in parts[0].columns:
        columns[name] = np.concatenate([np.asarray(part.columns[name]) for part in parts])
    return {name: values.reshape(-1, cars) for name, values in columns.items()}


def test_there_is_a_row_of_every_car_at_every_whole_tenth() -> None:
    rows = by_instant([positions().read(formula_frames(0, 101, CARS))])
    assert rows.keys() == {column.name for column in TRACK_POSITION.columns}
    assert (rows["time"] == (START_US + np.arange(41) * 100_000)[:, None]).all()
    for instant in range(41):
        assert rows["car_number"][instant].tolist() == [entry.car_number for entry in entries_of(CARS)]
        assert rows["driver"][instant].tolist() == [entry.driver for entry in entries_of(CARS)]
        assert rows["team"][instant].tolist() == [entry.team for entry in entries_of(CARS)]
        assert rows["manufacturer"][instant].tolist() == [entry.manufacturer for entry in entries_of(CARS)]


def test_a_place_lies_on_the_line_between_the_ticks_around_it() -> None:
    frames = formula_frames(0, 2_000, CARS)
    rows = by_instant([positions().read(frames)])
    time_s = np.arange(len(rows["time"])) / 10
    ticks = np.arange(frames.ticks) * TICK_S
    for car in range(CARS):
        distance_m = np.interp(time_s, ticks, frames.distance_m[:, car])
        lane_m = np.interp(time_s, ticks, frames.lane_m[:, car])
        x_m, y_m = Circle().place_m(distance_m, lane_m)
        np.testing.assert_allclose(rows["x_m"][:, car], x_m, atol=0.006)
        np.testing.assert_allclose(rows["y_m"][:, car], y_m, atol=0.006)
        speed_mph = np.interp(time_s, ticks, frames.speed_mps[:, car]) * MPH_PER_MPS
        np.testing.assert_allclose(rows["speed_mph"][:, car], speed_mph, atol=0.0051)
        # The lap counts up at the line, not at the tick after it.
        np.testing.assert_array_equal(
            rows["lap"][:, car], np.maximum(1, np.floor(distance_m / LAP_LENGTH_M) + 1)
        )
        along_m = np.mod(distance_m, LAP_LENGTH_M)
        np.testing.assert_allclose(rows["lap_distance_m"][:, car], along_m, atol=0.0051)
        np.testing.assert_array_equal(rows["turn"][:, car], Circle().turn(distance_m))
    assert rows["lap"].max() >= 3
    assert set(rows["turn"].ravel().tolist()) == set(range(6))


@pytest.mark.parametrize("short_m", [0.0, 0.004, 0.012])
def test_a_place_just_before_the_line_is_not_rounded_to_beyond_it(short_m: float) -> None:
    frames = formula_frames(0, 6, 1)
    ahead_m = LAP_LENGTH_M - 1e-6 - short_m
    rows = positions(1).read(replace(frames, distance_m=np.full((6, 1), ahead_m)))
    assert rows.columns["lap"] == pytest.approx([1, 1, 1])
    assert np.asarray(rows.columns["lap_distance_m"]) == pytest.approx(ahead_m, abs=0.01)
    assert np.asarray(rows.columns["lap_distance_m"]).max() <= LAP_LENGTH_M


def test_pit_road_and_flag_are_those_of_the_tick_before() -> None:
    frames = formula_frames(0, 1_500, CARS)
    flag = (np.arange(1_500) // 300).astype(np.int8)
    rows = by_instant([positions().read(replace(frames, flag=flag))])
    tick = np.arange(len(rows["time"])) * 100 // 40
    np.testing.assert_array_equal(rows["in_pit"], frames.on_pit_road[tick])
    assert {0, 1} == set(rows["in_pit"].ravel().tolist())
    assert rows["flag"].tolist() == [[FLAGS[flag[at]]] * CARS for at in tick]
    assert set(rows["flag"].ravel().tolist()) == set(FLAGS)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_how_the_ticks_are_cut_changes_nothing(cuts: list[int]) -> None:
    whole = by_instant([positions().read(formula_frames(0, sum(cuts), CARS))])
    reader, parts, tick = positions(), [], 0
    for ticks in cuts:
        parts.append(reader.read(formula_frames(tick, ticks, CARS)))
        tick += ticks
    cut = by_instant(parts)
    assert all((whole[name] == cut[name]).all() for name in whole)


def test_nothing_is_read_from_the_end_of_the_run_on() -> None:
    for end_us, instants in ((1_000_000, 10), (1_000_001, 11), (1, 1)):
        rows = by_instant([positions(end_us=START_US + end_us).read(formula_frames(0, 200, CARS))])
        assert len(rows["time"]) == instants
        assert rows["time"].max() < START_US + end_us


def test_the_leader_has_no_gap_and_a_gap_is_the_time_since_it_was_there() -> None:
    frames = formula_frames(0, 1_000, CARS)
    rows = by_instant([positions().read(frames)])
    time_s = np.arange(len(rows["time"])) / 10
    ticks = np.arange(frames.ticks) * TICK_S
    lead_m = frames.distance_m.max(axis=1)
    for instant in range(20, len(time_s)):
        for car in range(CARS):
            place_m = np.interp(time_s[instant], ticks, frames.distance_m[:, car])
            was_s = np.interp(place_m, lead_m, ticks)
            assert rows["gap_s"][instant, car] == pytest.approx(time_s[instant] - was_s, abs=0.003)
    assert (rows["gap_s"].min(axis=1) == 0).all()


def test_a_car_that_took_the_flag_keeps_its_gap_until_the_next_race() -> None:
    reader = positions()
    parts = [reader.read(formula_frames(0, 100, CARS))]
    reader.finish(3, START_US + 5_050_000, 7.125)
    parts.append(reader.read(formula_frames(100, 200, CARS)))
    # The next race: ticks go on, distance begins again.
    again = formula_frames(0, 200, CARS)
    parts.append(reader.read(replace(again, first_tick=300)))
    gap_s = by_instant(parts)["gap_s"]
    assert (gap_s[:51, 3] != 7.125).all()
    assert (gap_s[51:120, 3] == 7.125).all()
    assert (gap_s[121:, 3] != 7.125).all()
    # All have started anew: nobody is a race behind.
    assert gap_s[121:].max() < 10


def test_no_car_is_seen_between_the_end_of_a_race_and_the_grid_of_the_next() -> None:
    reader = positions()
    old, new = formula_frames(5_000, 99, CARS), formula_frames(0, 101, CARS)
    parts = [reader.read(replace(old, first_tick=0)), reader.read(replace(new, first_tick=99))]
    rows = by_instant(parts)
    # Instant 39 lies half a tick behind tick 97, and instant 40 at tick 100, the second of the new race.
    x_m, _ = Circle().place_m(new.distance_m[1], new.lane_m[1])
    np.testing.assert_allclose(rows["x_m"][40], x_m, atol=0.006)
    # A change of races at tick 98: the instant between has the place before, not one halfway round.
    reader = positions()
    parts = [reader.read(replace(old.cut(0, 98), first_tick=0)), reader.read(replace(new, first_tick=98))]
    x_m, _ = Circle().place_m(old.distance_m[97], old.lane_m[97])
    np.testing.assert_allclose(by_instant(parts)["x_m"][39], x_m, atol=0.006)


def test_frames_that_begin_later_are_read_from_their_first_whole_tenth() -> None:
    rows = by_instant([positions().read(formula_frames(7, 50, CARS))])
    assert rows["time"][0, 0] == START_US + 300_000


def test_one_car_is_its_own_leader(make_race: Callable[..., Any]) -> None:
    frames: Frames = make_race(1).advance(100)
    reader = Positions([Entry(24, "A", "B", "Ford")], Circle(), 0, None)
    rows = reader.read(frames)
    assert not np.asarray(rows.columns["gap_s"]).any()
