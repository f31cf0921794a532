"""What a row of `pipeline_metrics` holds, and how it travels."""

from __future__ import annotations

import math

import msgpack
import pytest

from nascar.monitor.disk import Disk
from nascar.monitor.sample import ServerState, rows_of
from nascar.monitor.table import PIPELINE_METRICS
from nascar.monitor.use import Use
from nascar.questions import load_questions
from nascar.stream.latency import Percentiles
from nascar.stream.low_rate_feed import encode_rows
from nascar.telemetry.columns import Kind
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES
from tests.monitor.conftest import START_US, sample

NUMBERS = [column.name for column in PIPELINE_METRICS.columns if column.kind is not Kind.TIME]
KNOWN = ServerState(
    stored_rows=800,
    stored_rate=5_000.0,
    tells_backlog=True,
    newest_row_age_s=0.7,
    question_ms={number: 10.0 * number for number in range(1, 9)},
    use=Use(1.5, 512.0, 0.0, 9.25),
    disk=Disk(12, 3_000_000),
)


def test_a_row_has_the_columns_of_the_table_and_all_but_the_time_are_floats() -> None:
    assert list(sample().values()) == NUMBERS
    assert PIPELINE_METRICS.columns[0].name == "time"
    assert {column.kind for column in PIPELINE_METRICS.columns[1:]} == {Kind.FLOAT}
    assert PIPELINE_METRICS.name not in {table.name for table in (*TABLES, *LOW_RATE_TABLES)}


def test_there_is_a_column_for_each_question() -> None:
    asked = {name for name in NUMBERS if name.startswith("question_")}
    assert asked == {f"question_{question.number}_ms" for question in load_questions()}


def test_everything_that_is_known_stands_in_the_row() -> None:
    measured = Percentiles(1.0, 2.0, 3.0, 4.0)
    row = sample(0, KNOWN, due_ms=measured, send_ms=measured).values()
    unknown = {name for name, value in row.items() if math.isnan(value)}
    assert unknown == {"generator_cpu_cores", "generator_memory_mb"}
    assert row["stored_rows"] == 800
    assert row["sent_mb_s"] == 1.5
    assert row["backlog_rows"] == 400
    assert row["question_8_ms"] == 80.0
    assert row["server_disk_mb"] == 3.0
    assert row["server_files"] == 12
    assert (row["due_p99_ms"], row["send_p50_ms"]) == (3.0, 1.0)


def test_a_server_that_says_nothing_leaves_gaps_and_the_runs_own_numbers() -> None:
    row = sample().values()
    for name in NUMBERS:
        of_server = name.startswith(("server_", "stored_", "question_", "newest_", "backlog_"))
        assert not of_server or math.isnan(row[name]), name
    assert row["scheduled_rows"] == row["acknowledged_rows"] + row["failed_rows"] + row["missed_rows"] + 50


def test_every_number_travels_as_a_float_also_where_it_is_unknown() -> None:
    """A column keeps its type in every request: a server types it by the first cell that it sees."""
    body = encode_rows(rows_of([sample(0), sample(1, KNOWN)]), period=1)
    content = msgpack.unpackb(body.data)
    assert content["m"] == PIPELINE_METRICS.name
    assert list(content["columns"]) == [column.name for column in PIPELINE_METRICS.columns]
    assert content["columns"]["time"] == [START_US, START_US + 1_000_000]
    for name in NUMBERS:
        assert [type(value) for value in content["columns"][name]] == [float, float], name
    stored = content["columns"]["stored_rows"]
    assert math.isnan(stored[0])
    assert stored[1] == pytest.approx(800)
