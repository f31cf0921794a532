"""What Grafana would ask when a page is opened, read out of its dashboard; and pages looked at while a race streams."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts import bench_panels
from scripts.panel_pages import ANNOTATIONS, load_pages, page_of

DASHBOARDS = Path(__file__).parents[2] / "grafana" / "dashboards"


def dashboard(**changes: Any) -> dict[str, Any]:
    def panel(title: str, *queries: str, **more: Any) -> dict[str, Any]:
        return {"title": title, "targets": [{"sql": sql} for sql in queries], **more}

    made = {
        "uid": "race",
        "title": "The race",
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "templating": {
            "list": [
                {"name": "car", "current": {"value": 24}},
                {"name": "team", "current": {"value": "O'Brien's"}},
            ]
        },
        "panels": [
            {"title": "Words", "type": "text"},
            panel("Speed", "a ${car:raw} $car", "b ${team:sqlstring} $team", timeFrom="30s"),
            {"title": "Row", "panels": [panel("", "c $carton $__timeFrom() $__timeTo()", type="stat")]},
        ],
    }
    return {**made, **changes}


def test_every_panel_that_asks_is_a_request_with_the_defaults_in_it() -> None:
    page = page_of(dashboard())
    assert (page.uid, page.title, page.refresh_s) == ("race", "The race", 5)
    assert [(asked.panel, asked.window_s) for asked in page.requests] == [("Speed", 30), ("stat", 900)]
    assert page.requests[0].queries == ("a 24 24", "b 'O''Brien''s' O'Brien's")


def test_the_window_ends_now_in_whole_seconds() -> None:
    (_, stat) = page_of(dashboard()).requests
    # 2026-11-24T12:00:00Z, and a name that only begins as a variable does.
    assert stat.sql_at(1_795_521_600.9) == ("c $carton '2026-11-24T11:45:00Z' '2026-11-24T12:00:00Z'",)


def test_annotations_that_are_on_travel_with_the_page() -> None:
    lines = [
        {"enable": True, "target": {"sql": "flags"}},
        {"enable": False, "target": {"sql": "not shown"}},
        {"enable": True, "target": {"type": "dashboard"}},
    ]
    page = page_of(dashboard(annotations={"list": lines}))
    assert (page.requests[-1].panel, page.requests[-1].queries) == (ANNOTATIONS, ("flags",))


@pytest.mark.parametrize("text", ["soon", "now", "5", "now/d"])
def test_a_length_of_time_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        page_of(dashboard(refresh=text))


def test_every_query_of_the_committed_dashboards_can_be_asked_as_it_stands() -> None:
    pages = load_pages(DASHBOARDS)
    assert len(pages) == len(list(DASHBOARDS.glob("*.json"))) > 0
    for page in pages:
        assert page.requests
        for request in page.requests:
            for sql in request.sql_at(1_795_521_600):
                assert "$" not in sql
                assert len(duckdb.extract_statements(sql)) == 1


def test_pages_are_looked_at_while_a_race_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = bench_panels.main(
        [
            *("--rate", "20000", "--seconds", "4", "--page-seconds", "5", "--pages", "nascar-overview"),
            *("--out", str(tmp_path / "out"), "--data-dir", str(tmp_path / "data")),
        ]
    )
    (written,) = (tmp_path / "out").glob("panels-*.json")
    made = json.loads(written.read_text())
    (page,) = made["panels"]["pages"]
    named = next(each for each in load_pages(DASHBOARDS) if each.uid == "nascar-overview")
    assert [panel["panel"] for panel in page["panels"]] == [asked.panel for asked in named.requests]
    assert not any(panel["errors"] for panel in page["panels"])
    assert any(panel["rows"] for panel in page["panels"])
    assert made["panels"]["low_rate_rows"]["track_position"] > 0
    assert made["panels"]["stream_rows"]["acknowledged"] > 20_000
    slow = [panel for panel in page["panels"] if panel["max_ms"] > bench_panels.WITHIN_MS]
    assert status == int(bool(slow) or not page["within_refresh"])
    text = written.with_suffix(".md").read_text()
    assert text in capsys.readouterr().out
    assert "were acknowledged" in text
    for panel in page["panels"]:
        assert f"| {panel['panel']} |" in text
    assert str(tmp_path) not in text + written.read_text()


def test_a_dashboard_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_panels.main(["--pages", "nascar-moon"]) == 2
    assert "--pages" in capsys.readouterr().err
