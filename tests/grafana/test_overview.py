"""The overview tells the race as it is: its answers against the rows that they come from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from grafana.panel_files import load_panels
from nascar.race.entries import load_entries
from nascar.telemetry.schema import LAP_TIMES, TRACK_POSITION
from tests.grafana.committed import DASHBOARDS
from tests.grafana.race_server import Server, write_row
from tests.grafana.two_races import CAR, NEW_LAPS, two_races

QUERIES = load_panels("overview")
OUT = 5
"""The car that crashes."""


def answer(slug: str, race: Server) -> list[dict[str, Any]]:
    query = QUERIES[slug]
    columns, rows = race.ask(query.target_sql, query.window or "15m")
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def newest(race: Server) -> dict[int, dict[str, Any]]:
    """The last row of `track_position` of every car, by its number."""
    columns, rows = race.query(
        "SELECT * FROM track_position WHERE time = (SELECT MAX(time) FROM track_position) ORDER BY car_number"
    )
    return {row[columns.index("car_number")]: dict(zip(columns, row, strict=True)) for row in rows}


@pytest.fixture(scope="module")
def tower(race: Server) -> list[dict[str, Any]]:
    return answer("running_order_front", race) + answer("running_order_back", race)


def test_the_running_order_has_every_car_once_from_the_first_to_the_last(
    tower: list[dict[str, Any]], newest: dict[int, dict[str, Any]]
) -> None:
    assert [row["position"] for row in tower] == list(range(1, 41))
    by_car = {row["car_number"]: row for row in tower}
    assert by_car.keys() == newest.keys() == {entry.car_number for entry in load_entries()}
    for car, row in by_car.items():
        for name in ("position", "driver", "team", "manufacturer", "gap_s"):
            assert row[name] == newest[car][name]


def test_the_leader_has_no_gap_and_every_other_is_behind(tower: list[dict[str, Any]]) -> None:
    assert tower[0]["gap_s"] == 0
    assert all(row["gap_s"] > 0 for row in tower[1:])


def test_no_lap_is_better_than_the_best_and_tires_are_as_old_as_the_laps_since_the_stop(
    tower: list[dict[str, Any]], race: Server
) -> None:
    _, rows = race.query(
        "SELECT car_number, arg_max(lap_time_s, lap), arg_max(best_lap_s, lap), arg_max(stops, lap), "
        "arg_max(tire_age_laps, lap) FROM lap_times GROUP BY car_number ORDER BY car_number"
    )
    told = {row[0]: row[1:] for row in rows}
    for row in tower:
        shown = [row[name] for name in ("last_lap_s", "best_lap_s", "stops", "tire_age_laps")]
        assert shown == told[row["car_number"]]
        assert row["best_lap_s"] <= row["last_lap_s"]


def test_a_car_that_is_out_is_last_and_stays_on_the_page(tower: list[dict[str, Any]]) -> None:
    assert tower[-1]["car_number"] == OUT


def test_the_head_of_the_page_agrees_with_the_running_order(
    tower: list[dict[str, Any]], newest: dict[int, dict[str, Any]], race: Server
) -> None:
    (status,) = answer("status", race)
    leader = newest[tower[0]["car_number"]]
    assert status["leader"] == leader["driver"]
    assert status["flag"] == leader["flag"]
    assert status["lap"] == max(row["lap"] for row in newest.values())
    assert status["lead_s"] == pytest.approx(tower[1]["gap_s"])
    _, led = race.query(f"SELECT MAX(laps_led) FROM lap_times WHERE car_number = {leader['car_number']}")
    assert status["laps_led"] == led[0][0]


def test_race_control_says_the_newest_thing_but_no_stop(race: Server) -> None:
    (said,) = answer("race_control", race)
    _, told = race.query("SELECT text FROM race_events WHERE kind <> 'stop' ORDER BY time DESC LIMIT 1")
    assert said["text"] == told[0][0]


def test_lap_leaders_are_those_who_led_the_most_first(race: Server) -> None:
    leaders = answer("lap_leaders", race)
    led = [row["laps_led"] for row in leaders]
    assert led == sorted(led, reverse=True)
    assert led[-1] > 0
    _, most = race.query("SELECT MAX(laps_led) FROM lap_times")
    assert led[0] == most[0][0]


def test_the_makes_share_the_places(tower: list[dict[str, Any]], race: Server) -> None:
    standings = answer("manufacturers", race)
    assert sum(row["in_top_ten"] for row in standings) == 10
    assert standings[0]["manufacturer"] == tower[0]["manufacturer"]
    for row in standings:
        places = [one["position"] for one in tower if one["manufacturer"] == row["manufacturer"]]
        assert row["best_place"] == min(places)
        assert row["mean_place"] == pytest.approx(sum(places) / len(places))


def test_every_team_has_a_speed_and_the_one_with_the_wreck_the_lowest(race: Server) -> None:
    speeds = answer("team_speed", race)
    teams = {entry.car_number: entry.team for entry in load_entries()}
    assert {row["team"] for row in speeds} == set(teams.values())
    assert speeds[-1]["team"] == teams[OUT]
    assert all(0 < row["average_speed_mph"] < 200 for row in speeds)


def test_every_place_of_a_finished_lap_is_taken_once(race: Server) -> None:
    rows = answer("position_by_lap", race)
    places: dict[int, list[int]] = {}
    for row in rows:
        places.setdefault(row["lap"], []).append(-row["place_below_zero"])
    whole = [lap for lap in sorted(places) if len(places[lap]) >= 39]
    assert len(whole) >= 8
    for lap in whole:
        assert sorted(places[lap]) == list(range(1, len(places[lap]) + 1))


def test_a_place_below_zero_is_written_as_it_is() -> None:
    (panel,) = [p for p in DASHBOARDS["nascar-overview"]["panels"] if p["title"] == "Position by lap"]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert len(mapping["options"]) >= 40
    assert all(int(value) == -int(shown["text"]) for value, shown in mapping["options"].items())


def test_the_map_has_every_car_where_it_is_on_the_line_that_is_drawn(
    newest: dict[int, dict[str, Any]], race: Server
) -> None:
    cars, line = answer("track_cars", race), answer("track_outline", race)
    assert {row["car_number"]: (row["x_m"], row["y_m"]) for row in cars} == {
        car: (row["x_m"], row["y_m"]) for car, row in newest.items()
    }
    assert [row["position"] for row in cars] == list(range(40, 0, -1)), "the leader is drawn last, on top"
    # A point every ten metres of the whole lap, and a moving car is never a track's width from it.
    assert len(line) == pytest.approx(241, abs=2)
    for row in cars:
        if newest[row["car_number"]]["speed_mph"] > 30:
            nearest = min((p["line_x_m"] - row["x_m"]) ** 2 + (p["line_y_m"] - row["y_m"]) ** 2 for p in line)
            assert nearest**0.5 < 20


def test_the_corners_of_the_map_hold_the_track_in_the_shape_of_its_panel(race: Server) -> None:
    line = answer("track_outline", race)
    xs, ys = ({row[f"corner_{axis}_m"] for row in line} for axis in "xy")
    assert len(xs) == len(ys) == 2
    assert max(xs) - min(xs) == pytest.approx(3 * (max(ys) - min(ys)))
    assert min(xs) < min(row["line_x_m"] for row in line) < max(row["line_x_m"] for row in line) < max(xs)
    assert min(ys) < min(row["line_y_m"] for row in line) < max(row["line_y_m"] for row in line) < max(ys)


def test_a_make_on_the_map_has_the_number_that_its_colour_stands_for(race: Server) -> None:
    (panel,) = [p for p in DASHBOARDS["nascar-overview"]["panels"] if p["type"] == "xychart"]
    (made,) = [o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == "make"]
    (mapping,) = next(item["value"] for item in made["properties"] if item["id"] == "mappings")
    makes = {entry.car_number: entry.manufacturer for entry in load_entries()}
    for row in answer("track_cars", race):
        assert mapping["options"][str(row["make"])]["text"] == makes[row["car_number"]]


def test_the_pace_drops_under_yellow(race: Server) -> None:
    speeds = {row["time"]: row["field_speed_mph"] for row in answer("field_speed", race)}
    assert len(speeds) == pytest.approx(300, abs=2)
    assert min(speeds.values()) < 80 < 170 < max(speeds.values())


def test_a_race_that_begins_anew_does_not_show_the_laps_of_the_last_one(race: Server) -> None:
    server = replace(race, database="next_race")
    old = {"lap": 334, "laps_led": 200, "position": 9, "stops": 8, "best_lap_s": 29.0, "lap_time_s": 29.5}
    new = {"lap": 2, "laps_led": 1, "position": 1, "stops": 0, "best_lap_s": 31.0, "lap_time_s": 31.5}
    write_row(server, LAP_TIMES, 300, **old)
    write_row(server, LAP_TIMES, 40, **new)
    write_row(server, TRACK_POSITION, 5, lap=3, position=1, flag="green")
    server.flush()
    assert [(row["car_number"], row["laps_led"]) for row in answer("lap_leaders", server)] == [(24, 1)]
    assert [(row["lap"], row["place_below_zero"]) for row in answer("position_by_lap", server)] == [(2, -1)]
    (status,) = answer("status", server)
    assert (status["lap"], status["laps_led"]) == (3, 1)
    (row,) = answer("running_order_front", server)
    assert (row["last_lap_s"], row["best_lap_s"], row["stops"]) == (31.5, 31.0, 0)


def test_of_a_lap_that_both_races_have_the_new_one_counts(race: Server) -> None:
    server = two_races(race, "two_races_of_the_field")
    assert answer("lap_leaders", server) == []
    places = {row["lap"]: row["place_below_zero"] for row in answer("position_by_lap", server)}
    assert places == dict.fromkeys(NEW_LAPS, -2)
    (row,) = answer("running_order_front", server)
    assert row["car_number"] == CAR
    assert (row["last_lap_s"], row["best_lap_s"]) == pytest.approx((30.6, 30.6))
    assert row["tire_age_laps"] == NEW_LAPS[-1]
    write_row(server, TRACK_POSITION, 1, lap=5, position=1)
    server.flush()
    (status,) = answer("status", server)
    assert (status["lap"], status["laps_led"]) == (5, 0)


def test_in_the_first_lap_the_order_is_there_before_anyone_has_a_lap(race: Server) -> None:
    server = replace(race, database="first_lap")
    # A lap of an earlier race, so that the table is there.
    write_row(server, LAP_TIMES, 300, lap=334)
    write_row(server, TRACK_POSITION, 5, lap=1, position=1)
    server.flush()
    (row,) = answer("running_order_front", server)
    assert (row["position"], row["car_number"], row["last_lap_s"]) == (1, 24, None)
    (status,) = answer("status", server)
    assert (status["lap"], status["leader"], status["laps_led"]) == (1, "24", None)


@pytest.mark.parametrize("slug", QUERIES)
def test_the_end_of_a_race_stays_on_the_page(slug: str, race: Server) -> None:
    # Four minutes after the last row; what is on a screen is talked about.
    later = replace(race, end_s=race.end_s + 240)
    now = answer(slug, race)
    if slug in ("position_by_lap", "field_speed"):
        assert answer(slug, later)
    else:
        assert answer(slug, later) == now
