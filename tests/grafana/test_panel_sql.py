"""The panel form of a question differs from the published SQL in three things, and only in these."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from grafana.panel_sql import (
    TracedColumn,
    asked_table,
    panel_questions,
    panel_sql,
    panel_text,
    traced_columns,
)
from nascar.questions import Question, load_questions
from nascar.telemetry.schema import CHASSIS, ENGINE, TABLES, TIRE

PUBLISHED = {question.number: question for question in load_questions()}
PANEL_FORMS = panel_questions()

each_form = pytest.mark.parametrize("form", PANEL_FORMS, ids=[form.slug for form in PANEL_FORMS])


def test_every_question_has_one_panel_form_in_order() -> None:
    assert [form.number for form in PANEL_FORMS] == list(range(1, 9))
    assert [form.number for form in PANEL_FORMS if form != PUBLISHED[form.number]] == [2]


@each_form
def test_only_window_database_and_car_change(form: Question) -> None:
    sql = panel_sql(form)
    window = re.findall(r"time >=? now\(\) - INTERVAL '[^']+'", form.sql)
    back = sql.replace("time >= $__timeFrom() AND time < $__timeTo()", window[0])
    back = re.sub(r"FROM (\w+)", r"FROM nascar_telemetry.\1", back).replace("= $car", "= 24")
    assert back + ";" == form.sql


@each_form
def test_a_panel_sends_bare_tables_literal_bounds_and_one_statement(form: Question) -> None:
    sql = panel_sql(form)
    assert "nascar_telemetry." not in sql
    assert "now()" not in sql
    assert ";" not in sql
    assert "ORDER BY" in sql
    assert ("LIMIT" in sql) or form.slug in ("manufacturers", "teams")
    # Later versions of the plugin put parentheses around the filter macro's column: Arc prunes no more.
    assert "$__timeFilter" not in sql
    assert "$__timeGroup" not in sql


@each_form
def test_the_answer_has_the_columns_of_the_published_question(form: Question) -> None:
    names = [column.name for column in traced_columns(form.sql)]
    assert names == [column.name for column in traced_columns(PUBLISHED[form.number].sql)]


def test_two_windows_cannot_be_one_panel() -> None:
    twice = replace(PUBLISHED[1], sql=PUBLISHED[1].sql + PUBLISHED[1].sql)
    with pytest.raises(ValueError, match="has 2 windows"):
        panel_sql(twice)


def test_a_text_names_the_chosen_car() -> None:
    assert panel_text("Car 24 lap by lap; the last 1,000 rows of car 24") == (
        "Car $car lap by lap; the last 1,000 rows of car $car"
    )
    assert panel_text("Top 24 cars, car 240") == "Top 24 cars, car 240"


def test_a_column_is_traced_to_its_sensor() -> None:
    columns = {column.name: column for column in traced_columns(PUBLISHED[4].sql)}
    assert columns["avg_tire_temp"] == TracedColumn(
        "avg_tire_temp", TIRE.column("lf_temp_f"), is_count=False, is_mean=True
    )
    assert columns["hottest_tire_temp"] == TracedColumn(
        "hottest_tire_temp", TIRE.column("lf_temp_f"), is_count=False, is_mean=False
    )
    assert columns["driver"].source == TIRE.column("driver")
    assert columns["lap"].source == TIRE.column("lap")


def test_a_count_has_no_sensor() -> None:
    for number in (3, 6, 7):
        (samples,) = [c for c in traced_columns(PUBLISHED[number].sql) if c.name == "samples"]
        assert samples.is_count
        assert samples.source is None
    (cars,) = [c for c in traced_columns(PUBLISHED[7].sql) if c.name == "cars"]
    assert cars.is_count


def test_every_other_column_has_one() -> None:
    for question in PUBLISHED.values():
        for column in traced_columns(question.sql):
            assert column.is_count != (column.source is not None)


def test_the_asked_table_is_found_with_and_without_a_database() -> None:
    assert asked_table(PUBLISHED[1].sql) is ENGINE
    assert asked_table(PUBLISHED[8].sql) is CHASSIS
    assert asked_table(panel_sql(PUBLISHED[4])) is TIRE
    assert {asked_table(question.sql).name for question in PUBLISHED.values()} == {t.name for t in TABLES}
    with pytest.raises(ValueError, match="no known table"):
        asked_table("SELECT 1 FROM weather")


def test_a_column_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no name for 'MAX"):
        traced_columns("SELECT driver, MAX(rpm) FROM engine_telemetry")
