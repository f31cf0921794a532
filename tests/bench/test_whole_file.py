"""A file is there as a whole, or as it was before."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascar.whole_file import write_whole


def test_what_was_there_is_replaced_and_may_be_read_by_all(tmp_path: Path) -> None:
    file = tmp_path / "laps.json"
    for text in ("first lap\n", "second lap – µ\n"):
        write_whole(text, file)
        assert file.read_text(encoding="utf-8") == text
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "laps.json"
    file.write_text("whole")
    with pytest.raises(UnicodeEncodeError):
        write_whole("half \ud800", file)
    assert file.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [file]
