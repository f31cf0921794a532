"""The page is made of its figures alone, and can say no."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.calibration.document import FOLDER, document
from scripts.calibration.targets import Verdict, is_met, verdicts

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def found() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((DOCS / FOLDER / "figures.json").read_text())
    return figures


def _line(found: dict[str, Any], start: str) -> Verdict:
    return next(line for line in verdicts(found) if line.target.startswith(start))


def test_the_committed_page_is_what_its_figures_say(found: dict[str, Any]) -> None:
    assert (DOCS / f"{FOLDER}.md").read_text() == document(found)


def test_a_target_that_is_missed_is_told(found: dict[str, Any]) -> None:
    slow = copy.deepcopy(found)
    slow["alone"]["qualifying_lap_s"]["least"] = 31.0
    assert _line(slow, "Pole").met is False
    assert "| 31 s | **no** |" in document(slow)


def test_one_race_out_of_bounds_is_enough(found: dict[str, Any]) -> None:
    good = copy.deepcopy(found)
    good["laps"] = 334
    for race in good["races"]:
        race["cautions"] = 6
    assert _line(good, "Cautions").met is True
    good["races"][0]["cautions"] = 14
    assert _line(good, "Cautions").met is False
    assert f"{len(good['races']) - 1} of {len(good['races'])} races" in _line(good, "Cautions").measured


def test_short_races_do_not_judge_what_is_told_of_long_ones(found: dict[str, Any]) -> None:
    short = copy.deepcopy(found)
    short["laps"] = 60
    for start in ("Race time", "Cautions", "Lead changes", "Winning margin", "CPU of a whole race"):
        assert _line(short, start).met is None


def test_a_second_digest_is_told(found: dict[str, Any]) -> None:
    other = copy.deepcopy(found)
    other["sameness"]["digests"][-1] = "0" * 64
    assert _line(other, "Frames of seed").met is False
    other = copy.deepcopy(found)
    other["sameness"]["others"] = [{"python": "3.99.0", "numpy": "9.9.9", "digest": "0" * 64}]
    assert _line(other, "The same on another Python").met is False


def test_what_was_not_measured_is_not_met() -> None:
    assert is_met(None, 0.0, 1.0) is None
    assert is_met(1.0, 0.0, 1.0) is True
    assert is_met(1.001, 0.0, 1.0) is False
