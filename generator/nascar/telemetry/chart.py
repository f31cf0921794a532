"""The track drawn once, so that the places of a whole field are looked up in one go."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np

from nascar.race.frames import Floats, Ints

CELL_M: Final = 0.5
"""Between two points of the chart a place lies on a line: a fifth of a millimetre off in the tightest turn."""


class Map(Protocol):
    """What is needed of a track: its length, and where on it a car is."""

    @property
    def length_m(self) -> float: ...

    def place_m(self, distance_m: Floats, lane_m: Floats) -> tuple[Floats, Floats]:
        """x and y of cars `distance_m` along the centre line and `lane_m` to the left of it."""
        ...

    def lap_distance_m(self, distance_m: Floats) -> Floats:
        """Distance since the start line of the lap at hand, from 0 to below `length_m`."""
        ...

    def turn(self, distance_m: Floats) -> Ints:
        """Number of the turn that a place lies in, from 1; 0 on a straight."""
        ...


class Chart:
    """x and y of any place on a track, from a table of points along its centre line."""

    def __init__(self, track: Map) -> None:
        self.length_m = track.length_m
        self._cells = round(track.length_m / CELL_M)
        self._cells_per_m = self._cells / track.length_m
        # One point more than cells, so that the last cell can look at its end; it is the start line again.
        along_m = np.arange(self._cells + 1) / self._cells_per_m
        along_m[-1] = 0.0
        line = np.stack(track.place_m(along_m, np.zeros_like(along_m)))
        left = np.stack(track.place_m(along_m, np.ones_like(along_m)))
        self._points = np.concatenate((line, left - line)).T.copy()
        """``(points, 4)``: x, y, and where a metre to the left leads."""

    def place_m(self, distance_m: Floats, lane_m: Floats) -> tuple[Floats, Floats]:
        """x and y of cars at distances of any size and sign, in the shape of the arguments."""
        place = distance_m * self._cells_per_m
        cell = np.floor(place)
        part = (place - cell)[..., None]
        at = np.mod(cell, self._cells).astype(np.intp)
        start = self._points[at]
        points = start + part * (self._points[at + 1] - start)
        return points[..., 0] + lane_m * points[..., 2], points[..., 1] + lane_m * points[..., 3]
