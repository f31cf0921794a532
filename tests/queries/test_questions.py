"""The eight questions: published word for word, runnable as they stand, refused with a reason when broken."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from nascar.errors import UsageError
from nascar.questions import RELATIVE_WINDOW, for_database, load_questions, queries_directory
from nascar.telemetry.columns import Kind
from nascar.telemetry.schema import TABLES

FILES = sorted((*queries_directory().glob("*.sql"), *(queries_directory() / "panels").glob("*.sql")))

PUBLISHED = {
    1: ("leaderboard", 10, "f2a477357087b6e4"),
    2: ("speed_over_time", 300, "6d90037be6fda68e"),
    3: ("manufacturers", 60, "8843ff8a34ae4282"),
    4: ("tire_degradation", 600, "fc83ba68abb315cc"),
    5: ("g_force", 300, "966b52ea83dcd6df"),
    6: ("fuel_strategy", 120, "602fa024a3f72996"),
    7: ("teams", 30, "f1934a1a90576d72"),
    8: ("heavy_braking", 60, "68d477307a07d8b8"),
}
"""Slug, window in seconds, and the first 16 digits of the SHA-256 of the SQL in the demo's published text."""

TYPES = {Kind.TIME: "TIMESTAMPTZ", Kind.INT: "BIGINT", Kind.FLOAT: "DOUBLE", Kind.TEXT: "VARCHAR"}


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """The published tables, empty, under the published name."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA nascar_telemetry")
        for table in TABLES:
            columns = ", ".join(f"{c.name} {TYPES[c.kind]}" for c in table.columns)
            connection.execute(f"CREATE TABLE nascar_telemetry.{table.name} ({columns})")
        yield connection


def test_the_published_sql_is_there_word_for_word() -> None:
    found = {
        q.number: (q.slug, q.window_s, hashlib.sha256(q.sql.encode()).hexdigest()[:16])
        for q in load_questions()
    }
    assert found == PUBLISHED


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(queries_directory())))
def test_a_file_runs_as_it_stands(file: Path, database: duckdb.DuckDBPyConnection) -> None:
    answer = database.execute(file.read_text())
    assert answer.description
    assert answer.fetchall() == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(queries_directory())))
def test_a_header_holds_nothing_that_arc_could_take_for_sql(file: Path) -> None:
    # Arc masks quoted strings before it strips comments: an apostrophe in a comment would open a string.
    comments = [line for line in file.read_text().splitlines() if "--" in line]
    assert comments
    assert not [line for line in comments if re.search(r"['\"$;`]|/\*", line)]
    assert all(line.startswith("-- ") for line in comments)


def test_the_sql_of_a_question_has_no_header_and_one_statement() -> None:
    for question in load_questions():
        assert question.sql.startswith("SELECT")
        assert question.sql.endswith(";")
        assert question.sql.count(";") == 1
        assert "--" not in question.sql
        assert question.title
        assert question.shows.endswith(".")


def test_a_panel_form_asks_the_same_question(database: duckdb.DuckDBPyConnection) -> None:
    published = {question.number: question for question in load_questions()}
    forms = load_questions(queries_directory() / "panels")
    assert forms
    for form in forms:
        question = published[form.number]
        assert (form.slug, form.title, form.window_s) == (question.slug, question.title, question.window_s)

        def columns(sql: str) -> list[str]:
            return [column[0] for column in database.execute(sql).description or ()]

        assert columns(form.sql) == columns(question.sql)
        file = queries_directory() / "panels" / f"{form.number:02d}_{form.slug}.sql"
        assert re.search(r"^-- panel: .+", file.read_text(), re.MULTILINE)


def test_the_panel_form_of_speed_over_time_spans_its_window_in_at_most_1000_rows(
    database: duckdb.DuckDBPyConnection,
) -> None:
    (form,) = load_questions(queries_directory() / "panels")
    database.execute("BEGIN")
    database.execute(
        "INSERT INTO nascar_telemetry.engine_telemetry (time, car_number, speed_mph, rpm, lap)"
        " SELECT now() - to_milliseconds(i * 20), 24, i % 200, 9000, 1 FROM range(15000) r(i)"
    )
    rows = database.execute(f"SELECT epoch(time) FROM ({form.sql.rstrip(';')})").fetchall()
    database.execute("ROLLBACK")
    assert 299 <= len(rows) <= 301
    times = [row[0] for row in rows]
    assert times == sorted(times, reverse=True)
    assert max(times) - min(times) == len(rows) - 1


def test_another_database_takes_the_place_of_the_published_one() -> None:
    for question in load_questions():
        other = for_database(question.sql, "daytona")
        assert other.count("daytona.") == 1
        assert (
            for_database(other.replace("daytona.", "nascar_telemetry."), "nascar_telemetry") == question.sql
        )
        bare = for_database(question.sql, "")
        assert re.search(r"FROM (engine|chassis|tire)_telemetry\n", bare)


def test_the_window_is_what_the_sql_says() -> None:
    for question in load_questions():
        assert len(RELATIVE_WINDOW.findall(question.sql)) == 1


GOOD = "-- title: Speed\n-- shows: The speed.\nSELECT 1 WHERE time > now() - INTERVAL '90 seconds';\n"


def test_questions_come_in_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "02_second.sql").write_text(GOOD)
    (tmp_path / "01_first.sql").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not a question")
    questions = load_questions(tmp_path)
    assert [(q.number, q.slug, q.window_s) for q in questions] == [(1, "first", 90), (2, "second", 90)]
    assert questions[0].sql == "SELECT 1 WHERE time > now() - INTERVAL '90 seconds';"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("1_speed.sql", GOOD, r"1_speed\.sql is not named NN_slug\.sql"),
        ("01_speed.sql", GOOD.replace("-- title: Speed\n", ""), r"01_speed\.sql has no '-- title: "),
        ("01_speed.sql", GOOD.replace("-- shows: The speed.\n", ""), r"01_speed\.sql has no '-- shows: "),
        ("01_speed.sql", GOOD.replace("now()", "today()"), r"01_speed\.sql names no window"),
        ("01_speed.sql", "", r"01_speed\.sql has no '-- title: "),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        load_questions(tmp_path)


def test_a_number_twice_is_refused(tmp_path: Path) -> None:
    for slug in ("a", "b"):
        (tmp_path / f"07_{slug}.sql").write_text(GOOD)
    with pytest.raises(UsageError, match="Question 07 is there twice"):
        load_questions(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "01_speed.sql").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="Cannot read the questions"):
        load_questions(tmp_path)


@pytest.mark.parametrize("folder", ["missing", ""])
def test_a_folder_without_questions_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="No questions"):
        load_questions(tmp_path / folder)
