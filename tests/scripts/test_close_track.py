"""The solver that closes a drafted track."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from nascar.errors import TrackError
from nascar.race.course import Course, gap_m
from nascar.race.track import load_track
from nascar.race.track_file import parse_course, parse_sections

FOLDER = resources.files("nascar.race") / "tracks"
CHARLOTTE = (FOLDER / "charlotte.toml").read_text(encoding="utf-8")
HALF_MILE = (FOLDER / "half_mile.toml").read_text(encoding="utf-8")
CLOSE_TRACK = Path(__file__).parents[2] / "scripts" / "close_track.py"

DRAFT = (
    CHARLOTTE.replace("length_m = 126.89488099993991", "length_m = 110  # free first turn")
    .replace("length_m = 98.37003528068385", "length_m = 110  # free last turn")
    .replace("curvature_per_m = 0.0012793656875201736", "curvature_per_m = 1e-3  # free bend")
)


def parse(text: str) -> Course:
    return parse_course("mine.toml", text.encode())


def close_track(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CLOSE_TRACK), str(path), *options], capture_output=True, text=True, timeout=60
    )


def test_the_solver_finds_charlotte_again_from_a_draft_that_does_not_close(tmp_path: Path) -> None:
    path = tmp_path / "draft.toml"
    path.write_text(DRAFT, encoding="utf-8")
    with pytest.raises(TrackError, match="the lap turns through"):
        load_track(path)
    done = close_track(path)
    assert (done.returncode, done.stderr) == (0, "")
    for found, known in zip(parse(done.stdout).sections, parse(CHARLOTTE).sections, strict=True):
        assert found.length_m == pytest.approx(known.length_m, rel=1e-9)
        assert found.curvature_per_m == pytest.approx(known.curvature_per_m, rel=1e-9)
    # Comments and what is not free stay.
    assert [line for line in done.stdout.splitlines() if "# free" not in line] == [
        line for line in DRAFT.splitlines() if "# free" not in line
    ]


def test_the_solver_can_set_the_length_of_the_lap(tmp_path: Path) -> None:
    path = tmp_path / "draft.toml"
    path.write_text(DRAFT.replace("length_m = 457.2", "length_m = 457.2  # free"), encoding="utf-8")
    done = close_track(path, "--lap-m", "2400")
    assert done.returncode == 0
    sections = parse_sections("closed.toml", done.stdout.encode())
    assert math.fsum(section.length_m for section in sections) == pytest.approx(2_400.0, abs=1e-6)
    assert math.hypot(*gap_m(sections)) < 1e-3


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (DRAFT, ("--lap-m", "2400"), "3 free numbers. Mark 4 or more with # free."),
        (DRAFT, ("--lap-m", "nan"), "a lap is 400 to 10000 m long"),
        (CHARLOTTE, (), "0 free numbers. Mark 3 or more"),
        (DRAFT.replace("radius_ft = 625", "radius_m = 1"), (), "line 85, field section 8.radius_m: 1 does not do"),
        (
            DRAFT.replace("length_m = 457.2", "length_m = 9000.0  # free"),
            ("--lap-m", "401"),
            "does not close with these numbers free",
        ),
    ],
)  # fmt: skip
def test_the_solver_says_what_it_cannot_close(
    tmp_path: Path, text: str, options: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "draft.toml"
    path.write_text(text, encoding="utf-8")
    done = close_track(path, *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
