"""Team strategy: pace, tires, fuel and stops of one team's cars, worked out again from the laps themselves."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest

from grafana.panel_files import load_panels
from nascar.race.entries import load_entries
from tests.grafana.asked import Row, answered, by_lap, stored
from tests.grafana.race_server import SECONDS, Server
from tests.grafana.two_races import DRIVER, NEW_LAPS, two_races

PANELS = load_panels("strategy")
DRIVERS: Final = {
    team: {entry.driver for entry in load_entries() if entry.team == team}
    for team in {entry.team for entry in load_entries()}
}
FOUR_CARS: Final = "Ironwood Motorsports"
ONE_CAR: Final = "Sundial Racing"
WITH_A_SIGN: Final = "Summit & Sons"
LOST_A_CAR: Final = "Two Rivers Motor Works"
"""Its car 5 retires in the second minute."""
TEAMS: Final = (FOUR_CARS, ONE_CAR, WITH_A_SIGN, LOST_A_CAR)

each_team = pytest.mark.parametrize("team", TEAMS)


@pytest.fixture(scope="module")
def next_race(race: Server) -> Server:
    """A race of four laps so far, right behind another."""
    return two_races(race, "two_races_of_a_team")


def laps_of(race: Server, team: str) -> list[Row]:
    return stored(race, "lap_times", f"team = '{team}'", "10m")


def cars_of(laps: list[Row]) -> dict[int, list[Row]]:
    """Laps by car, in their order."""
    cars: dict[int, list[Row]] = defaultdict(list)
    for lap in laps:
        cars[lap["car_number"]].append(lap)
    return cars


def green_laps(laps: list[Row]) -> list[Row]:
    """Laps of one car that were driven at speed from line to line."""
    slowest_s = 1.1 * laps[-1]["best_lap_s"]
    return [
        lap
        for before, lap in pairwise([laps[0], *laps])
        if not lap["pit"] and lap["lap_time_s"] < slowest_s and before["lap_time_s"] < slowest_s
    ]


@pytest.mark.parametrize("slug", PANELS)
@each_team
def test_a_panel_is_about_the_cars_of_its_team(slug: str, team: str, race: Server) -> None:
    names = {row["driver"] for row in answered(race, PANELS[slug], team=team)}
    assert names <= DRIVERS[team]
    # Every car of the field but the one that retires has driven laps and made its stop.
    assert names | {"Wren Pettigale"} == DRIVERS[team] | {"Wren Pettigale"}


@each_team
def test_the_cars_stand_in_the_order_of_the_race(team: str, race: Server) -> None:
    rows = answered(race, PANELS["cars"], team=team)
    live = {row["car_number"]: row for row in stored(race, "track_position", f"team = '{team}'", "1s")}
    assert [row["position"] for row in rows] == sorted(row["position"] for row in live.values())
    for row in rows:
        assert row["position"] == live[row["car_number"]]["position"]
        assert row["gap_s"] == pytest.approx(live[row["car_number"]]["gap_s"], abs=0.051)


@pytest.mark.parametrize("slug", PANELS)
def test_the_page_stays_when_the_race_is_over(slug: str, race: Server) -> None:
    later = replace(race, end_s=race.end_s + 600)
    assert answered(later, PANELS[slug]) == answered(race, PANELS[slug])


@each_team
def test_a_car_is_described_by_its_newest_lap(team: str, race: Server) -> None:
    newest = {car: laps[-1] for car, laps in cars_of(laps_of(race, team)).items()}
    for row in answered(race, PANELS["cars"], team=team):
        lap = newest[row["car_number"]]
        for column in ("driver", "lap", "lap_time_s", "best_lap_s", "stops", "tire_age_laps", "fuel_gal"):
            assert row[column] == lap[column]


@each_team
def test_fuel_lasts_as_long_as_it_is_said_to(team: str, race: Server) -> None:
    cars = cars_of(laps_of(race, team))
    for row in answered(race, PANELS["cars"], team=team):
        laps = cars[row["car_number"]]
        burned = [
            before["fuel_gal"] - lap["fuel_gal"]
            for before, lap in pairwise(laps)
            if not lap["pit"] and lap["lap_time_s"] < 1.1 * laps[-1]["best_lap_s"]
        ]
        gal_per_lap = sum(burned) / len(burned)
        assert row["gal_per_lap"] == pytest.approx(gal_per_lap, abs=6e-4)
        assert (row["laps_left"] - 1e-9) * gal_per_lap <= row["fuel_gal"]
        assert row["fuel_gal"] < (row["laps_left"] + 0.1 + 1e-9) * gal_per_lap


@each_team
def test_the_predicted_stop_lies_ahead_and_no_further_than_the_fuel(team: str, race: Server) -> None:
    for row in answered(race, PANELS["cars"], team=team):
        assert row["predicted_stop_lap"] > row["lap"]
        assert row["predicted_stop_lap"] - row["lap"] <= max(1, row["laps_left"])
        assert row["predicted_stop_lap"] - row["lap"] > row["laps_left"] - 1


def test_nothing_is_predicted_before_a_lap_has_shown_what_it_burns(race: Server) -> None:
    # Twenty seconds into what is stored no car has crossed the line twice.
    early = replace(race, end_s=race.end_s - SECONDS + 20)
    rows = answered(early, PANELS["cars"])
    assert rows
    for row in rows:
        known = {row[column] is not None for column in ("gal_per_lap", "laps_left", "predicted_stop_lap")}
        assert len(known) == 1
    assert None in [row["predicted_stop_lap"] for row in rows]


@each_team
def test_the_bars_say_what_the_table_says_and_the_shortest_comes_first(team: str, race: Server) -> None:
    bars = answered(race, PANELS["laps_left"], team=team)
    table = {row["driver"]: row["laps_left"] for row in answered(race, PANELS["cars"], team=team)}
    assert {row["driver"]: row["laps_left"] for row in bars} == table
    assert [row["laps_left"] for row in bars] == sorted(table.values())


@each_team
def test_lap_times_are_those_of_laps_at_speed(team: str, race: Server) -> None:
    expected = {
        (lap["driver"], lap["lap"]): lap["lap_time_s"]
        for laps in cars_of(laps_of(race, team)).values()
        for lap in green_laps(laps)
    }
    rows = answered(race, PANELS["lap_times"], team=team)
    assert {(row["driver"], row["lap"]): row["lap_time_s"] for row in rows} == expected
    assert len(rows) == len(expected)
    assert [row["lap"] for row in rows] == sorted(row["lap"] for row in rows)


def test_no_line_runs_through_a_stop(race: Server) -> None:
    # The laps between two stints are not there, so Grafana draws nothing from one to the other.
    laps = cars_of(laps_of(race, FOUR_CARS))[24]
    stop = next(lap["lap"] for lap in laps if lap["box_s"] > 0)
    drawn = [row["lap"] for row in answered(race, PANELS["lap_times"]) if row["driver"] == "Marlow Tennant"]
    assert stop not in drawn
    assert min(drawn) < stop < max(drawn)


@each_team
def test_fall_off_is_the_distance_to_the_best_lap_of_the_stint(team: str, race: Server) -> None:
    by_age: dict[tuple[str, int], list[float]] = defaultdict(list)
    for laps in cars_of(laps_of(race, team)).values():
        green = green_laps(laps)
        for lap in green:
            best_s = min(other["lap_time_s"] for other in green if other["stops"] == lap["stops"])
            by_age[lap["driver"], lap["tire_age_laps"]].append(lap["lap_time_s"] - best_s)
    rows = answered(race, PANELS["tire_falloff"], team=team)
    drawn = {(row["driver"], row["tire_age_laps"]): row["falloff_s"] for row in rows}
    means = {key: sum(values) / len(values) for key, values in by_age.items()}
    assert drawn == pytest.approx(means, abs=1e-3)
    assert min(drawn.values()) >= 0


@each_team
def test_the_fuel_of_every_lap_is_drawn_once(team: str, race: Server) -> None:
    laps = laps_of(race, team)
    rows = answered(race, PANELS["fuel_level"], team=team)
    assert len(rows) == len(laps)
    assert {(row["driver"], row["lap"]): row["fuel_gal"] for row in rows} == {
        (lap["driver"], lap["lap"]): lap["fuel_gal"] for lap in laps
    }


@each_team
def test_what_was_burned_and_what_was_filled_in_is_what_the_level_changed(team: str, race: Server) -> None:
    laps = by_lap(laps_of(race, team))
    numbers = {lap["driver"]: car for (car, _), lap in laps.items()}
    rows = answered(race, PANELS["fuel_use"], team=team)
    for row in rows:
        car = numbers[row["driver"]]
        before, lap = laps[car, row["lap"] - 1], laps[car, row["lap"]]
        assert lap["fuel_added_gal"] == 0
        assert row["burned_gal"] == pytest.approx(before["fuel_gal"] - lap["fuel_gal"], abs=6e-4)
    followed = [key for key in laps if (key[0], key[1] - 1) in laps and not laps[key]["fuel_added_gal"]]
    assert len(rows) == len(followed)


@each_team
def test_every_stop_that_race_control_saw_is_in_the_history(team: str, race: Server) -> None:
    numbers = {lap["car_number"] for lap in laps_of(race, team)}
    seen = [event["car_number"] for event in stored(race, "race_events", "kind = 'stop'", "10m")]
    rows = answered(race, PANELS["pit_stops"], team=team)
    assert sorted(row["car_number"] for row in rows) == sorted(car for car in seen if car in numbers)


@each_team
def test_a_stop_has_the_times_tires_and_fuel_of_its_laps(team: str, race: Server) -> None:
    laps = by_lap(laps_of(race, team))
    for row in answered(race, PANELS["pit_stops"], team=team):
        lap = laps[row["car_number"], row["lap"]]
        assert row["box_s"] == pytest.approx(lap["box_s"], abs=0.051)
        assert row["tires_changed"] == lap["tires_changed"]
        assert row["fuel_added_gal"] == pytest.approx(lap["fuel_added_gal"], abs=6e-3)
        # Pit road passes the line: the way in is of the lap before.
        visit = [
            laps[row["car_number"], number]["pit_road_s"]
            for number in range(row["lap"] - 1, row["lap"] + 2)
            if (row["car_number"], number) in laps
        ]
        assert row["pit_road_s"] == pytest.approx(sum(visit), abs=0.051)
        assert row["box_s"] < row["pit_road_s"]


@pytest.mark.parametrize("slug", ["lap_times", "fuel_level", "tire_falloff"])
def test_laps_of_the_race_before_are_left_out(slug: str, next_race: Server) -> None:
    rows = answered(next_race, PANELS[slug])
    assert [row.get("lap", row.get("tire_age_laps")) for row in rows] == list(NEW_LAPS)


def test_fuel_of_the_race_before_counts_for_nothing(next_race: Server) -> None:
    (row,) = answered(next_race, PANELS["cars"])
    assert (row["lap"], row["driver"], row["position"]) == (NEW_LAPS[-1], DRIVER, 3)
    assert row["gal_per_lap"] == pytest.approx(0.3)
    assert [row["burned_gal"] for row in answered(next_race, PANELS["fuel_use"])] == pytest.approx([0.3] * 3)


def test_stops_of_the_race_before_are_history_of_another_race(next_race: Server) -> None:
    assert answered(next_race, PANELS["pit_stops"]) == []
