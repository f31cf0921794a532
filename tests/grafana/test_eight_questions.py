"""The page of the eight questions: one panel each, as published, and answered right."""

from __future__ import annotations

from typing import Any

import pytest

from grafana.fields import UNITS
from grafana.links import QUESTIONS as UID
from grafana.panel_sql import panel_questions, panel_text, question_panels, traced_columns
from nascar.questions import load_questions
from tests.grafana.committed import ALL, Shown
from tests.grafana.race_server import Rows, Server

PANELS = {shown.panel["id"]: shown for shown in ALL if shown.dashboard["uid"] == UID}
QUESTIONS = {question.number: question for question in load_questions()}

each_number = pytest.mark.parametrize("number", sorted(QUESTIONS))


def answer(shown: Shown, race: Server) -> tuple[list[str], Rows]:
    (target,) = shown.targets
    return race.ask(target["sql"], shown.time_from)


def test_the_eight_questions_have_one_panel_each_under_their_titles() -> None:
    assert sorted(PANELS) == sorted(QUESTIONS)
    for form in panel_questions():
        panel = PANELS[form.number].panel
        assert panel["title"] == form.title
        assert panel["description"].startswith(panel_text(form.shows))
        assert f"\n\nQuery: queries/{form.number:02d}_{form.slug}.sql" in panel["description"]


@each_number
def test_a_panel_looks_back_as_far_as_its_question(number: int) -> None:
    own = PANELS[number].time_from
    assert int(own[:-1]) * {"s": 1, "m": 60}[own[-1]] == QUESTIONS[number].window_s


@each_number
def test_an_answer_has_the_columns_of_the_published_question(number: int, race: Server) -> None:
    columns, rows = answer(PANELS[number], race)
    assert columns == [column.name for column in traced_columns(QUESTIONS[number].sql)]
    assert 1 <= len(rows) <= 1000


@each_number
def test_every_drawn_measure_has_the_unit_of_its_sensor(number: int) -> None:
    traced = {column.name: column for column in traced_columns(QUESTIONS[number].sql)}
    for name, settings in PANELS[number].overrides.items():
        if traced[name].is_count:
            assert settings["unit"] == UNITS["rows"][0]
        else:
            source = traced[name].source
            assert source is not None
            if source.range is not None:
                assert settings["unit"] == UNITS[source.unit][0]


@each_number
def test_an_answer_lies_between_the_bounds_that_the_schema_names(number: int, race: Server) -> None:
    # On the racing surface under green, as it is in the last minute; ten minutes hold a caution and stops.
    if QUESTIONS[number].window_s > 60:
        return
    _, rows = answer(PANELS[number], race)
    columns = enumerate(question_panels()[number].columns)
    bounded = [(i, column.range) for i, column in columns if column.range and column.kind.value == "float"]
    assert bounded
    for index, (low, high) in bounded:
        # One car has crashed, and stands: its throttle, its speed and its engine rest.
        assert all(row[index] <= high for row in rows)
        assert sum(row[index] >= low for row in rows) >= len(rows) - 1


def test_the_questions_about_one_car_answer_for_the_chosen_car(race: Server) -> None:
    of_one_car = [number for number, shown in PANELS.items() if "${car:raw}" in shown.targets[0]["sql"]]
    assert of_one_car == [2, 4]
    for car, driver in (("24", "Marlow Tennant"), ("7", "Casper Hollowell")):
        columns, rows = race.ask(PANELS[4].targets[0]["sql"], PANELS[4].time_from, car=car)
        assert {row[columns.index("car_number")] for row in rows} == {int(car)}
        assert {row[columns.index("driver")] for row in rows} == {driver}


def test_speed_over_time_has_a_row_for_every_second_of_its_window(race: Server) -> None:
    columns, rows = answer(PANELS[2], race)
    times: list[Any] = [row[columns.index("time")] for row in rows]
    assert len(set(times)) == len(times) == QUESTIONS[2].window_s
    assert times == sorted(times, reverse=True)


def test_a_window_ends_where_the_panel_ends(race: Server) -> None:
    # One row per car and second: the ten seconds of the leaderboard hold ten of each of forty cars.
    columns, rows = race.ask(
        "SELECT COUNT(*) AS n FROM engine_telemetry WHERE time >= $__timeFrom() AND time < $__timeTo()", "10s"
    )
    assert (columns, rows) == (["n"], [[400]])
