"""Every panel's SQL, as the datasource sends it, answered by a server that speaks Arc's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grafana.eight_questions import eight_questions
from grafana.panel_sql import answer_columns
from nascar.questions import load_questions
from nascar.telemetry.schema import Kind

Ask = Callable[[str, str], tuple[list[str], list[list[Any]]]]

PANELS: list[dict[str, Any]] = eight_questions("12.4.2")["panels"]
QUESTIONS = {question.number: question for question in load_questions()}

each_panel = pytest.mark.parametrize("panel", PANELS, ids=[QUESTIONS[p["id"]].slug for p in PANELS])


def answer(panel: dict[str, Any], ask: Ask) -> tuple[list[str], list[list[Any]]]:
    (target,) = panel["targets"]
    return ask(target["sql"], panel["timeFrom"])


@each_panel
def test_a_panel_answers_with_the_columns_of_its_question_and_rows(panel: dict[str, Any], ask: Ask) -> None:
    columns, rows = answer(panel, ask)
    assert columns == [column.name for column in answer_columns(QUESTIONS[panel["id"]].sql)]
    assert 1 <= len(rows) <= 1000


@each_panel
def test_numbers_arrive_as_numbers_and_names_as_text(panel: dict[str, Any], ask: Ask) -> None:
    # A DECIMAL or a sum of integers would arrive as text, and draw nothing.
    columns, rows = answer(panel, ask)
    for index, column in enumerate(answer_columns(QUESTIONS[panel["id"]].sql)):
        assert columns[index] == column.name
        is_text = column.source is not None and column.source.kind in (Kind.TEXT, Kind.TIME)
        for row in rows:
            assert isinstance(row[index], str if is_text else int | float)


@each_panel
def test_values_lie_in_the_range_of_their_sensor(panel: dict[str, Any], ask: Ask) -> None:
    # So a unit or an axis that the dashboard takes from the schema fits what is drawn.
    _, rows = answer(panel, ask)
    ranges = [
        (i, c.source.range) for i, c in enumerate(answer_columns(QUESTIONS[panel["id"]].sql)) if c.source
    ]
    bounded = [(index, bounds) for index, bounds in ranges if bounds]
    assert bounded
    for index, (low, high) in bounded:
        assert all(low - 0.1 <= row[index] <= high + 0.1 for row in rows)


def test_the_questions_about_one_car_answer_for_the_chosen_car(ask: Ask) -> None:
    of_one_car = [panel for panel in PANELS if "$car" in panel["targets"][0]["sql"]]
    assert [panel["id"] for panel in of_one_car] == [2, 4]
    columns, rows = answer(of_one_car[1], ask)
    assert {row[columns.index("car_number")] for row in rows} == {24}
    assert {row[columns.index("driver")] for row in rows} == {"Driver 24"}


def test_speed_over_time_has_a_row_for_every_second_of_its_window(ask: Ask) -> None:
    columns, rows = answer(PANELS[1], ask)
    times = [row[columns.index("time")] for row in rows]
    assert len(set(times)) == len(times) == QUESTIONS[2].window_s
    assert times == sorted(times, reverse=True)


def test_a_window_ends_where_the_panel_ends(ask: Ask) -> None:
    # One row per car and second: the ten seconds of the leaderboard hold ten of each of forty cars.
    columns, rows = ask(
        "SELECT COUNT(*) AS n FROM engine_telemetry WHERE time >= $__timeFrom() AND time < $__timeTo()", "10s"
    )
    assert (columns, rows) == (["n"], [[400]])
