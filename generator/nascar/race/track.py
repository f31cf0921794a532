"""The track: lookups along a closed centre line with continuous curvature and banking."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from nascar.race.angles import sin_cos
from nascar.race.course import Course, Section, turns
from nascar.race.frames import Floats, Ints
from nascar.race.track_file import TRACKS, read_course

__all__ = ("TRACKS", "Track", "charlotte", "half_mile", "load_track")

_RAD_PER_DEG: Final = 3.141592653589793 / 180.0

_ROOM_PER_CAR_M: Final = 12.7
"""Of the lap, for each car of the field."""


class Track:
    """A closed course. Every lookup takes distances of any size and sign and wraps them around the lap."""

    def __init__(self, course: Course) -> None:
        self.name = course.name
        self.sections = sections = course.sections
        self.corners = course.corners
        self.turns = turns(course.corners)
        """In the order of the lap."""
        self._turn_ends_m = np.array([end_m for turn in self.turns for end_m in (turn.start_m, turn.end_m)])
        self.pit = course.pit
        self.laps = course.laps
        """Distance of a race here, unless another is asked for."""
        self.pace_mps = course.pace_mps
        """Speed of the pace car."""
        self.pit_limit_mps = course.pit_limit_mps
        self.pole_lap_s = course.pole_lap_s
        """Published time of a qualifying lap; None where there is none."""
        self.spin_from_m = course.spin_from_m
        """From here on a car that loses control can slide to the infield without crossing pit road …"""
        self.spin_to_m = course.spin_to_m
        """… to here."""
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

    @property
    def most_cars(self) -> int:
        """Cars for which there is room: in single file behind the pace car they leave a third of the lap free."""
        return int(self.length_m / _ROOM_PER_CAR_M)

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

    def turn(self, distance_m: Floats) -> Ints:
        """Number of the turn that a place lies in, 0 where it lies in none; a turn begins with its first metre."""
        passed = np.searchsorted(self._turn_ends_m, self.lap_distance_m(distance_m), side="right")
        # After as many ends as there are beginnings a place lies between two turns.
        return np.where(passed % 2 == 1, (passed + 1) // 2, 0).astype(np.int32)

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


def load_track(track: str | Path) -> Track:
    """A packaged track by its name, one of `TRACKS`, or that of a track file by its path.

    Raises `TrackError` with file, line and field for what is not a track.
    """
    return Track(read_course(track))


@cache
def charlotte() -> Track:
    """A 1.5-mile quad-oval with the published numbers of Charlotte Motor Speedway."""
    return load_track("charlotte")


@cache
def half_mile() -> Track:
    """A flat half-mile short track: the proof that nothing of the other is wired in."""
    return load_track("half_mile")
