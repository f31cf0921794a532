"""Records: whole, dated, without secrets, and read back as they were written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.bench import record
from nascar.bench.record import Record
from nascar.errors import UsageError

TOKEN = "a-token-for-tests-of-more-than-32-characters"
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def made(**body: Any) -> Record:
    return record.build(
        "knee",
        {"knee": body},
        arguments=["bench", "knee", "--token", TOKEN, "--from", "1000"],
        seed=7,
        token=TOKEN,
        now=NOON,
    )


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_what_is_written_is_what_is_read(found: dict[str, Any]) -> None:
    assert json.loads(record.encoded(found)) == found


def test_a_list_of_numbers_takes_one_line() -> None:
    text = record.encoded({"series": [1, 2.5, None], "levels": [{"at_s": [0, 1]}]})
    assert ' "series": [1, 2.5, null],' in text.splitlines()
    assert '   "at_s": [0, 1]' in text.splitlines()


def test_a_record_says_what_was_run_when_and_on_what() -> None:
    found = made(rate=5)
    assert found["command"] == "nascar bench knee --token '***' --from 1000"
    assert found["date"] == "2026-11-24T12:00:00Z"
    assert found["seed"] == 7
    assert {"machine", "versions", "commit"} <= set(found)


def test_a_load_that_was_asked_for_afterwards_would_be_the_benchmarks_own() -> None:
    assert made()["machine"]["load_before"] is None
    on = record.surroundings()
    found = record.build("knee", {"knee": {}}, arguments=[], seed=1, on=on)
    assert found["machine"]["load_before"] == on["machine"]["load_before"] >= 0


def test_the_token_is_nowhere_in_it_whoever_said_it() -> None:
    found = made(trials=[{"error": f"401 for Bearer {TOKEN}"}], notes=(TOKEN,))
    assert TOKEN not in record.encoded(found)
    assert found["knee"]["trials"][0]["error"] == "401 for Bearer ***"


def test_two_files_lie_beside_each_other_and_nothing_is_overwritten(tmp_path: Path) -> None:
    first = record.write(made(rate=1), "<p>first", tmp_path / "new")
    second = record.write(made(rate=2), "<p>second", tmp_path / "new")
    assert first.json.name == "knee-20261124T120000Z.json"
    assert first.page == first.json.with_suffix(".html")
    assert record.read(first.json)["knee"] == {"rate": 1}
    assert record.read(second.json)["knee"] == {"rate": 2}
    assert second.page.read_text() == "<p>second"
    assert {file.suffix for file in (tmp_path / "new").iterdir()} == {".json", ".html"}


def test_a_page_that_stands_alone_is_not_overwritten_either(tmp_path: Path) -> None:
    lone = tmp_path / "knee-20261124T120000Z.html"
    lone.write_text("mine")
    written = record.write(made(rate=1), "<p>page", tmp_path)
    assert lone.read_text() == "mine"
    assert written.page.read_text() == "<p>page"


def test_a_value_that_is_no_json_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        record.write(made(rate=float("nan")), "<p>", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_found_out_before(tmp_path: Path) -> None:
    record.check_folder(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--out"):
        record.check_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("{", "not JSON"),
        ("[1]", "no record"),
        ('{"tables": {}}', "no record"),
        ('{"kind": "knee", "format": 99}', "format 99"),
        ('{"kind": "knee", "format": 1, "date": "", "machine": {}, "versions": {}}', "no 'knee'"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "record.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=says):
        record.read(file)
