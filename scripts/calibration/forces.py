"""Cornering forces of a race against those that speed, radius and banking ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nascar.race.car import MPH_MPS
from nascar.race.frames import Bools, Floats
from nascar.race.track import Track

WANTED: Final = (
    # turn (0: turns 1 and 2), mph, lateral g, vertical g
    (0, 165, 2.02, 1.99),
    (0, 175, 2.32, 2.13),
    (0, 185, 2.64, 2.27),
    (1, 165, 2.25, 2.10),
    (1, 175, 2.59, 2.25),
    (1, 185, 2.94, 2.40),
)
"""Published numbers of Charlotte: R 685 and 625 ft, banked 24 degrees."""
TURNS: Final = ("turns 1–2", "turns 3–4")
WITHIN: Final = 0.05
_FULL_BEND: Final = 0.999
"""Of the sharpest curvature of the turn: its arc without the transitions."""
_BESIDE_MPH: Final = 1.0
_FEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Corners:
    """Samples of cars within the arcs. ``(samples,)`` each."""

    turn: Floats
    """0 for the first turn of the lap."""
    speed_mph: Floats
    lateral_g: Floats
    vertical_g: Floats

    def at(self, turn: Bools) -> Corners:
        return Corners(self.turn[turn], self.speed_mph[turn], self.lateral_g[turn], self.vertical_g[turn])


@dataclass(frozen=True, slots=True)
class Force:
    """One line of the table, and what the race says."""

    turn: int
    speed_mph: float
    wanted_lateral_g: float
    wanted_vertical_g: float
    lateral_g: float
    vertical_g: float
    samples: int
    """At this speed; 0: no car was that fast, and the line through v² is read there."""

    @property
    def error(self) -> float:
        """The larger of both, as a share."""
        lateral = abs(self.lateral_g / self.wanted_lateral_g - 1)
        return max(lateral, abs(self.vertical_g / self.wanted_vertical_g - 1))


def corner_samples(
    track: Track, distance_m: Floats, speed_mps: Floats, lateral_g: Floats, vertical_g: Floats
) -> Corners:
    """Where cars are in the arcs, of arrays of any one shape. A car that slides feels other forces: left out."""
    lap_m = track.lap_distance_m(np.asarray(distance_m, np.float64))
    curvature = track.curvature_per_m(lap_m)
    turn = np.full(lap_m.shape, -1.0)
    for number, corner in enumerate(track.corners):
        inside = (lap_m > corner.start_m) & (lap_m < corner.end_m)
        sharpest = track.curvature_per_m(np.linspace(corner.start_m, corner.end_m, 1_000)).max()
        turn[inside & (curvature > _FULL_BEND * sharpest)] = number
    chosen = (turn >= 0) & (lateral_g > 0)
    return Corners(turn[chosen], speed_mps[chosen] / MPH_MPS, lateral_g[chosen], vertical_g[chosen])


def compare(corners: Corners) -> list[Force]:
    """The table against `corners`."""
    found = []
    for turn, speed_mph, lateral, vertical in WANTED:
        here = corners.at(corners.turn == turn)
        near = np.abs(here.speed_mph - speed_mph) < _BESIDE_MPH
        samples = int(np.count_nonzero(near))
        if samples >= _FEWEST:
            measured = [float(np.median(g[near])) for g in (here.lateral_g, here.vertical_g)]
        else:
            samples = 0
            square = here.speed_mph**2
            measured = [
                float(np.polyval(np.polyfit(square, g, 1), speed_mph**2)) if square.size > 1 else float("nan")
                for g in (here.lateral_g, here.vertical_g)
            ]
        found.append(Force(turn, speed_mph, lateral, vertical, measured[0], measured[1], samples))
    return found
