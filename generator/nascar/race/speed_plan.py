"""How fast a driver means to be at every place of the lap: the corner's limit, and braking for it in time."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from nascar.race.car import (
    AIR_KG_PER_M3,
    DOWNFORCE_AREA_M2,
    GRAVITY_MPS2,
    MASS_KG,
)
from nascar.race.frames import Floats
from nascar.race.track import Track

CELL_M: Final = 0.5
OVERRUN_M: Final = 160.0
"""The tables run on past the lap's end by what a car travels in a second, and more."""
GRIP: Final = 1.019
"""Friction coefficient of new, warm tires at the limit a driver uses (estimate, calibrated on the lap time)."""
_NO_LIMIT_MPS: Final = 110.0
_APRON_MPS: Final = 67.0
"""Most in the turns on the flat apron (estimate)."""
_PIT_ENTRY: Final = 62 / 45
"""Speed at pit road's entry, as a share of its limit."""
_PIT_MARGIN_MPS: Final = 0.15
_OPEN: Final = 0.02
"""A racing line is wider than the arc at both ends and tighter in the middle: so much of the speed."""
_LATE_G: Final = 1.0
_PIT_G: Final = 0.80


class Style(IntEnum):
    """Rows of the plan: the ways to drive a lap."""

    GENTLE = 0
    SOFT = 1
    NORMAL = 2
    FIRM = 3
    LATE = 4
    """On the brakes last and hardest."""
    SAVE = 5
    """Off the throttle early and coasting, for fuel."""
    PIT_IN = 6
    PIT_OUT = 7


_TURN_IN_G: Final = {
    Style.GENTLE: 0.50,
    Style.SOFT: 0.55,
    Style.NORMAL: 0.60,
    Style.FIRM: 0.66,
    Style.LATE: _LATE_G,
    Style.SAVE: 0.32,
}


class SpeedPlan:
    """Tables over (style, cell): the speed meant, and the acceleration that it implies, at full grip.

    Row `s` begins at ``s * cells``; cell ``c`` is the lap distance ``c * CELL_M``. The tables are read a
    moment ahead, by what foot and pedal take to answer.
    """

    def __init__(self, track: Track) -> None:
        self.lap_cells = round(track.length_m / CELL_M)
        self.cells = self.lap_cells + round(OVERRUN_M / CELL_M)
        lap_m = np.arange(self.lap_cells, dtype=np.float64) * (track.length_m / self.lap_cells)
        corner = _corner_limit(track, lap_m)
        speed = np.empty((len(Style), self.cells))
        accel = np.empty_like(speed)
        for style in Style:
            if style is Style.PIT_IN:
                limit = _pit_in(track, lap_m, corner)
                plan = _brake_in_time(limit, CELL_M, _PIT_G)
            elif style is Style.PIT_OUT:
                plan = _pit_out(track, lap_m, corner)
            else:
                plan = _brake_in_time(corner, CELL_M, _TURN_IN_G[style])
            square = plan * plan
            rise = (np.roll(square, -1) - square) / (2 * CELL_M)
            ahead = 4 if style in (Style.PIT_IN, Style.PIT_OUT) else 10
            speed[style] = np.resize(np.roll(plan, -ahead), self.cells)
            accel[style] = np.resize(np.roll(np.clip(rise, -12.0, 5.0), -ahead), self.cells)
        self.speed_mps = speed.reshape(-1)
        self.accel_mps2 = accel.reshape(-1)
        bend = track.curvature_per_m(lap_m)
        self.bend = np.resize(bend / bend.max(), self.cells)
        """Curvature as a share of the sharpest, by cell."""


def corner_speed_mps(
    grip: Floats, mass_kg: Floats, curvature: Floats, sine: Floats, cosine: Floats
) -> Floats:
    """Speed at which friction, banking and downforce just hold the arc; a car without a limit gets inf.

    m(v²κ cosθ − g sinθ) = μ(m(g cosθ + v²κ sinθ) + ½ρ·ClA·v²), solved for v.
    """
    holds = GRAVITY_MPS2 * (sine + grip * cosine)
    lift = 0.5 * AIR_KG_PER_M3 * DOWNFORCE_AREA_M2 / mass_kg
    needs = curvature * (cosine - grip * sine) - grip * lift
    return np.asarray(
        np.sqrt(np.divide(holds, needs, out=np.full(np.shape(needs), np.inf), where=needs > 1e-9))
    )


def _corner_limit(track: Track, lap_m: Floats) -> Floats:
    sine, cosine = track.banking_sin_cos(lap_m)
    curvature = track.curvature_per_m(lap_m)
    grip = np.full_like(lap_m, GRIP)
    for corner in track.corners:
        grip[(lap_m > corner.start_m) & (lap_m < corner.end_m)] *= corner.grip
    limit = corner_speed_mps(grip, np.full_like(lap_m, MASS_KG), curvature, sine, cosine)
    for corner in track.corners:
        share = np.clip((lap_m - corner.start_m) / (corner.end_m - corner.start_m), 0.0, 1.0)
        hump = 16.0 * (share * (1.0 - share)) ** 2
        inside = (share > 0) & (share < 1)
        limit = np.where(inside, limit * (1.0 + _OPEN * (1.0 - 2.0 * hump)), limit)
    return np.minimum(limit, _NO_LIMIT_MPS)


def _pit_in(track: Track, lap_m: Floats, corner: Floats) -> Floats:
    pit = track.pit
    limit = np.where(lap_m >= pit.leave_m, 0.90 * corner, corner)
    limit = np.where(lap_m >= pit.entry_m, np.minimum(limit, _PIT_ENTRY * track.pit_limit_mps), limit)
    return np.where(_limited(track, lap_m), (track.pit_limit_mps - _PIT_MARGIN_MPS), limit)


def _pit_out(track: Track, lap_m: Floats, corner: Floats) -> Floats:
    curved = track.curvature_per_m(lap_m) > 0.002
    limit = np.where(curved, np.minimum(0.90 * corner, _APRON_MPS), corner)
    return np.where(
        _limited(track, lap_m), (track.pit_limit_mps - _PIT_MARGIN_MPS), _brake_in_time(limit, CELL_M, 0.3)
    )


def _limited(track: Track, lap_m: Floats) -> np.typing.NDArray[np.bool_]:
    """Where the pit road's speed limit holds."""
    begin, end = track.pit.limit_from_m, track.pit.limit_to_m
    return ((lap_m >= begin) & (lap_m <= end)) | (lap_m <= end - track.length_m)


def _brake_in_time(limit: Floats, step_m: float, brake_g: float) -> Floats:
    """The limit, brought down ahead of every slow place by a constant deceleration."""
    gain = 2.0 * brake_g * GRAVITY_MPS2 * step_m
    square = [float(v) * float(v) for v in limit]
    # Twice around, so that the place where the walk begins does not matter.
    for index in range(2 * len(square) - 1, -1, -1):
        here, after = index % len(square), (index + 1) % len(square)
        square[here] = min(square[here], square[after] + gain)
    return np.asarray(np.sqrt(np.array(square)))
