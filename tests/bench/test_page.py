"""The page: all in one file, nothing from a network, and every number of the record on it."""

from __future__ import annotations

import base64
import copy
import hashlib
import html.parser
import json
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects
import pytest

from nascar.bench import page, pictures
from nascar.bench.record import Record
from nascar.errors import UsageError

from .conftest import Climbed

LOADING = {"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "ping"}


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser does: what it would load, its scripts, its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.policy = ""
        self.scripts: list[str] = []
        self.figures: dict[str, Any] = {}
        self.places: list[str] = []
        self.words = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.loads += [str(value) for name, value in attrs if name in LOADING]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(found["content"])
        if tag == "figure":
            self.places.append(str(found["id"]))
        if tag == "script":
            self._inside = "figures" if found.get("id") == "figures" else "script"
        if tag == "style":
            self._inside = "style"

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "figures":
            self.figures = json.loads(data)
        elif self._inside == "script":
            self.scripts.append(data)
        elif self._inside == "style":
            assert "url(" not in data
            assert "@import" not in data
        else:
            self.words += data + "\n"


@pytest.fixture(scope="module")
def read(climbed: Climbed) -> Reader:
    return Reader(climbed.page.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_anywhere(read: Reader) -> None:
    assert read.loads == []
    assert read.policy.startswith("default-src 'none'; ")
    sources = dict(part.split(" ", 1) for part in read.policy.split("; "))
    assert sources["img-src"] == "data: blob:"
    assert {"connect-src", "font-src", "frame-src", "worker-src"}.isdisjoint(sources), "the default: none"
    assert not re.search(r"https?:", read.policy)


def test_only_the_scripts_that_it_came_with_may_run(read: Reader) -> None:
    allowed = set(re.findall(r"'sha256-([^']+)'", read.policy))
    digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in read.scripts}
    assert len(read.scripts) == 2
    assert allowed == digests
    assert "'unsafe-inline'" not in read.policy.split("script-src")[1].split(";")[0]


def test_every_picture_has_a_place_and_is_what_plotly_takes(read: Reader) -> None:
    assert sorted(read.figures) == sorted(read.places)
    for figure in read.figures.values():
        # Raises for a property that Plotly does not know.
        plotly.graph_objects.Figure(figure)
        assert figure["data"]


def test_each_level_has_all_its_pictures(climbed: Climbed, read: Reader) -> None:
    for level in climbed.record["ladder"]["levels"]:
        drawn = [
            pictures.rate_over_time(level),
            pictures.latencies_side_by_side(level),
            pictures.backlog_and_stored(level),
            pictures.questions_over_time(level),
            pictures.resources_over_time(level),
        ]
        assert None not in drawn
        for figure in drawn:
            assert json.loads(json.dumps(figure)) in read.figures.values()


def test_header_verdict_and_ledger_stand_in_words(climbed: Climbed, read: Reader) -> None:
    made = climbed.record
    for said in (made["date"], made["command"], made["commit"], made["machine"]["cpu"], made["target"]):
        assert str(said) in read.words
    for name, number in made["versions"].items():
        assert f"{name} {number}" in read.words
    for level in made["ladder"]["levels"]:
        report = level["report"]
        assert report["verdict_text"] in read.words or not level["held"]
        for table, counts in {**report["tables"], **report["beside"]}.items():
            assert table in read.words
            assert f"{counts['acknowledged']:,}" in read.words
        for question in level["questions"]["questions"].values():
            assert question["title"] in read.words
    assert "within 1% of the target" in read.words


def test_what_a_server_says_cannot_become_markup(climbed: Climbed) -> None:
    evil = "</script><img src=http://example.invalid/x onerror=alert(1)>"
    made = copy.deepcopy(climbed.record)
    level = made["ladder"]["levels"][0]
    level["held"] = False
    level["report"]["reasons"] = [evil]
    level["report"]["notes"] = [{"at_s": 1.0, "text": evil}]
    level["report"]["troubles"] = {evil: 3}
    level["questions"]["questions"]["teams"]["errors"] = [evil]
    made["target"] = evil
    # A name in a legend goes through the figures.
    level["questions"]["questions"][evil] = level["questions"]["questions"].pop("teams")
    read = Reader(page.render(made))
    assert read.loads == []
    assert evil in read.words
    assert len(read.scripts) == 2


def test_a_pause_is_a_band_and_only_where_rows_came_due() -> None:
    timeline = {
        "interval_s": 1.0,
        "at_s": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        "offered": [10, 10, 10, 10, 10, 0],
        "acknowledged": [10, 0, 0, 25, 0, 0],
    }
    assert pictures.pauses(timeline) == [(1.0, 3.0), (4.0, 5.0)]


def test_a_level_that_left_no_report_says_why(climbed: Climbed) -> None:
    made = copy.deepcopy(climbed.record)
    made["ladder"]["levels"][0] |= {
        "report": None,
        "held": False,
        "error": "it was killed",
        "questions": None,
    }
    assert "the stream ended without a report: it was killed" in Reader(page.render(made)).words


def test_a_server_that_could_not_be_looked_at_leaves_a_sentence_and_no_hole(climbed: Climbed) -> None:
    made = copy.deepcopy(climbed.record)
    for level in made["ladder"]["levels"]:
        level["resources"]["server"] = None
        level["server_note"] = "it is on another machine"
    words = Reader(page.render(made)).words
    assert words.count("The server's use is not known: it is on another machine.") == 2


def test_the_knee_shows_its_search_and_the_trials_that_tell(climbed: Climbed) -> None:
    made = copy.deepcopy(climbed.record)
    held, missed = made["ladder"]["levels"]
    trials = [
        {**held, "phase": "raise", "counts_as_held": True, "misses": []},
        {**missed, "phase": "raise", "counts_as_held": False, "misses": ["too slow by far"]},
        {**held, "phase": "confirm", "counts_as_held": True, "misses": []},
    ]
    knee = {
        "rate": held["load"]["rate"],
        "missed_rate": missed["load"]["rate"],
        "is_answered": True,
        "sustained_s": 60,
        "trial_s": 10,
        "p99_limit_ms": 1000,
        "precision": 0.05,
        "ended": None,
        "trials": trials,
    }
    read = Reader(page.render({**made, "kind": "knee", "knee": knee}))
    assert "The highest rate sustained for 60 s: 6,000 rows/s; 12,000 rows/s were not held." in read.words
    assert "too slow by far" in read.words
    for figure in read.figures.values():
        plotly.graph_objects.Figure(figure)
    knee |= {"rate": None, "missed_rate": 6_000}
    assert "No sustained rate was found" in Reader(page.render({**made, "kind": "knee", "knee": knee})).words


def test_the_ceiling_shows_bars_and_numbers(climbed: Climbed) -> None:
    spread = {"median": 5_000_000, "least": 4_000_000, "most": 6_000_000, "measured": [5_000_000]}
    ceiling = {
        "cores": 2,
        "rate": 612_000,
        "messages_per_s": {"race_per_core": 5_000_000},
        "per_core": {"race": spread, "http_sink": spread},
        "all_cores": {"race": spread},
        "titles": {"race": "race only", "http_sink": "HTTP into the null sink"},
        "notes": ["To TSBS: not on the PATH: not measured."],
    }
    made: Record = {**climbed.record, "kind": "ceiling", "ceiling": ceiling}
    read = Reader(page.render(made))
    assert len(read.figures) == 2
    for figure in read.figures.values():
        plotly.graph_objects.Figure(figure)
    for said in ("5,000,000", "HTTP into the null sink", "race only", "not measured"):
        assert said in read.words


def test_a_report_of_a_stream_has_a_page_too(climbed: Climbed, tmp_path: Path) -> None:
    report = climbed.record["ladder"]["levels"][0]["report"]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(report))
    read = Reader(page.render_file(file))
    assert report["verdict_text"] in read.words or report["verdict"] != "held"
    assert len(read.figures) == 3, "rate, latencies, backlog"
    del report["timeline"]
    file.write_text(json.dumps(report))
    with pytest.raises(UsageError, match="older version"):
        page.render_file(file)
