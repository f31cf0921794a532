"""Colours that stay what they are, and that everybody can tell apart where it matters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grafana.colors import MANUFACTURER_COLORS, car_colors, driver_colors, series_colors, team_colors
from nascar.race.entries import load_entries

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SEEN_BY = {
    "everybody": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
CLEARLY_APART = 25.0
"""In CIE 1976 ΔE; 2.3 is just noticeable side by side."""


def linear(color: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """CIE L*a*b*, D65, of linear sRGB."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = np.cbrt(np.maximum(to_xyz @ rgb / np.array([0.95047, 1.0, 1.08883]), 0.0089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, eyes: str = "everybody") -> float:
    seen = [lab(np.clip(SEEN_BY[eyes] @ linear(color), 0, 1)) for color in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_makes_are_told_apart_by_everybody(eyes: str) -> None:
    for one, other in itertools.combinations(MANUFACTURER_COLORS.values(), 2):
        assert apart(one, other, eyes) > CLEARLY_APART


def test_every_make_team_and_car_of_the_entry_list_has_a_colour() -> None:
    entries = load_entries()
    assert {entry.manufacturer for entry in entries} == MANUFACTURER_COLORS.keys()
    assert {entry.team for entry in entries} == team_colors().keys()
    assert {entry.car_number for entry in entries} == car_colors().keys()
    assert {entry.driver for entry in entries} == driver_colors().keys()


def test_no_two_cars_and_no_two_teams_share_a_colour() -> None:
    assert len(set(car_colors().values())) == len(car_colors())
    assert len(set(team_colors().values())) == len(team_colors())


def test_team_mates_are_far_apart() -> None:
    entries = load_entries()
    for one, other in itertools.combinations(entries, 2):
        if one.team == other.team:
            assert apart(driver_colors()[one.driver], driver_colors()[other.driver]) > CLEARLY_APART


def test_a_series_is_found_by_the_end_of_its_name_whatever_is_in_it() -> None:
    (override,) = series_colors({"Ann O. (Jr)": "#112233"})
    assert override["matcher"]["options"] == r"/Ann O\. \(Jr\)$/"
    assert override["properties"][0]["value"]["fixedColor"] == "#112233"
