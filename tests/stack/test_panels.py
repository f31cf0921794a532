"""The questions of the committed dashboards, read as Grafana reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stack.panels import DASHBOARDS, questions


def dashboard(*panels: dict[str, Any], **variables: str) -> dict[str, Any]:
    return {
        "uid": "one",
        "time": {"from": "now-5m", "to": "now"},
        "templating": {
            "list": [{"name": name, "current": {"value": value}} for name, value in variables.items()]
        },
        "panels": list(panels),
    }


def panel(sql: str, **options: Any) -> dict[str, Any]:
    return {"title": "a panel", "targets": [{"sql": sql}], **options}


def read(folder: Path, content: dict[str, Any]) -> list[tuple[str, int]]:
    (folder / "one.json").write_text(json.dumps(content))
    return [(question.sql, question.window_s) for question in questions(folder)]


def test_variables_have_their_defaults_in_the_forms_of_grafana(tmp_path: Path) -> None:
    sql = "$car ${car} ${car:raw} ${team:sqlstring} $cars $other $__timeFrom()"
    (question,) = read(tmp_path, dashboard(panel(sql), car="24", team="Joe's", cars="all"))
    assert question[0] == "24 24 24 'Joe''s' all $other $__timeFrom()"


def test_a_panels_own_range_beats_the_dashboards(tmp_path: Path) -> None:
    found = read(tmp_path, dashboard(panel("a"), panel("b", timeFrom="30s")))
    assert found == [("a", 300), ("b", 30)]


def test_panels_in_a_folded_row_are_found_and_those_that_ask_nothing_are_not(tmp_path: Path) -> None:
    row = {"type": "row", "title": "more", "panels": [panel("inside")]}
    assert read(tmp_path, dashboard({"type": "text", "title": "words"}, row)) == [("inside", 300)]


def test_the_range_is_filled_in_as_whole_seconds_of_utc(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(
        json.dumps(dashboard(panel("time >= $__timeFrom() AND time < $__timeTo()", timeFrom="1m")))
    )
    (question,) = questions(tmp_path)
    assert question.at(1_796_000_060.9) == "time >= '2026-11-30T00:53:20Z' AND time < '2026-11-30T00:54:20Z'"


def test_a_range_that_does_not_end_now_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no stretch of time"):
        read(tmp_path, dashboard(panel("a", timeFrom="yesterday")))


def test_every_committed_dashboard_asks_something() -> None:
    asked = {question.dashboard for question in questions()}
    assert asked == {json.loads(file.read_text())["uid"] for file in DASHBOARDS.glob("*.json")}
