"""The track as data: a closed centre line with continuous curvature and banking, and its pit road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nascar.race.angles import sin_cos
from nascar.race.frames import Floats

FT_M: Final = 0.3048
_RAD_PER_DEG: Final = 3.141592653589793 / 180.0


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the centre line over which curvature and banking move in a straight line.

    It begins with what the section before it ends with: a constant value is a straight or an arc, a
    moving one a clothoid.
    """

    length_m: float
    curvature_per_m: float
    """At its end, positive to the left."""
    banking_deg: float
    """At its end; the inside is low."""


@dataclass(frozen=True, slots=True)
class PitRoad:
    """Pit road beside the track, as distances from the start line along the centre line of one lap.

    A place may lie beyond the lap's length: the pit road passes the start line.
    """

    leave_m: float
    """Where a car that will stop leaves the racing lanes for the apron."""
    entry_m: float
    """Where pit road begins; from here the gearbox and the speed may be below the racing ranges."""
    limit_from_m: float
    """From here the speed limit holds …"""
    limit_to_m: float
    """… to here."""
    first_box_m: float
    box_spacing_m: float
    boxes: int
    """In one row; larger fields get further rows beside it."""


@dataclass(frozen=True, slots=True)
class Corner:
    """Where a turn begins and ends on the lap."""

    start_m: float
    end_m: float
    grip: float
    """Of the pavement, as a factor on the tires'."""


class Track:
    """A closed course. Every lookup takes distances of any size and sign and wraps them around the lap."""

    def __init__(self, name: str, sections: tuple[Section, ...], corners: tuple[Corner, ...], pit: PitRoad):
        self.name = name
        self.sections = sections
        self.corners = corners
        self.pit = pit
        ends: Floats = np.cumsum([section.length_m for section in sections])
        self.length_m = float(ends[-1])
        self.cells = round(self.length_m)
        """Cells of the lookup tables, about one metre each; a whole number of them makes the lap."""
        self._cells_per_m = self.cells / self.length_m
        # One cell more, so that the last can look at its end.
        grid_m = np.arange(self.cells + 1, dtype=np.float64) * (self.length_m / self.cells)
        self._curvature = _piecewise(grid_m, ends, [section.curvature_per_m for section in sections])
        banking_deg = _piecewise(grid_m, ends, [section.banking_deg for section in sections])
        self._banking_sin, self._banking_cos = sin_cos(banking_deg * _RAD_PER_DEG)
        self._banking_deg = banking_deg
        self._heading_rad = _heading(grid_m, ends, sections)
        self._x_m, self._y_m = _centre_line(grid_m, ends, sections)

    def curvature_per_m(self, distance_m: Floats) -> Floats:
        """1/R of the centre line, positive to the left."""
        return self._read(self._curvature, distance_m)

    def banking_deg(self, distance_m: Floats) -> Floats:
        return self._read(self._banking_deg, distance_m)

    def banking_sin_cos(self, distance_m: Floats) -> tuple[Floats, Floats]:
        """Sine and cosine of the banking."""
        return self._read(self._banking_sin, distance_m), self._read(self._banking_cos, distance_m)

    def heading_rad(self, distance_m: Floats) -> Floats:
        """Direction of the centre line since the start line: 0 at lap distance 0, 2π at the lap's end."""
        return self._read(self._heading_rad, distance_m)

    def centre_m(self, distance_m: Floats) -> tuple[Floats, Floats]:
        """x and y of the centre line; the start line is the origin and x runs along it."""
        return self._read(self._x_m, distance_m), self._read(self._y_m, distance_m)

    def place_m(self, distance_m: Floats, lane_m: Floats) -> tuple[Floats, Floats]:
        """x and y of a car `lane_m` to the left of the centre line."""
        x, y = self.centre_m(distance_m)
        sine, cosine = sin_cos(self.heading_rad(distance_m))
        return x - lane_m * sine, y + lane_m * cosine

    def lap_distance_m(self, distance_m: Floats) -> Floats:
        """Distance since the start line of the lap at hand, from 0 to below `length_m`."""
        lap = np.floor(distance_m / self.length_m)
        return np.clip(distance_m - lap * self.length_m, 0.0, np.nextafter(self.length_m, 0.0))

    def _read(self, table: Floats, distance_m: Floats) -> Floats:
        place = self.lap_distance_m(np.asarray(distance_m, np.float64)) * self._cells_per_m
        cell = np.minimum(place.astype(np.intp), self.cells - 1)
        start = table.take(cell)
        return start + (place - cell) * (table.take(cell + 1) - start)


