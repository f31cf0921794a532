"""The page of the proof shows what the pipeline wrote of itself."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from grafana.panel_files import load_panels
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import load_questions
from nascar.telemetry.columns import Kind
from tests.grafana.committed import ALL, DASHBOARDS
from tests.grafana.race_server import SECONDS, Server, pipeline_columns, write_row

QUERIES = load_panels("ingest")
SERIES = [slug for slug, query in QUERIES.items() if query.columns[0].name == "time"]


def test_every_column_that_the_pipeline_writes_is_on_the_page() -> None:
    shown = {column.name for query in QUERIES.values() for column in query.columns}
    written = {column.name for column in PIPELINE_METRICS.columns}
    # Scheduled and acknowledged rows since the start are told by the summary; the page shows their rates.
    assert written - shown == {"scheduled_rows", "acknowledged_rows"}


@pytest.mark.parametrize("slug", SERIES)
def test_a_line_has_a_point_for_every_second(slug: str, race: Server) -> None:
    columns, rows = race.ask(QUERIES[slug].target_sql, "15m")
    assert len(rows) == SECONDS
    times = [row[0] for row in rows]
    assert times == sorted(times, reverse=True)
    written = pipeline_columns(race.end_s)
    for index, name in enumerate(columns[1:], start=1):
        # What nobody knows is written as NaN, and arrives as nothing.
        expected = [value if value == value else None for value in reversed(written[name])]
        assert [row[index] for row in rows] == expected


def test_the_big_numbers_are_the_newest(race: Server) -> None:
    written = pipeline_columns(race.end_s)
    assert race.ask(QUERIES["total_rows"].target_sql)[1] == [[written["stored_rows"][-1]]]
    assert race.ask(QUERIES["lost"].target_sql)[1] == [
        [written["missed_rows"][-1] + written["failed_rows"][-1]]
    ]


def test_the_total_stands_while_the_server_is_silent(race: Server) -> None:
    server = replace(race, database="silent")
    write_row(server, PIPELINE_METRICS, 30, stored_rows=5e9)
    write_row(server, PIPELINE_METRICS, 29, stored_rows=math.nan)
    server.flush()
    assert server.ask(QUERIES["total_rows"].target_sql)[1] == [[5e9]]


@pytest.mark.parametrize("slug", SERIES)
def test_what_nobody_knows_leaves_no_line_of_nothing(slug: str, race: Server) -> None:
    # A column in which every value is missing is text to the datasource, and a page of text is an error in a graph.
    server = replace(race, database="unknown")
    known = dict.fromkeys(("target_rate", "late_rows", "waiting_rows", "sent_mb_s"), 0.0)
    known |= dict.fromkeys(("generator_cpu_cores", "generator_memory_mb", "due_p50_ms", "send_p50_ms"), 1.0)
    names = (column.name for column in PIPELINE_METRICS.columns if column.kind is not Kind.TIME)
    write_row(server, PIPELINE_METRICS, 30, **{name: known.get(name, math.nan) for name in names})
    server.flush()
    _, rows = server.ask(QUERIES[slug].target_sql)
    assert (rows == []) == (slug in ("disk", "files", "questions"))
    assert all(any(isinstance(value, float | int) for value in row) for row in rows)


def test_every_question_has_a_line_under_its_own_name() -> None:
    (panel,) = [p for p in DASHBOARDS["nascar-ingest"]["panels"] if "eight questions" in p["title"]]
    (shown,) = [s for s in ALL if s.panel is panel]
    names = {
        column: settings["displayName"] for column, settings in shown.overrides.items() if column != "time"
    }
    assert names == {
        f"question_{q.number}_ms": f"{q.number} {q.slug.replace('_', ' ')}" for q in load_questions()
    }


def test_units_are_those_that_the_pipeline_names() -> None:
    units = {column.name: column.unit for column in PIPELINE_METRICS.columns}
    for query in QUERIES.values():
        for column in query.columns:
            if column.name in units and column.kind is not Kind.TIME:
                assert column.unit == units[column.name]
