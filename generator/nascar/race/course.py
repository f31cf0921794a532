"""A course as it is written down: a closed line of sections, its turns, and its pit road."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from nascar.race.angles import sin_cos

FT_M: Final = 0.3048
_STEP_M: Final = 0.5


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
class Corner:
    """Where a turn begins and ends on the lap."""

    start_m: float
    end_m: float
    grip: float
    """Of the pavement, as a factor on the tires'."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as people call it: of an oval's two corners, the first holds turns 1 and 2, the second 3 and 4."""

    number: int
    """From 1, in the order of the lap."""
    start_m: float
    end_m: float


def turns(corners: Sequence[Corner]) -> tuple[Turn, ...]:
    """The turns of a track, in the order of the lap: two to a corner of an oval, half of it each.

    Where there are more or fewer than two corners, each is a turn of its own, as on a triangle or a rectangle.
    """
    if len(corners) != 2:
        return tuple(Turn(number, corner.start_m, corner.end_m) for number, corner in enumerate(corners, 1))
    (first, middle, last), (third, far_middle, end) = (
        (corner.start_m, (corner.start_m + corner.end_m) / 2, corner.end_m) for corner in corners
    )
    return (
        Turn(1, first, middle),
        Turn(2, middle, last),
        Turn(3, third, far_middle),
        Turn(4, far_middle, end),
    )


@dataclass(frozen=True, slots=True)
class PitRoad:
    """Pit road beside the track, as distances from the start line along the centre line of one lap.

    A place may lie beyond the lap's length: the pit road passes the start line. In the order of a stop:
    ``leave_m < leave_to_m < entry_m <= limit_from_m < first_box_m``, the last box before `limit_to_m`,
    ``limit_to_m - length < merged_m < leave_m``.
    """

    leave_m: float
    """Where a car that will stop leaves the racing lanes for the apron, at the earliest …"""
    leave_to_m: float
    """… and at the latest; one that has not found its way by then stays out for another lap."""
    entry_m: float
    """Where pit road begins; from here the gearbox and the speed may be below the racing ranges."""
    limit_from_m: float
    """From here the speed limit holds …"""
    limit_to_m: float
    """… to here."""
    first_box_m: float
    box_spacing_m: float
    boxes: int
    """In one row; cars of larger fields share boxes."""
    merged_m: float
    """So far into the lap a car on its way out begins to join the racing lanes at the latest: further on,
    cars on the way in slow down on the apron that it would have to cross."""
    merge_mps: float
    """From this speed on a car on its way out may join the racing lanes."""

    @property
    def last_box_m(self) -> float:
        return self.first_box_m + self.box_spacing_m * (self.boxes - 1)


@dataclass(frozen=True, slots=True)
class Course:
    """What a track file says."""

    name: str
    sections: tuple[Section, ...]
    corners: tuple[Corner, ...]
    """In the order of the lap."""
    pit: PitRoad
    laps: int
    """Distance of a race on this track, unless another is asked for."""
    pace_mps: float
    """Speed of the pace car."""
    pit_limit_mps: float
    pole_lap_s: float | None
    """Published time of a qualifying lap; None where there is none."""
    spin_from_m: float
    """From here on a car that loses control can slide to the infield without crossing pit road …"""
    spin_to_m: float
    """… to here."""


def turned_rad(sections: Sequence[Section]) -> float:
    """Heading that a lap turns through: exact, for curvature is linear in each section. A full turn closes."""
    return math.fsum(
        (before.curvature_per_m + here.curvature_per_m) / 2 * here.length_m
        for before, here in pairwise((sections[-1], *sections))
    )


def gap_m(sections: Sequence[Section]) -> tuple[float, float]:
    """x and y from the start of the lap to its end, x along the start line's straight: 0, 0 closes.

    Simpson's rule over steps of half a metre that never reach from one section into the next.
    """
    x_m = y_m = heading_rad = 0.0
    for before, here in pairwise((sections[-1], *sections)):
        steps = math.ceil(here.length_m / _STEP_M)
        into_m = np.arange(2 * steps + 1) * (here.length_m / (2 * steps))
        first, last = before.curvature_per_m, here.curvature_per_m
        turned = (first + (last - first) / here.length_m * into_m / 2) * into_m
        sine, cosine = sin_cos(heading_rad + turned)
        weights = np.full(2 * steps + 1, 2.0)
        weights[1::2] = 4.0
        weights[[0, -1]] = 1.0
        weights *= here.length_m / (6 * steps)
        x_m += float((cosine * weights).sum())
        y_m += float((sine * weights).sum())
        heading_rad += float(turned[-1])
    return x_m, y_m
