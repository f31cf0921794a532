"""The command as it is called, on very short races."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.calibration.__main__ import arguments, extent_of
from scripts.calibration.document import FOLDER, document

ROOT = Path(__file__).parents[2]


def test_it_measures_and_writes_page_figures_and_pictures(tmp_path: Path) -> None:
    words = [
        "--seeds",
        "2",
        "--laps",
        "3",
        "--alone",
        "2",
        "--jobs",
        "1",
        "--same-laps",
        "1",
        "--write",
        str(tmp_path),
    ]
    run = subprocess.run(
        [sys.executable, "-m", "scripts.calibration", *words],
        cwd=ROOT,
        env=os.environ | {"MPLCONFIGDIR": str(tmp_path / "matplotlib")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / FOLDER / "figures.json").read_text())
    assert [race["seed"] for race in found["races"]] == [1, 2]
    assert len(found["sameness"]["digests"]) == 5
    assert len(set(found["sameness"]["digests"])) == 1
    text = (tmp_path / f"{FOLDER}.md").read_text()
    assert text == document(found)
    pictures = {path.stem for path in (tmp_path / FOLDER).glob("*.png")}
    assert len(pictures) == 7
    assert all(f"{FOLDER}/{name}.png" in text for name in pictures)


@pytest.mark.parametrize(
    "words", [["--seeds", "0"], ["--jobs", "-1"], ["--laps", "many"], ["--python", "no-such"]]
)
def test_what_cannot_be_measured_is_refused_by_name(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        arguments().parse_args(words)
    assert refused.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_quick_is_short_and_can_be_lengthened() -> None:
    quick = extent_of(arguments().parse_args(["--quick"]))
    full = extent_of(arguments().parse_args([]))
    assert quick.laps < full.laps == 334
    assert len(quick.seeds) < len(full.seeds) == 20
    said = extent_of(arguments().parse_args(["--quick", "--laps", "9", "--first-seed", "4"]))
    assert (said.laps, said.seeds[0], said.alone) == (9, 4, quick.alone)


def test_the_command_that_the_page_names_measures_the_same_again() -> None:
    extent = extent_of(arguments().parse_args(["--quick", "--first-seed", "4", "--jobs", "3"]))
    words = extent.command.removeprefix("python -m scripts.calibration ").split()
    assert extent_of(arguments().parse_args(words)) == extent
