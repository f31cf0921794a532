"""Laws 4 and 16 as far as the tracks make them true, and their lookups."""

from __future__ import annotations

import hashlib
import math
from itertools import pairwise

import numpy as np
import pytest

from nascar.race.car import GRAVITY_MPS2, MPH_MPS, PIT_LIMIT_MPS
from nascar.race.course import FT_M, Corner, Section, Turn, turns
from nascar.race.track import TRACKS, Track, charlotte, half_mile, load_track

MILE_M = 1609.344


@pytest.fixture(params=TRACKS)
def track(request: pytest.FixtureRequest) -> Track:
    """Each packaged track in turn."""
    return load_track(request.param)


def test_law_16_the_heading_closes_to_a_full_turn(track: Track) -> None:
    # Charlotte's published arcs alone, 2,400 ft at R 685 ft and 2,040 ft at R 625 ft, add up to 387.7°.
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


def test_charlotte_has_the_published_lengths_radii_and_banking() -> None:
    # Charlotte Motor Speedway: 1.5 miles; front 1,980 ft, back 1,500 ft, turns 2,400 ft and 2,040 ft,
    # R 685 ft and 625 ft, banked 24°; straights 5°.
    track = charlotte()
    first, last = track.corners
    assert track.length_m == pytest.approx(1.5 * MILE_M, abs=1e-6)
    assert (first.end_m - first.start_m) / FT_M == pytest.approx(2_400, abs=0.01)
    assert (last.end_m - last.start_m) / FT_M == pytest.approx(2_040, abs=0.01)
    assert (last.start_m - first.end_m) / FT_M == pytest.approx(1_500, abs=0.01)
    middles = np.array([(corner.start_m + corner.end_m) / 2 for corner in track.corners])
    np.testing.assert_allclose(1 / track.curvature_per_m(middles) / FT_M, [685, 625], rtol=1e-9)
    np.testing.assert_allclose(track.banking_deg(middles), 24.0, rtol=1e-9)
    np.testing.assert_allclose(track.banking_deg(np.array([0.0, first.end_m + 200])), 5.0, rtol=1e-9)
    assert (track.laps, track.pole_lap_s) == (334, 29.532)
    assert (track.pace_mps, track.pit_limit_mps) == (55 * MPH_MPS, PIT_LIMIT_MPS)


def test_charlotte_is_bit_for_bit_the_track_that_was_once_written_in_code() -> None:
    track = charlotte()
    bend, turn_12, turn_34 = 0.0012793656875201736, 1 / (685 * FT_M), 1 / (625 * FT_M)
    assert track.sections == (
        Section(210.0, bend, 5.0),
        Section(80.0, 0.0, 5.0),
        Section(11.752, 0.0, 5.0),
        Section(126.89488099993991, turn_12, 24.0),
        Section(477.73023800012015, turn_12, 24.0),
        Section(126.89488099993991, 0.0, 5.0),
        Section(457.2, 0.0, 5.0),
        Section(98.37003528068385, turn_34, 24.0),
        Section(425.0519294386323, turn_34, 24.0),
        Section(98.37003528068385, 0.0, 5.0),
        Section(11.752, 0.0, 5.0),
        Section(80.0, bend, 5.0),
        Section(210.0, bend, 5.0),
    )
    assert track.corners == (Corner(301.752, 1033.272, 0.95), Corner(1490.472, 2112.264, 1.0))
    # At the corners of the cells a lookup gives back what the table holds.
    place_m = np.arange(track.cells, dtype=np.float64) * (track.length_m / track.cells)
    tables = (
        track.curvature_per_m(place_m),
        track.banking_deg(place_m),
        *track.banking_sin_cos(place_m),
        track.heading_rad(place_m),
        *track.centre_m(place_m),
    )
    digest = hashlib.sha256(b"".join(table.astype("<f8").tobytes() for table in tables)).hexdigest()
    assert digest == "c52d2e1a0f8c01885e7edc30f25826958a0e40c352e8ba3dae4c6122b695914f"


def test_the_half_mile_is_a_short_flat_oval() -> None:
    track = half_mile()
    assert track.length_m == pytest.approx(MILE_M / 2, abs=1e-9)
    place_m = np.arange(0.0, track.length_m, 0.5)
    curvature, banking_deg = track.curvature_per_m(place_m), track.banking_deg(place_m)
    assert 1 / curvature.max() == pytest.approx(50.0, rel=1e-9)
    assert (banking_deg.min(), banking_deg.max()) == pytest.approx((1.0, 5.0))
    turning = np.zeros(place_m.size, np.bool_)
    for corner in track.corners:
        turning |= (place_m > corner.start_m) & (place_m < corner.end_m)
    # Two turns and nothing else bend; the table's last cell before a turn may lean into it.
    assert (curvature[turning] > 0.0).all()
    assert curvature[~turning].max() < 1e-3
    assert track.laps == 500
    assert track.pit_limit_mps < track.pace_mps < charlotte().pit_limit_mps


