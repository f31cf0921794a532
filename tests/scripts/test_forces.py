"""The comparison of cornering forces finds what is put in."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.track import charlotte
from scripts.calibration.forces import WANTED, WITHIN, Corners, compare, corner_samples
from scripts.calibration.survey import Survey


def _corners(factor: float, fastest_mph: float) -> Corners:
    """Forces that go through the table's first and last line of each turn, times `factor`."""
    speed = np.linspace(50.0, fastest_mph, 4_000)
    parts = []
    for turn in (0, 1):
        lines = np.array([line[1:] for line in WANTED if line[0] == turn])
        lateral = np.polyval(np.polyfit(lines[:, 0] ** 2, lines[:, 1], 1), speed**2) * factor
        vertical = np.polyval(np.polyfit(lines[:, 0] ** 2, lines[:, 2], 1), speed**2) * factor
        parts.append((np.full(speed.size, float(turn)), speed, lateral, vertical))
    return Corners(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@pytest.mark.parametrize("fastest_mph", [190.0, 160.0])
def test_the_table_itself_has_no_error_read_or_extended(fastest_mph: float) -> None:
    for force in compare(_corners(1.0, fastest_mph)):
        assert force.error < 0.005
        assert (force.samples > 0) == (fastest_mph > force.speed_mph)


def test_a_wrong_force_is_told() -> None:
    assert min(force.error for force in compare(_corners(1.08, 190.0))) > WITHIN


def test_samples_lie_in_the_arcs_of_both_turns(short_race: Survey) -> None:
    trace, track = short_race.trace, charlotte()
    assert trace is not None
    corners = corner_samples(track, trace.distance_m, trace.speed_mps, trace.lateral_g, trace.vertical_g)
    assert set(corners.turn.tolist()) == {0.0, 1.0}
    assert corners.speed_mph.size < trace.speed_mps.size
    # The tighter turn asks for more at the same speed.
    slopes = []
    for turn in (0, 1):
        here = corners.at(corners.turn == turn)
        slopes.append(np.polyfit(here.speed_mph**2, here.lateral_g, 1)[0])
    assert slopes[1] > slopes[0]


def test_straights_give_no_samples() -> None:
    track = charlotte()
    straight_m = np.linspace(track.corners[0].end_m, track.corners[1].start_m, 50)
    fast = np.full(50, 80.0)
    assert corner_samples(track, straight_m, fast, fast, fast).turn.size == 0
