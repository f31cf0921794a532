"""The field at the green flag: double file behind the start line, at racing speed."""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.car import MASS_KG
from nascar.race.drivers import Drivers
from nascar.race.speed_plan import CELL_M, SpeedPlan, Style
from nascar.race.state import Cars, Lane, Phase
from nascar.race.track import Track

_ROW_M: Final = 13.0
_STAGGER_M: Final = 1.0
"""The outside car of a row starts by so much behind the inside car."""
_START_MPS: Final = 81.5
_IN_HAND: Final = 0.99
"""Of the plan's speed, where the rows behind are still in the turn."""


def starting_grid(track: Track, plan: SpeedPlan, drivers: Drivers, fuel_gal: float) -> Cars:
    """Every car's state at tick 0. The leader stands at the start line; all run flat out."""
    n = drivers.grid.size
    order = np.argsort(-drivers.grid, kind="stable")
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    distance_m = -(place // 2) * _ROW_M - (place % 2) * _STAGGER_M
    base_m = np.floor(distance_m / track.length_m) * track.length_m
    lap_m = distance_m - base_m
    cell = (lap_m / CELL_M).astype(np.intp) + int(Style.NORMAL) * plan.cells
    lane = Lane.LOW + place % 2
    return Cars(
        base_m=base_m,
        lap_m=lap_m,
        speed_mps=np.minimum(_START_MPS, _IN_HAND * plan.speed_mps.take(cell)),
        accel_mps2=np.zeros(n),
        throttle=np.full(n, 1.0),
        brake_psi=np.zeros(n),
        phase=np.full(n, Phase.RACING),
        lane=lane,
        from_lane=lane.copy(),
        change_tick=np.full(n, -1_000),
        claims=1 << lane,
        pace=np.full(n, 1.0),
        style=np.full(n, int(Style.NORMAL)),
        stop_lap_m=np.full(n, np.inf),
        fuel_gal=np.full(n, fuel_gal),
        mass_kg=np.full(n, MASS_KG),
        # What the pace laps leave behind.
        water_temp_f=np.full(n, 200.0),
        oil_temp_f=np.full(n, 242.0),
        tire_temp_f=np.tile(np.array([128.0, 152.0, 126.0, 145.0]), (n, 1)),
        tire_wear=np.zeros((n, 4)),
    )
