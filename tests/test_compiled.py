"""Where the compiled loops are kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from nascar import compiled, race, telemetry
from nascar.race.kernel import work_out
from nascar.telemetry.render import render


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of one's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A package whose sources may be changed."""
    folder = tmp_path / "race"
    folder.mkdir()
    (folder / "motion.py").write_text("one = 1\n")
    return folder


def test_the_cache_lies_beside_the_sources_and_changes_with_any_of_them(sources: Path) -> None:
    first = compiled.cache_folder(sources)
    assert first.parent == sources / "__pycache__"
    assert compiled.cache_folder(sources) == first
    (sources / "motion.py").write_text("one = 2\n")
    assert compiled.cache_folder(sources) != first


def test_every_package_has_a_cache_of_its_own() -> None:
    def folder(function: Any) -> Path:
        return Path(function.stats.cache_path).parent

    for function, package in ((work_out, race), (render, telemetry)):
        assert folder(function) == compiled.cache_folder(Path(package.__path__[0]))


def test_where_nothing_may_be_written_what_was_built_in_is_copied(
    sources: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = compiled.cache_folder(sources)
    (built_in / "loops.nbi").write_bytes(b"code")
    monkeypatch.setattr(compiled, "_is_writable", lambda folder: False)
    folder = compiled.cache_folder(sources)
    assert folder.parent == temporary
    assert (folder / "loops.nbi").read_bytes() == b"code"
    assert compiled.cache_folder(sources) == folder


def test_nothing_is_taken_from_a_folder_of_somebody_else(
    sources: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_is_writable", lambda folder: False)
    theirs = compiled.cache_folder(sources)
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    planted = temporary / theirs.name.replace(f"-{me}-", f"-{me + 1}-")
    planted.mkdir()
    folder = compiled.cache_folder(sources)
    assert folder.parent == temporary
    assert folder != planted
