"""Car performance detail: what its panels say is what is stored about the two cars."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest

from grafana.car import build
from grafana.panel_files import load_panels
from tests.grafana.asked import answered, stored
from tests.grafana.race_server import Server
from tests.grafana.two_races import NEW_LAPS, two_races

PANELS = load_panels("car")
TRACES = {
    "speed": ("engine_telemetry", "speed_mph"),
    "rpm": ("engine_telemetry", "rpm"),
    "throttle": ("engine_telemetry", "throttle_position"),
    "gear": ("engine_telemetry", "gear"),
    "fuel_level": ("engine_telemetry", "fuel_level"),
    "brake": ("chassis_telemetry", "brake_pressure_psi"),
    "lateral_g": ("chassis_telemetry", "lateral_g"),
    "longitudinal_g": ("chassis_telemetry", "longitudinal_g"),
}
CORNERS = ("lf", "rf", "lr", "rr")
NAMES = {24: "Marlow Tennant", 7: "Casper Hollowell", 31: "Hattie Loomsdale"}


@pytest.fixture(scope="module")
def next_race(race: Server) -> Server:
    """A race of four laps so far, right behind another."""
    return two_races(race, "two_races_of_a_car")


each_trace = pytest.mark.parametrize("slug", TRACES)
each_corner = pytest.mark.parametrize("corner", CORNERS)


@each_trace
def test_a_trace_has_every_second_of_its_minute_for_each_car(slug: str, race: Server) -> None:
    rows = answered(race, PANELS[slug])
    seconds = [int(datetime.fromisoformat(row["time"]).timestamp()) for row in rows]
    for name in (NAMES[24], NAMES[7]):
        own = [second for second, row in zip(seconds, rows, strict=True) if row["driver"] == name]
        assert own == list(range(race.end_s - 60, race.end_s))
    assert len(rows) == 120


@each_trace
def test_a_trace_is_what_the_sensor_said(slug: str, race: Server) -> None:
    # One reading a second is stored here, so that a mean, a highest and a lowest of a second are all that reading.
    table, column = TRACES[slug]
    readings = stored(race, table, "car_number IN (24, 7)", "60s")
    expected = {
        (row["driver"], datetime.fromisoformat(row["time"]).replace(microsecond=0)): row[column]
        for row in readings
    }
    drawn = {
        (row["driver"], datetime.fromisoformat(row["time"])): row[column]
        for row in answered(race, PANELS[slug])
    }
    assert drawn == pytest.approx(expected)


def test_the_cars_are_those_that_were_chosen(race: Server) -> None:
    rows = answered(race, PANELS["speed"], car="31", compare="24")
    assert {row["driver"] for row in rows} == {NAMES[31], NAMES[24]}
    rows = answered(race, PANELS["speed"], car="31", compare="31")
    assert [row["driver"] for row in rows] == [NAMES[31]] * 60


def test_a_point_of_the_g_g_diagram_is_a_second_of_the_traces(race: Server) -> None:
    points = answered(race, PANELS["g_g_diagram"])
    for column in ("lateral_g", "longitudinal_g"):
        for name in (NAMES[24], NAMES[7]):
            trace = [row[column] for row in answered(race, PANELS[column]) if row["driver"] == name]
            assert [row[column] for row in points if row["driver"] == name] == trace
    assert {row["car_number"] for row in points} == {24, 7}


@each_corner
def test_a_corner_shows_the_newest_reading_and_the_wear_of_the_newest_lap(corner: str, race: Server) -> None:
    (row,) = answered(race, PANELS[f"tire_{corner}"])
    reading = stored(race, "tire_telemetry", "car_number = 24", "10s")[-1]
    lap = stored(race, "lap_times", "car_number = 24", "5m")[-1]
    assert row[f"{corner}_temp_f"] == reading[f"{corner}_temp_f"]
    assert row[f"{corner}_pressure_psi"] == reading[f"{corner}_pressure_psi"]
    assert row[f"{corner}_wear_pct"] == pytest.approx(lap[f"{corner}_wear_pct"], abs=0.05)


def test_the_corners_stand_as_on_the_car() -> None:
    places = {
        panel["title"]: panel["gridPos"]
        for panel in build("12.4.2")["panels"]
        if panel["title"].endswith("tire")
    }
    front_left, front_right = places["Left front tire"], places["Right front tire"]
    rear_left, rear_right = places["Left rear tire"], places["Right rear tire"]
    assert front_left["y"] == front_right["y"] < rear_left["y"] == rear_right["y"]
    assert front_left["x"] == rear_left["x"] < front_right["x"] == rear_right["x"]


def test_the_heat_map_has_each_of_the_last_ten_laps_once_for_each_tire(race: Server) -> None:
    rows = answered(race, PANELS["tire_heat_map"])
    laps = [row["lap"] for row in stored(race, "lap_times", "car_number = 24", "10m")][-10:]
    tires = ("Left front", "Right front", "Left rear", "Right rear")
    assert [(row["lap"], row["tire"]) for row in rows] == [(lap, tire) for lap in laps for tire in tires]


def test_the_heat_of_a_lap_is_that_at_its_line(race: Server) -> None:
    laps = {row["lap"]: row for row in stored(race, "lap_times", "car_number = 24", "10m")}
    for row in answered(race, PANELS["tire_heat_map"]):
        corner = "".join(word[0] for word in row["tire"].lower().split())
        assert row["temp_f"] == pytest.approx(laps[row["lap"]][f"{corner}_temp_f"], abs=0.5)


@pytest.mark.parametrize("car", [24, 31, 2])
def test_the_laps_left_are_the_fuel_over_what_green_laps_burn(car: int, race: Server) -> None:
    (row,) = answered(race, PANELS["fuel_left"], car=str(car))
    laps = stored(race, "lap_times", f"car_number = {car}", "10m")
    burned = [
        before["fuel_gal"] - lap["fuel_gal"]
        for before, lap in pairwise(laps)
        if not lap["pit"] and lap["lap_time_s"] < 1.1 * laps[-1]["best_lap_s"]
    ]
    gal_per_lap = sum(burned) / len(burned)
    assert row["fuel_gal"] == laps[-1]["fuel_gal"]
    assert row["fuel_gal"] - 0.1 * gal_per_lap <= row["laps_left"] * gal_per_lap <= row["fuel_gal"] + 1e-9


@pytest.mark.parametrize("car", [24, 31, 2])
def test_no_lap_is_faster_than_the_best_and_the_best_is_at_no_distance(car: int, race: Server) -> None:
    rows = answered(race, PANELS["laps"], car=str(car))
    (best_s,) = {row["best_lap_s"] for row in stored(race, "lap_times", f"car_number = {car}", "10m")[-1:]}
    for row in rows:
        assert row["delta_to_best_s"] == pytest.approx(row["lap_time_s"] - best_s, abs=1e-6)
        assert row["delta_to_best_s"] >= 0
        assert (row["delta_to_best_s"] == 0) == (row["lap_time_s"] == best_s)


def test_at_least_one_car_has_driven_its_best_lap_within_the_table(race: Server) -> None:
    # Or the law above would say nothing about it.
    best = [
        row["delta_to_best_s"]
        for car in range(1, 41)
        for row in answered(race, PANELS["laps"], car=str(car), compare="24")
    ]
    assert 0 in best


def test_the_table_has_every_lap_once_the_newest_first(race: Server) -> None:
    laps = stored(race, "lap_times", "car_number = 24", "10m")
    rows = answered(race, PANELS["laps"])
    assert [row["lap"] for row in rows] == [lap["lap"] for lap in reversed(laps)][:20]
    for row, lap in zip(rows, reversed(laps), strict=False):
        for column in ("lap_time_s", "position", "tire_age_laps", "fuel_gal", "pit"):
            assert row[column] == lap[column]


def test_what_one_car_loses_on_a_lap_the_other_gains(race: Server) -> None:
    own = {row["lap"]: row["delta_to_compared_s"] for row in answered(race, PANELS["laps"])}
    other = {
        row["lap"]: row["delta_to_compared_s"]
        for row in answered(race, PANELS["laps"], car="7", compare="24")
    }
    both = [lap for lap in own.keys() & other.keys() if own[lap] is not None]
    assert len(both) >= 5
    assert [own[lap] + other[lap] for lap in both] == pytest.approx([0.0] * len(both), abs=2e-3)


def test_a_lap_that_the_other_car_has_not_driven_is_compared_with_nothing(race: Server) -> None:
    # Car 5 is out since lap 63.
    rows = answered(race, PANELS["laps"], compare="5")
    assert rows[0]["delta_to_compared_s"] is None
    assert rows[-1]["delta_to_compared_s"] is not None


@pytest.mark.parametrize("slug", ["laps", "tire_heat_map"])
def test_laps_of_the_race_before_are_left_out(slug: str, next_race: Server) -> None:
    laps = [row["lap"] for row in answered(next_race, PANELS[slug])]
    assert sorted(set(laps)) == list(NEW_LAPS)
    assert len(laps) == len(NEW_LAPS) * (4 if slug == "tire_heat_map" else 1)


def test_the_best_lap_of_the_race_before_is_no_measure(next_race: Server) -> None:
    rows = answered(next_race, PANELS["laps"])
    assert [row["delta_to_best_s"] for row in rows] == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_fuel_of_the_race_before_counts_for_nothing(next_race: Server) -> None:
    (row,) = answered(next_race, PANELS["fuel_left"])
    assert row["fuel_gal"] == pytest.approx(16.8)
    assert row["laps_left"] == pytest.approx(16.8 / 0.3, abs=0.11)
