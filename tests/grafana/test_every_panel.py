"""What holds for every panel of every dashboard, asked of a server with a real race in it."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from grafana.answers import STORED
from grafana.links import QUESTIONS
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES
from tests.grafana.committed import DASHBOARDS, Shown, annotation_queries, each_panel, values
from tests.grafana.drawn import drawn_columns, labels
from tests.grafana.race_server import Rows, Server

CARS = 40
BOUNDS = re.compile(r"\b(?:\w+\.)?time >= \$__timeFrom\(\) AND (?:\w+\.)?time < \$__timeTo\(\)")
READS = re.compile(rf"\b(?:FROM|JOIN)\s+({'|'.join(table.name for table in STORED)})\b")
OF_ONE_CAR = ("driver", "car_number")

QUERIES = {
    **{
        f"{uid}-{panel['id']:02d}-{target['refId']}": target["sql"]
        for uid, dashboard in DASHBOARDS.items()
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    },
    **{
        f"annotation-{number}": target["sql"]
        for number, target in enumerate(annotation_queries(next(iter(DASHBOARDS.values()))))
    },
}
each_query = pytest.mark.parametrize("sql", QUERIES.values(), ids=QUERIES.keys())


def frames(shown: Shown, race: Server) -> list[tuple[list[str], Rows]]:
    return [race.ask(target["sql"], shown.time_from) for target in shown.targets]


def bare(sql: str) -> str:
    """Without comments."""
    return re.sub(r"--[^\n]*", "", sql)


# What is asked.


@each_query
def test_every_table_is_read_within_literal_bounds(sql: str) -> None:
    # Arc opens the files of a whole database where a table stands without them.
    assert READS.findall(sql)
    assert len(BOUNDS.findall(sql)) == len(READS.findall(sql))
    # What else limits the time must not look like a bound to Arc, which takes the first that it finds.
    rest = BOUNDS.sub("", sql)
    assert not re.search(r"time\s*[<>]=?\s*('|\$__)", rest)
    assert "now()" not in rest


@each_query
def test_a_query_is_one_statement_that_arc_takes(sql: str) -> None:
    assert len(sql) < 10_000
    assert ";" not in sql
    assert "nascar_telemetry." not in sql
    # Arc puts a function's call where a table's name is read, after which nothing is called by that name.
    assert not re.search(rf"\b({'|'.join(table.name for table in STORED)})\.", sql)
    # Arc makes an inner join of any other, without a word.
    assert len(re.findall(r"\bJOIN\b", bare(sql))) == len(re.findall(r"\bINNER JOIN\b", bare(sql)))
    assert len(READS.findall(bare(sql))) == len(READS.findall(sql)), "a comment that reads like a table"


@pytest.mark.parametrize(("name", "sql"), QUERIES.items(), ids=QUERIES.keys())
def test_rows_come_in_an_order_and_no_more_than_a_limit(name: str, sql: str) -> None:
    end = r"\bORDER BY [\w\s,.()*/-]+"
    # Two of the published questions have no limit: three makes and some teams are all there is.
    limit = r"(\bLIMIT \d+)?" if name.startswith(QUESTIONS) else r"\bLIMIT \d+"
    assert re.search(rf"{end}\s*{limit}\s*$", bare(sql))


@each_query
def test_macros_and_variables_are_known(sql: str) -> None:
    # Others mean something else in each version of the plugin, or defeat pruning.
    assert set(re.findall(r"\$__\w+\(?\)?", sql)) == {"$__timeFrom()", "$__timeTo()"}
    for written in re.findall(r"\$(?!__)\S+", sql):
        assert re.match(r"\$\{(car|compare):raw\}|\$\{team:sqlstring\}", written), written


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_variables_are_those_of_the_dashboard(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    asked = " ".join(target["sql"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    assert set(re.findall(r"\$\{(\w+):", asked)) == {v["name"] for v in dashboard["templating"]["list"]}


# What is answered.


@each_panel
def test_a_panel_has_something_to_draw(shown: Shown, race: Server) -> None:
    for columns, rows in frames(shown, race):
        assert rows
        assert len(set(columns)) == len(columns)
    drawn = drawn_columns(shown, frames(shown, race))
    assert [name for name, column in drawn.items() if any(value is not None for value in column)]


@each_panel
def test_numbers_arrive_as_numbers(shown: Shown, race: Server) -> None:
    # A DECIMAL or a sum of integers would arrive as text, and draw nothing. Bars may stand on numbers as labels.
    label = shown.panel["options"].get("xField")
    for columns, rows in frames(shown, race):
        for index, name in enumerate(columns):
            kinds = {type(row[index]) for row in rows if row[index] is not None}
            assert kinds <= {int, float} or kinds == {str}, name
            if kinds == {str} and name not in ("time", label):
                assert not any(
                    re.fullmatch(r"-?[\d.]+(e-?\d+)?", row[index]) for row in rows if row[index]
                ), name
            assert all(math.isfinite(row[index]) for row in rows if isinstance(row[index], float))


@each_panel
def test_no_more_than_one_row_a_car_and_second(shown: Shown, race: Server) -> None:
    seconds = int(shown.time_from[:-1]) * {"s": 1, "m": 60, "h": 3600}[shown.time_from[-1]]
    for columns, rows in frames(shown, race):
        assert len(rows) <= CARS * seconds
        assert len(rows) <= 5000
        if "time" in columns and rows:
            whose = [columns.index(name) for name in OF_ONE_CAR if name in columns][:1]
            when = columns.index("time")
            seen = Counter(
                (datetime.fromisoformat(row[when]).replace(microsecond=0), *(row[index] for index in whose))
                for row in rows
            )
            assert set(seen.values()) == {1}


@each_panel
def test_everything_that_a_panel_names_is_in_its_answer(shown: Shown, race: Server) -> None:
    answered = frames(shown, race)
    drawn = drawn_columns(shown, answered)
    assert shown.overrides.keys() <= drawn.keys()
    options = shown.panel["options"]
    for option in ("xField", "colorByField"):
        if option in options:
            assert options[option] in drawn
            # Grafana looks for the name that is shown.
            assert (
                shown.overrides.get(options[option], {}).get("displayName", options[option])
                == options[option]
            )
    for series in options.get("series", []):
        columns, _ = answered[series["frame"]["matcher"]["options"]]
        assert {series[axis]["matcher"]["options"] for axis in ("x", "y", "color") if axis in series} <= set(
            columns
        )
    text = str(
        [*values(shown.panel, "displayName"), *values(shown.panel, "links"), *values(shown.panel, "value")]
    )
    assert set(re.findall(r"__data\.fields\.(\w+)", text)) <= drawn.keys()
    assert set(re.findall(r"__field\.labels\.(\w+)", text)) <= labels(shown, answered)


@each_panel
def test_every_number_that_is_drawn_has_a_unit(shown: Shown, race: Server) -> None:
    whole = shown.panel["fieldConfig"]["defaults"].get("unit")
    for name, column in drawn_columns(shown, frames(shown, race)).items():
        if any(isinstance(value, int | float) for value in column):
            assert shown.overrides.get(name, {}).get("unit", whole), name


@each_panel
def test_every_column_in_an_override_is_written_for_people(shown: Shown, race: Server) -> None:
    axes = {shown.panel["options"].get("xField"), shown.panel["options"].get("colorByField")}
    for name, settings in shown.overrides.items():
        if name not in axes and "displayName" in settings:
            assert "_" not in re.sub(r"\$\{[^}]*\}", "", settings["displayName"]), name


@each_panel
def test_a_plot_has_no_holes(shown: Shown, race: Server) -> None:
    # Grafana draws a point with no y at 0.
    if shown.panel["type"] != "xychart":
        return
    answered = frames(shown, race)
    for series in shown.panel["options"]["series"]:
        columns, rows = answered[series["frame"]["matcher"]["options"]]
        for axis in ("x", "y"):
            index = columns.index(series[axis]["matcher"]["options"])
            assert all(isinstance(row[index], int | float) for row in rows)


# What is answered where there is little.


@each_query
def test_a_database_without_tables_is_no_error(sql: str, nothing: Server) -> None:
    columns, rows = nothing.ask(sql)
    assert (columns, rows) == ([], [])


@each_query
@pytest.mark.parametrize("tables", [TABLES, LOW_RATE_TABLES], ids=["raw", "low-rate"])
def test_a_table_that_is_missing_is_no_error(
    sql: str, tables: tuple[Any, ...], partly: dict[str, Server]
) -> None:
    columns, rows = partly[tables[0].name].ask(sql)
    # Of one row of each table that is there no more can be made than the four tires of a car.
    assert len(rows) <= 4
    assert all(len(row) == len(columns) for row in rows)


@each_query
def test_a_car_or_a_team_that_nobody_knows_is_no_error(sql: str, race: Server) -> None:
    _, rows = race.ask(sql, "1m", car="998", compare="999", team="Nobody's & Sons")
    if re.search(r"\$\{(car|team):", sql) and "compare" not in sql:
        # One row where a whole answer is one number.
        assert len(rows) <= 1


@each_query
def test_a_window_without_rows_is_no_error(sql: str, race: Server) -> None:
    # Two hours before the race began.
    early = Server(race.url, race.database, race.end_s - 7200, race.variables)
    _, rows = early.ask(sql, "5m")
    assert len(rows) <= 1