def _piecewise(grid_m: Floats, ends_m: Floats, values: list[float]) -> Floats:
    """Values at the grid of a closed line through the sections' ends."""
    starts = np.concatenate(([0.0], ends_m[:-1]))
    begin = np.array([values[-1], *values[:-1]])
    section = np.minimum(np.searchsorted(ends_m, grid_m, side="right"), len(values) - 1)
    share = (grid_m - starts[section]) / (ends_m[section] - starts[section])
    rise = np.array(values)[section] - begin[section]
    return np.asarray(begin[section] + share * rise)


def _heading(grid_m: Floats, ends_m: Floats, sections: tuple[Section, ...]) -> Floats:
    """Integral of the curvature, exact: it is linear in each section."""
    lengths = np.array([section.length_m for section in sections])
    last = np.array([section.curvature_per_m for section in sections])
    first = np.concatenate((last[-1:], last[:-1]))
    before = np.concatenate(([0.0], np.cumsum((first + last) / 2 * lengths)[:-1]))
    section = np.minimum(np.searchsorted(ends_m, grid_m, side="right"), len(sections) - 1)
    into = grid_m - (ends_m - lengths)[section]
    bend = (last - first)[section] / lengths[section]
    return np.asarray(before[section] + (first[section] + bend * into / 2) * into)


def _centre_line(grid_m: Floats, ends_m: Floats, sections: tuple[Section, ...]) -> tuple[Floats, Floats]:
    """x and y at the grid: Simpson's rule over each cell."""
    step_m = grid_m[1] - grid_m[0]
    sin_0, cos_0 = sin_cos(_heading(grid_m, ends_m, sections))
    sin_1, cos_1 = sin_cos(_heading(grid_m[:-1] + step_m / 2, ends_m, sections))
    x_steps = (cos_0[:-1] + 4.0 * cos_1 + cos_0[1:]) * (step_m / 6)
    y_steps = (sin_0[:-1] + 4.0 * sin_1 + sin_0[1:]) * (step_m / 6)
    return np.concatenate(([0.0], np.cumsum(x_steps))), np.concatenate(([0.0], np.cumsum(y_steps)))


def charlotte() -> Track:
    """A 1.5-mile quad-oval with the published numbers of Charlotte Motor Speedway.

    Front stretch 1,980 ft, back straight 1,500 ft; turns 1–2 2,400 ft at R 685 ft, turns 3–4 2,040 ft at
    R 625 ft, banked 24°; straights 5°. Such arcs alone would turn through 387.7°: each begins and ends
    with a clothoid, and the front stretch bends, as a quad-oval's does. The lengths of the clothoids and
    the bend (R 782 m through 36.65°) are the one solution for which heading and line close.
    """
    bend = 0.0012793656875201736
    turn_12, turn_34 = 1 / (685 * FT_M), 1 / (625 * FT_M)
    sections = (
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
    # Turns 1 and 2 are the bumpy end: without it their wider arc would ask for no brakes at all (estimate).
    corners = (Corner(301.752, 1033.272, grip=0.95), Corner(1490.472, 2112.264, grip=1.0))
    # The front stretch carries the pit road; where its lines lie is an estimate.
    pit = PitRoad(
        leave_m=1480.0,
        entry_m=2090.0,
        limit_from_m=2122.0,
        limit_to_m=2642.0,
        first_box_m=2150.0,
        box_spacing_m=10.0,
        boxes=48,
    )
    return Track("Charlotte-like quad-oval", sections, corners, pit)
