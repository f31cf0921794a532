"""Technical analysis: what its panels say of the field, worked out again from the readings themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Final

import numpy as np
import pytest

from grafana.panel_files import load_panels
from nascar.race.entries import load_entries
from nascar.telemetry.schema import CHASSIS
from tests.grafana.asked import Row, answered, stored
from tests.grafana.race_server import Server

PANELS = load_panels("technical")
CORNERS: Final = ("lf", "rf", "lr", "rr")
TURNS: Final = (1, 2, 3, 4)
DISTRIBUTIONS: Final = {
    "speed_distribution": ("speed", "speed_mph", 5, None),
    "rpm_distribution": ("engine_speed", "rpm", 100, None),
    "throttle_distribution": ("throttle", "throttle_position", 10, 90),
}
"""Column of the steps, sensor, width of a step, and the last step where the scale has an end."""

each_corner = pytest.mark.parametrize("corner", CORNERS)
each_distribution = pytest.mark.parametrize("slug", DISTRIBUTIONS)


def tenths(rows: Iterable[Row]) -> dict[tuple[int, int], list[Row]]:
    """Rows by car and tenth of a second."""
    found: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        at_us = round(datetime.fromisoformat(row["time"]).timestamp() * 1e6)
        found[row["car_number"], at_us // 100_000].append(row)
    return found


def forces_by_place(race: Server) -> list[tuple[list[Row], Row]]:
    """The readings of a car in each tenth of the last half minute, and where it was then."""
    forces = tenths(stored(race, "chassis_telemetry", "TRUE", "30s"))
    places = tenths(stored(race, "track_position", "TRUE", "30s"))
    return [(readings, places[key][0]) for key, readings in forces.items() if key in places]


@pytest.fixture(params=["racing", "pitting"])
def moment(request: pytest.FixtureRequest, race: Server) -> Server:
    """The race while the field is racing, and while it is on pit road under yellow."""
    if request.param == "racing":
        return race
    stops = stored(race, "race_events", "kind = 'stop'", "10m")
    return replace(race, end_s=int(datetime.fromisoformat(stops[-1]["time"]).timestamp()))


def test_every_car_of_the_field_has_its_row(race: Server) -> None:
    rows = answered(race, PANELS["cornering"])
    names = {entry.car_number: entry.driver for entry in load_entries()}
    assert {row["car_number"]: row["driver"] for row in rows}.items() <= names.items()
    # But for a car that stands where it is in no turn.
    assert len(rows) >= len(names) - 1
    assert len({row["car_number"] for row in rows}) == len(rows)


@pytest.mark.parametrize("turn", TURNS)
def test_each_turn_is_driven_within_the_grip_of_the_tires(turn: int, race: Server) -> None:
    low, high = CHASSIS.column("lateral_g").range or (0.0, 0.0)
    values = [row[f"turn_{turn}_g"] for row in answered(race, PANELS["cornering"])]
    driven = [value for value in values if value is not None]
    assert len(driven) > 30
    assert all(low <= value <= high for value in driven)
    # The field races in this half minute: no turn of an oval is driven without force.
    assert np.median(driven) > 1.5


def test_a_cell_is_the_highest_force_of_that_car_in_that_turn(moment: Server) -> None:
    highest: dict[tuple[int, int], float] = {}
    for readings, place in forces_by_place(moment):
        key = (place["car_number"], place["turn"])
        mean_g = float(np.mean([row["lateral_g"] for row in readings]))
        highest[key] = max(highest.get(key, -np.inf), mean_g)
    for row in answered(moment, PANELS["cornering"]):
        for turn in TURNS:
            expected = highest.get((row["car_number"], turn))
            assert row[f"turn_{turn}_g"] == (
                None if expected is None else pytest.approx(expected, abs=0.0051)
            )


def test_brakes_are_shown_where_they_were_used(moment: Server) -> None:
    used: dict[float, list[float]] = defaultdict(list)
    for readings, place in forces_by_place(moment):
        if not place["in_pit"]:
            used[place["lap_distance_m"] // 50 * 50] += [row["brake_pressure_psi"] for row in readings]
    rows = answered(moment, PANELS["brake_by_place"])
    assert [row["lap_distance_m"] for row in rows] == sorted(used)
    for row in rows:
        pressures = used[row["lap_distance_m"]]
        assert row["peak_psi"] == max(pressures)
        assert row["mean_psi"] == pytest.approx(np.mean(pressures), abs=0.051)
        assert 0 <= row["mean_psi"] <= row["peak_psi"]


def test_the_field_brakes_on_the_way_into_the_turns(race: Server) -> None:
    # The turns of this oval begin after 300 and 1500 m; between 1050 and 1450 m lies a straight.
    peaks = {row["lap_distance_m"]: row["peak_psi"] for row in answered(race, PANELS["brake_by_place"])}
    into_turn = max(peak for place, peak in peaks.items() if 1450 <= place <= 1600)
    straight = max(peak for place, peak in peaks.items() if 1050 <= place <= 1300)
    assert into_turn > straight


def test_the_engine_is_averaged_over_steps_of_its_speed(race: Server) -> None:
    steps: dict[int, list[Row]] = defaultdict(list)
    for reading in stored(race, "engine_telemetry", "TRUE", "10s"):
        steps[reading["rpm"] // 100 * 100].append(reading)
    rows = answered(race, PANELS["engine_by_rpm"])
    assert [row["rpm"] for row in rows] == sorted(steps)
    for row in rows:
        for column in ("engine_temp", "oil_temp", "oil_pressure"):
            mean = np.mean([reading[column] for reading in steps[row["rpm"]]])
            assert row[column] == pytest.approx(mean, abs=0.051)


def test_oil_pressure_rises_with_the_engine_speed(race: Server) -> None:
    rows = answered(race, PANELS["engine_by_rpm"])
    racing = [row["oil_pressure"] for row in rows if row["rpm"] >= 7_500]
    assert len(racing) >= 5
    assert all(before < after for before, after in pairwise(racing))


def test_a_point_of_the_plot_is_a_lap_of_a_car(race: Server) -> None:
    laps = stored(race, "lap_times", "TRUE", "15m")
    rows = answered(race, PANELS["tire_pressure"])
    assert [(row["driver"], row["lap"]) for row in rows] == [(lap["driver"], lap["lap"]) for lap in laps]
    for row, lap in zip(rows, laps, strict=True):
        for corner in CORNERS:
            assert row[f"{corner}_temp_f"] == lap[f"{corner}_temp_f"]
            assert row[f"{corner}_pressure_psi"] == lap[f"{corner}_pressure_psi"]


@each_corner
def test_hot_air_needs_more_room(corner: str, race: Server) -> None:
    # Gas law: the points of a tire lie on a line, whose pressure at 80 °F is the cold one.
    rows = answered(race, PANELS["tire_pressure"])
    temps_f = np.array([row[f"{corner}_temp_f"] for row in rows])
    pressures_psi = np.array([row[f"{corner}_pressure_psi"] for row in rows])
    slope, at_zero = np.polyfit(temps_f, pressures_psi, 1)
    assert slope > 0
    assert at_zero + 80 * slope == pytest.approx({"lf": 20, "rf": 50, "lr": 22, "rr": 46}[corner], abs=0.5)


@each_corner
def test_the_correlation_is_that_of_the_same_readings(corner: str, race: Server) -> None:
    readings = stored(race, "tire_telemetry", "TRUE", "5s")
    assert len(readings) == 200
    expected = np.corrcoef(
        [row[f"{corner}_pressure_psi"] for row in readings], [row[f"{corner}_temp_f"] for row in readings]
    )[0, 1]
    (row,) = answered(race, PANELS["tire_correlation"])
    assert row[f"{corner}_correlation"] == pytest.approx(expected, abs=6e-4)
    assert 0.5 < row[f"{corner}_correlation"] <= 1


@each_distribution
def test_the_shares_add_up_to_all_readings(slug: str, race: Server) -> None:
    rows = answered(race, PANELS[slug])
    assert sum(row["share_pct"] for row in rows) == pytest.approx(100)
    assert all(row["share_pct"] > 0 for row in rows)


@each_distribution
def test_a_share_is_that_of_the_readings_in_its_step(slug: str, race: Server) -> None:
    name, sensor, width, last = DISTRIBUTIONS[slug]
    readings = stored(race, "engine_telemetry", "TRUE", "10s")
    steps = Counter(int(reading[sensor] // width) * width for reading in readings)
    if last is not None:
        # Wide open belongs to the last step, not to one of its own.
        steps[last] += sum(steps.pop(step) for step in list(steps) if step > last)
    rows = answered(race, PANELS[slug])
    assert [row[name] for row in rows] == [str(step) for step in sorted(steps)]
    for row in rows:
        assert row["share_pct"] == pytest.approx(100 * steps[int(row[name])] / len(readings))
