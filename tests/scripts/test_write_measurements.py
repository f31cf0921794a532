"""docs/measurements.md says what its records say, and nothing else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from nascar.bench import measures, record
from nascar.bench.amounts import amount
from nascar.errors import UsageError
from scripts.write_measurements import DOCUMENT, FOLDER, document_of, keep


def committed(kind: str) -> Path:
    (file,) = FOLDER.glob(f"{kind}-*.json")
    return file


def test_the_committed_document_is_what_the_committed_records_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document_of(FOLDER)


def test_machine_command_and_date_stand_beside_the_numbers() -> None:
    text = document_of(FOLDER)
    for kind in ("ceiling", "ladder"):
        made = record.read(committed(kind))
        for said in (
            made["date"][:10],
            f"`{made['command']}`",
            made["machine"]["cpu"],
            made["machine"]["kernel"],
        ):
            assert said in text


def test_every_level_has_a_column_and_every_measure_a_row() -> None:
    text = document_of(FOLDER)
    levels = record.read(committed("ladder"))["ladder"]["levels"]
    columns = measures.by_load(levels)
    for measure in (*measures.MEASURES, *measures.question_measures(levels)):
        cells = [amount(measures.median(measure, column), measure.unit) for column in columns]
        row = f"| {measure.label} | " + " | ".join(cells) + " |"
        assert row in text or all(measures.median(measure, column) is None for column in columns)
    for level in levels:
        for warning in measures.warnings(level):
            assert warning.rstrip(".") in text


def test_new_records_take_the_place_of_old_ones_and_the_profile_stands_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "measurements"
    folder.mkdir()
    (folder / "ladder-20250101T000000Z.json").write_text("old")
    profile = tmp_path / "out.txt"
    profile.write_text("encode: everything\n")
    keep(committed("ceiling"), committed("ladder"), profile, folder)
    names = {file.name for file in folder.iterdir()}
    assert names == {committed("ceiling").name, committed("ladder").name, "profile.txt"}
    assert document_of(folder).endswith("```\nencode: everything\n```\n")
    # Kept files may be given again.
    keep(folder / committed("ceiling").name, folder / committed("ladder").name, None, folder)
    assert {file.name for file in folder.iterdir()} == names


def test_records_of_the_wrong_kind_change_nothing(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "measurements")
    before = {file.name for file in (tmp_path / "measurements").iterdir()}
    with pytest.raises(UsageError, match="not the record of a ceiling"):
        keep(committed("ladder"), committed("ceiling"), None, tmp_path / "measurements")
    assert {file.name for file in (tmp_path / "measurements").iterdir()} == before


def test_links_lead_to_the_records() -> None:
    for target in re.findall(r"\]\((measurements/[^)]+)\)", document_of(FOLDER)):
        assert (DOCUMENT.parent / target).is_file()
