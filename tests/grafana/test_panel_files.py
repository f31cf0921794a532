"""A panel's file says what it shows, and what its SQL cannot do is told when it is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from grafana.answers import STORED, SUFFIXES, AnswerColumn, answer_of, unit_of_name
from grafana.fields import UNITS, label, meaning
from grafana.panel_files import QUERIES, load_panels
from grafana.panels import Frame, Place
from nascar.telemetry.columns import Kind

HEAD = "-- title: Speed\n-- shows: How fast.\n-- look: the dips.\n"
SQL = (
    "SELECT time, speed_mph FROM engine_telemetry WHERE car_number = $car AND time >= $__timeFrom() "
    "AND time < $__timeTo() ORDER BY time LIMIT 10"
)


def written(folder: Path, text: str) -> Path:
    (folder / "car").mkdir()
    (folder / "car" / "speed.sql").write_text(text)
    return folder


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    panels = load_panels("car", written(tmp_path, f"{HEAD}-- window: 30s\n{SQL}\n"))
    assert panels.keys() == {"speed"}
    query = panels["speed"]
    assert (query.title, query.shows, query.look) == ("Speed", "How fast.", "the dips.")
    assert (query.window, query.sql) == ("30s", SQL)
    assert [(column.name, column.kind, column.unit) for column in query.columns] == [
        ("time", Kind.TIME, "µs"),
        ("speed_mph", Kind.FLOAT, "mph"),
    ]


def test_a_variable_says_itself_how_it_is_written(tmp_path: Path) -> None:
    # One version of the datasource puts quotes around a value, another does not.
    sql = SQL.replace("car_number = $car", "team = '$team' AND car_number IN ($car, $compare)")
    query = load_panels("car", written(tmp_path, HEAD + sql))["speed"]
    assert "team = ${team:sqlstring} AND car_number IN (${car:raw}, ${compare:raw})" in query.target_sql
    assert "$__timeFrom() AND time < $__timeTo()" in query.target_sql


def test_a_question_goes_on_from_what_its_page_asks_first(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        HEAD + "-- with: quick\nWITH few AS (SELECT * FROM quick LIMIT 3)\nSELECT speed_mph FROM few",
    )
    (folder / "car" / "all.cte").write_text("-- Every row.\nWITH every AS (SELECT * FROM engine_telemetry)\n")
    (folder / "car" / "quick.cte").write_text("-- with: all\nWITH quick AS (SELECT * FROM every)\n")
    assert load_panels("car", folder)["speed"].sql == (
        "WITH every AS (SELECT * FROM engine_telemetry), quick AS (SELECT * FROM every), "
        "few AS (SELECT * FROM quick LIMIT 3)\nSELECT speed_mph FROM few"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "-- with: nothing\n" + SQL, "no nothing.cte"),
        ("-- title: Speed\n-- shows: How fast.\n" + SQL, "no '-- look"),
        (HEAD + "-- colour: red\n" + SQL, "not a header line: -- colour"),
        (HEAD + "-- look: again.\n" + SQL, "not a header line"),
        (HEAD + "-- window: soon\n" + SQL, "is no window"),
        (HEAD.replace("dips", "car's dips") + SQL, "no quotes"),
        (HEAD + SQL.replace("speed_mph FROM", "speed_kmh FROM"), "speed_kmh"),
        (HEAD + "SELECT SUM(rpm) AS rpm FROM engine_telemetry", "HUGEINT"),
        (HEAD + "SELECT 1.5 AS x_m FROM engine_telemetry", "DECIMAL"),
    ],
)
def test_a_file_that_cannot_be_drawn_is_refused(tmp_path: Path, text: str, told: str) -> None:
    folder = written(tmp_path, text)
    with pytest.raises(ValueError, match=told):
        load_panels("car", folder)


def test_a_folder_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \.sql files"):
        load_panels("car", tmp_path)


def test_every_file_belongs_to_a_dashboard_that_draws_it() -> None:
    folders = {folder.name for folder in (QUERIES / "dashboards").iterdir()}
    assert folders == {"annotations", "overview", "car", "strategy", "technical", "ingest"}


def test_every_unit_of_the_tables_and_of_the_names_has_one_in_grafana() -> None:
    units = {column.unit for table in STORED for column in table.columns if column.kind is not Kind.TIME}
    assert units | set(SUFFIXES.values()) <= UNITS.keys()


@pytest.mark.parametrize(
    ("name", "unit", "shown"),
    [
        ("last_lap_s", "s", "Last lap"),
        ("avg_speed_mph", "mph", "Average speed"),
        ("lf_temp_f", "°F", "Left front temp"),
        ("used_gal_per_lap", "gal/lap", "Used"),
        ("laps_led", None, "Laps led"),
        ("stint_laps", "lap", "Stint laps"),
        ("server_write_mb_s", "MB/s", "Server write"),
        ("due_p99_ms", "ms", "Due P99"),
        ("lateral_g", "g", "Lateral g"),
        ("rpm", "rpm", "RPM"),
        ("car_number", None, "Car"),
        ("in_pit", None, "In pit"),
    ],
)
def test_a_name_ends_in_its_unit_and_is_written_without_it(name: str, unit: str | None, shown: str) -> None:
    assert unit_of_name(name) == unit
    assert label(name) == shown


def test_the_schema_knows_better_than_the_name() -> None:
    columns = {column.name: column for column in answer_of("SELECT laps_led, stops, fuel_gal FROM lap_times")}
    assert columns["laps_led"].unit == "lap"
    assert columns["stops"].unit == ""
    assert columns["fuel_gal"].range == (0, 20)


def test_a_number_whose_unit_nobody_knows_is_refused_until_it_is_given_one() -> None:
    column = AnswerColumn("correlation", Kind.FLOAT, None)
    with pytest.raises(ValueError, match="no unit for 'correlation'"):
        meaning(column)
    assert meaning(column, {"unit": "none"})["unit"] == "none"


def test_a_panel_that_names_a_column_that_is_not_answered_is_refused(tmp_path: Path) -> None:
    query = load_panels("car", written(tmp_path, HEAD + SQL))["speed"]
    with pytest.raises(ValueError, match="rpm"):
        Frame(query, Place(0, 0, 1, 1), {"rpm": {}}).panel("stat", {}, {})
