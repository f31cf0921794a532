"""Laws 4 and 16 as far as the track makes them true, and its lookups."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from nascar.race.course import FT_M
from nascar.race.track import Track


def test_law_16_the_heading_closes_to_a_full_turn(track: Track) -> None:
    # The published arcs alone, 2,400 ft at R 685 ft and 2,040 ft at R 625 ft, add up to 387.7°.
    turned = sum(
        (before.curvature_per_m + here.curvature_per_m) / 2 * here.length_m
        for before, here in pairwise((track.sections[-1], *track.sections))
    )
    assert turned == pytest.approx(2 * math.pi, abs=1e-12)
    almost_round = track.heading_rad(np.array([track.length_m - 1e-6]))[0]
    assert math.degrees(almost_round) == pytest.approx(360.0, abs=1e-5)


def test_law_16_the_centre_line_closes(track: Track) -> None:
    x_m, y_m = track.centre_m(np.array([0.0, track.length_m * (1 - 1e-12)]))
    assert math.hypot(x_m[1] - x_m[0], y_m[1] - y_m[0]) < 1e-3


def test_the_centre_line_is_as_long_as_the_lap(track: Track) -> None:
    x_m, y_m = track.centre_m(np.linspace(0.0, track.length_m, 20_000, endpoint=False))
    x_m, y_m = np.append(x_m, x_m[0]), np.append(y_m, y_m[0])
    assert np.hypot(np.diff(x_m), np.diff(y_m)).sum() == pytest.approx(track.length_m, abs=0.05)


def test_the_track_has_the_published_lengths_radii_and_banking(track: Track) -> None:
    # Charlotte Motor Speedway: 1.5 miles; front 1,980 ft, back 1,500 ft, turns 2,400 ft and 2,040 ft,
    # R 685 ft and 625 ft, banked 24°; straights 5°.
    first, last = track.corners
    assert track.length_m == pytest.approx(1.5 * 1609.344, abs=1e-6)
    assert (first.end_m - first.start_m) / FT_M == pytest.approx(2_400, abs=0.01)
    assert (last.end_m - last.start_m) / FT_M == pytest.approx(2_040, abs=0.01)
    assert (last.start_m - first.end_m) / FT_M == pytest.approx(1_500, abs=0.01)
    middles = np.array([(corner.start_m + corner.end_m) / 2 for corner in track.corners])
    np.testing.assert_allclose(1 / track.curvature_per_m(middles) / FT_M, [685, 625], rtol=1e-9)
    np.testing.assert_allclose(track.banking_deg(middles), 24.0, rtol=1e-9)
    np.testing.assert_allclose(track.banking_deg(np.array([0.0, first.end_m + 200])), 5.0, rtol=1e-9)


def test_curvature_and_banking_are_continuous_and_never_to_the_right(track: Track) -> None:
    place_m = np.arange(0.0, track.length_m + 1.0, 0.25)
    curvature, banking_deg = track.curvature_per_m(place_m), track.banking_deg(place_m)
    # A clothoid of about 100 m changes R from infinity to 190 m: 5e-5 a metre.
    assert np.abs(np.diff(curvature)).max() < 0.25 * 6e-5
    assert np.abs(np.diff(banking_deg)).max() < 0.25 * 0.25
    assert curvature.min() >= 0.0


def test_heading_is_the_integral_of_curvature(track: Track) -> None:
    place_m = np.arange(0.5, track.length_m, 1.0)
    slope = (track.heading_rad(place_m + 0.2) - track.heading_rad(place_m - 0.2)) / 0.4
    np.testing.assert_allclose(slope, track.curvature_per_m(place_m), atol=2e-5)


def test_lookups_wrap_around_for_any_distance(track: Track) -> None:
    place_m = np.array([0.0, 17.3, 900.0, 2_414.0])
    for laps in (-3, 1, 400):
        shifted_m = place_m + laps * track.length_m
        np.testing.assert_allclose(
            track.curvature_per_m(shifted_m), track.curvature_per_m(place_m), atol=1e-9
        )
        np.testing.assert_allclose(track.lap_distance_m(shifted_m), place_m, atol=1e-8)


def test_lap_distance_stays_below_the_lap(track: Track) -> None:
    exact_laps = np.arange(-5, 400, dtype=np.float64) * track.length_m
    inside = track.lap_distance_m(exact_laps)
    assert (inside >= 0.0).all()
    assert (inside < track.length_m).all()


def test_the_inside_lane_lies_towards_the_middle_of_the_oval(track: Track) -> None:
    place_m = np.arange(0.0, track.length_m, 10.0)
    x_m, y_m = track.centre_m(place_m)
    middle = x_m.mean(), y_m.mean()
    inside_x, inside_y = track.place_m(place_m, np.full_like(place_m, 5.0))
    nearer = np.hypot(inside_x - middle[0], inside_y - middle[1]) < np.hypot(x_m - middle[0], y_m - middle[1])
    assert nearer.all()
    np.testing.assert_allclose(np.hypot(inside_x - x_m, inside_y - y_m), 5.0, rtol=1e-9)


def test_the_boxes_lie_on_pit_road_between_its_speed_lines(track: Track) -> None:
    pit = track.pit
    assert pit.leave_m < pit.entry_m < pit.limit_from_m < pit.first_box_m
    assert pit.first_box_m + pit.box_spacing_m * (pit.boxes - 1) < pit.limit_to_m
    # Pit road runs along the front stretch and ends before turn 1.
    assert pit.limit_to_m - track.length_m < track.corners[0].start_m