def test_curvature_and_banking_are_continuous_and_never_to_the_right(track: Track) -> None:
    step_m = 0.25
    place_m = np.arange(0.0, track.length_m + 1.0, step_m)
    curvature, banking_deg = track.curvature_per_m(place_m), track.banking_deg(place_m)
    # The lateral force of a car at the limit, about 1 g there and 2.6 g at Charlotte, builds up over 35 m or more.
    assert np.abs(np.diff(curvature)).max() < step_m * 1.01 * curvature.max() / 35.0
    assert np.abs(np.diff(banking_deg)).max() < step_m * 0.25
    assert curvature.min() >= 0.0


def test_heading_is_the_integral_of_curvature(track: Track) -> None:
    place_m = np.arange(0.5, track.length_m - 0.5, 1.0)
    slope = (track.heading_rad(place_m + 0.2) - track.heading_rad(place_m - 0.2)) / 0.4
    bends_per_m2 = np.abs(np.diff(track.curvature_per_m(place_m))).max()
    np.testing.assert_allclose(slope, track.curvature_per_m(place_m), atol=0.5 * bends_per_m2)


def test_the_centre_line_runs_where_the_heading_points(track: Track) -> None:
    place_m = np.arange(0.5, track.length_m - 1.0, 1.0)
    x_m, y_m = track.centre_m(place_m)
    middle_rad = track.heading_rad((place_m[1:] + place_m[:-1]) / 2)
    np.testing.assert_allclose(np.diff(x_m), np.cos(middle_rad), atol=1e-3)
    np.testing.assert_allclose(np.diff(y_m), np.sin(middle_rad), atol=1e-3)


def test_lookups_wrap_around_for_any_distance(track: Track) -> None:
    place_m = np.array([0.0, 17.3, 500.0, track.length_m - 0.016])
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


def test_pit_road_lies_in_order_along_the_lap(track: Track) -> None:
    pit = track.pit
    out_m = pit.limit_to_m - track.length_m
    assert 0.0 < out_m < pit.merged_m < pit.leave_m < pit.leave_to_m < pit.entry_m <= pit.limit_from_m
    assert pit.limit_from_m < pit.first_box_m
    assert pit.last_box_m == pit.first_box_m + pit.box_spacing_m * (pit.boxes - 1)
    assert pit.last_box_m < pit.limit_to_m
    assert out_m < track.spin_from_m < track.spin_to_m < pit.leave_m
    assert track.pit_limit_mps < pit.merge_mps


def test_the_boxes_stand_along_the_front_stretch_two_rows_of_a_field_at_most(track: Track) -> None:
    pit = track.pit
    assert pit.first_box_m > track.corners[-1].end_m
    assert pit.last_box_m - track.length_m < track.corners[0].start_m
    assert pit.box_spacing_m >= 10.0
    assert 2 * pit.boxes >= 40


@pytest.mark.parametrize(("name", "fastest_mps"), [("charlotte", 92.0), ("half_mile", 50.0)])
def test_there_is_room_to_slow_down_for_pit_road(name: str, fastest_mps: float) -> None:
    # No car is faster on these tracks.
    track = load_track(name)
    room_m = track.pit.limit_from_m - track.pit.leave_m
    needed_g = (fastest_mps**2 - track.pit_limit_mps**2) / (2 * room_m) / GRAVITY_MPS2
    assert needed_g < 0.8


def test_an_oval_has_two_turns_to_a_corner_and_every_metre_of_a_corner_is_one_of_them(track: Track) -> None:
    assert [turn.number for turn in track.turns] == [1, 2, 3, 4]
    place_m = np.arange(0.0, track.length_m, 0.25)
    found = track.turn(place_m)
    for corner, numbers in zip(track.corners, ((1, 2), (3, 4)), strict=True):
        inside = (place_m >= corner.start_m) & (place_m < corner.end_m)
        halves = place_m[inside] >= (corner.start_m + corner.end_m) / 2
        np.testing.assert_array_equal(found[inside], np.where(halves, numbers[1], numbers[0]))
        found[inside] = 0
    assert not found.any()
    # Laps back and forth.
    np.testing.assert_array_equal(track.turn(place_m), track.turn(place_m - 3 * track.length_m))


def test_where_a_track_has_another_number_of_corners_each_is_a_turn() -> None:
    corners = tuple(Corner(100.0 * n, 100.0 * n + 40, 1.0) for n in (1, 2, 4))
    assert turns(corners) == (Turn(1, 100, 140), Turn(2, 200, 240), Turn(3, 400, 440))
    assert turns(corners[:1]) == (Turn(1, 100, 140),)
