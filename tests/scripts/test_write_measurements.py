"""docs/measurements.md says what its records say, and nothing else."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path

import pytest

from nascar.bench import measures, record
from nascar.bench.amounts import amount
from nascar.bench.record import Record
from nascar.errors import UsageError
from scripts.write_measurements import DOCUMENT, FOLDER, document_of, keep, newest


def committed() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def of_kind(kind: str) -> list[Record]:
    return [made for made in map(record.read, committed()) if made["kind"] == kind]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A ceiling, a ladder of each of two targets, and a knee, made of what was measured."""
    ceiling = of_kind("ceiling")[0]
    ladder = next(made for made in of_kind("ladder") if made["ladder"]["levels"][0]["stores"])
    held, missed = copy.deepcopy(ladder["ladder"]["levels"][0]), copy.deepcopy(ladder["ladder"]["levels"][0])
    held["load"] |= {"rate": 700_000, "seconds": 60}
    missed["load"] |= {"rate": 800_000, "seconds": 10}
    knee = {
        **ladder,
        "kind": "knee",
        "target": "server at http://127.0.0.1:8000",
        "server_version": "26.06.3",
        "command": "nascar bench knee --url http://127.0.0.1:8000",
        "knee": {
            "rate": 700_000,
            "missed_rate": 800_000,
            "is_answered": True,
            "sustained_s": 60,
            "trial_s": 10,
            "p99_limit_ms": 1000,
            "ended": None,
            "trials": [
                {**missed, "phase": "raise", "counts_as_held": False, "misses": ["stored | too few"]},
                {**held, "phase": "confirm", "counts_as_held": True, "misses": []},
            ],
        },
    }
    sink = {
        **ladder,
        "target": "null sink (it keeps nothing)",
        "command": "nascar bench ladder --sink",
        "date": "2027-01-01T00:00:00Z",
    }
    folder = tmp_path / "measurements"
    folder.mkdir()
    for number, made in enumerate((knee, sink, ladder, ceiling)):
        (folder / f"{number}.json").write_text(record.encoded(made))
    return folder


def test_the_committed_document_is_what_the_committed_records_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document_of(FOLDER)


def test_machine_command_date_and_target_stand_beside_the_numbers(many: Path) -> None:
    for folder in (FOLDER, many):
        text = document_of(folder)
        for made in map(record.read, folder.glob("*.json")):
            (line,) = [line for line in text.splitlines() if f"`{made['command']}`" in line]
            for said in (
                made["date"][:10],
                made["machine"]["cpu"],
                made["machine"]["kernel"],
                made.get("target", ""),
            ):
                assert said in line


def test_every_level_has_a_column_and_every_measure_a_row() -> None:
    text = document_of(FOLDER)
    for ladder in of_kind("ladder"):
        levels = ladder["ladder"]["levels"]
        columns = measures.by_load(levels)
        for measure in (*measures.MEASURES, *measures.question_measures(levels)):
            cells = [amount(measures.median(measure, column), measure.unit) for column in columns]
            row = f"| {measure.label} | " + " | ".join(cells) + " |"
            assert row in text or all(measures.median(measure, column) is None for column in columns)
        for level in levels:
            for warning in measures.warnings(level):
                assert warning.rstrip(".") in text


def test_ceilings_come_first_then_ladders_then_knees_each_under_its_target(many: Path) -> None:
    heads = [line for line in document_of(many).splitlines() if line.startswith("## ")]
    assert heads == [
        "## The generator alone",
        "## Load levels: embedded engine",
        "## Load levels: null sink",
        "## The highest rate that is sustained: server at http://127.0.0.1:8000",
    ]


def test_a_knee_shows_its_answer_its_trials_and_the_numbers_that_it_stands_on(many: Path) -> None:
    text = document_of(many).partition("## The highest")[2]
    assert "**700,000 rows/s were sustained for 60 s.** 800,000 was not held." in text
    assert "version 26.06.3" in text
    (missed,) = [line for line in text.splitlines() if line.startswith("| raise | 800,000 | 10 |")]
    assert missed.endswith("| no: stored \\| too few |")
    assert "| | 700 k/s, 60 s |" in text
    knee = json.loads((many / "0.json").read_text())
    knee["knee"] |= {
        "rate": None,
        "is_answered": False,
        "ended": "stopped",
        "trials": knee["knee"]["trials"][:1],
    }
    (many / "0.json").write_text(json.dumps(knee))
    assert "**No sustained rate was found**: the search was ended (stopped)." in document_of(many)


def test_the_newest_of_each_kind_and_target_are_taken(many: Path) -> None:
    old = json.loads((many / "2.json").read_text())
    (many / "9.json").write_text(json.dumps({**old, "date": "2020-01-01T00:00:00Z"}))
    (many / "a-report.json").write_text(json.dumps({"tables": {}, "database": "laps"}))
    assert sorted(file.name for file in newest(many)) == ["0.json", "1.json", "2.json", "3.json"]


def test_where_nothing_was_measured_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nascar bench ceiling"):
        newest(tmp_path)


def test_new_records_take_the_place_of_old_ones_and_the_profile_stands_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "measurements"
    folder.mkdir()
    (folder / "ladder-20250101T000000Z.json").write_text("old")
    profile = tmp_path / "out.txt"
    profile.write_text("encode: everything\n")
    keep(committed(), profile, folder)
    names = {file.name for file in folder.iterdir()}
    assert names == {*(file.name for file in committed()), "profile.txt"}
    assert document_of(folder).endswith("```\nencode: everything\n```\n")
    # Kept files may be given again.
    keep([folder / file.name for file in committed()], None, folder)
    assert {file.name for file in folder.iterdir()} == names


def test_what_is_no_record_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "measurements"
    shutil.copytree(FOLDER, folder)
    (tmp_path / "report.json").write_text('{"tables": {}}')
    before = {file.name for file in folder.iterdir()}
    with pytest.raises(UsageError, match="no record"):
        keep([committed()[0], tmp_path / "report.json"], None, folder)
    with pytest.raises(UsageError, match="two records called"):
        keep([committed()[0], folder / committed()[0].name], None, folder)
    assert {file.name for file in folder.iterdir()} == before


def test_links_lead_to_the_records() -> None:
    for target in re.findall(r"\]\((measurements/[^)]+)\)", document_of(FOLDER)):
        assert (DOCUMENT.parent / target).is_file()
