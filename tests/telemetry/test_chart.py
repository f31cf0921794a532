"""The chart says where the track says a car is."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.track import load_track
from nascar.race.track_file import TRACKS
from nascar.telemetry.chart import Chart


@pytest.mark.parametrize("name", TRACKS)
def test_a_place_is_that_of_the_track_to_the_millimetre(name: str) -> None:
    track = load_track(name)
    chart = Chart(track)
    # Laps forward and back, and lanes on both sides.
    distance_m = np.linspace(-2.5, 3.5, 60_000).reshape(3, -1) * track.length_m
    lane_m = 12 * np.sin(distance_m / 37)
    for ours, theirs in zip(
        chart.place_m(distance_m, lane_m), track.place_m(distance_m, lane_m), strict=True
    ):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=0.02)
        assert np.abs(ours - theirs).mean() < 0.001


@pytest.mark.parametrize("name", TRACKS)
def test_a_lap_ends_where_it_began_without_a_step(name: str) -> None:
    track = load_track(name)
    chart = Chart(track)
    near_m = np.array([-1e-6, 0.0, 1e-6, track.length_m - 1e-6, track.length_m, track.length_m + 1e-6])
    for values in chart.place_m(near_m, np.full(6, 4.0)):
        assert np.ptp(values) < 0.01
