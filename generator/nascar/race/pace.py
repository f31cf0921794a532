"""How fast each driver goes through the next turn: skill, mood, tires, fuel, and how late he brakes."""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race import tires
from nascar.race.car import FUEL_KG_PER_GAL, MASS_KG, TANK_GAL
from nascar.race.chance import CarDraws, Purpose, bell
from nascar.race.drivers import Drivers
from nascar.race.frames import Floats
from nascar.race.speed_plan import GRIP, Style, corner_speed_mps
from nascar.race.state import Cars, Lane, Phase
from nascar.race.track import Track

_GATE_AHEAD_M: Final = 160.0
"""A driver makes up his mind about a turn so far ahead of it, where he is flat out."""
_DRAWS: Final = 14
_SEARCHING: Final = 0.97
"""A car that has been called in lets the low lane go by until there is a gap."""


class Pace:
    """Sets `Cars.pace` and `Cars.style`, once a block.

    What a driver means to do in a turn is drawn when he passes the gate ahead of it; tires and fuel count
    at every block.
    """

    def __init__(self, seed: int, track: Track, drivers: Drivers) -> None:
        n = drivers.corner_speed.size
        self._drivers = drivers
        self._length_m = track.length_m
        self._draws = CarDraws(seed, Purpose.CORNERS, n)
        self._gates_m = np.array([corner.start_m - _GATE_AHEAD_M for corner in track.corners])
        self._first_turn_m = track.corners[0].start_m
        self._gates_passed = np.full(n, -1_000_000)
        self._mood = np.ones(n)
        self._turn_style = np.full(n, int(Style.NORMAL))
        sharpest = max(section.curvature_per_m for section in track.sections)
        place = np.array([track.corners[-1].start_m + track.corners[-1].end_m]) / 2
        self._sine, self._cosine = track.banking_sin_cos(place)
        self._curvature = np.array([sharpest])
        self._full_speed_mps = self._limit(np.array([GRIP]), np.array([MASS_KG]))

    def update(self, cars: Cars) -> None:
        cars.mass_kg = MASS_KG - (TANK_GAL - cars.fuel_gal) * FUEL_KG_PER_GAL
        self._pass_gates(cars)
        left = tires.grip(cars.tire_temp_f, cars.tire_wear)
        pace = self._limit(GRIP * left, cars.mass_kg) / self._full_speed_mps
        cars.pace = pace * self._drivers.corner_speed * self._mood
        cars.style = self._turn_style.copy()
        cars.pace[(cars.phase == Phase.CALLED) & (cars.lane != Lane.LOW)] *= _SEARCHING
        pitting = cars.phase >= Phase.COMING_IN
        if pitting.any():
            cars.pace[pitting] = 1.0
            cars.style[pitting] = np.where(
                cars.phase[pitting] == Phase.GOING_OUT, int(Style.PIT_OUT), int(Style.PIT_IN)
            )

    def _pass_gates(self, cars: Cars) -> None:
        """Draw mood and style anew for the cars that have passed a gate since the last block."""
        gates = self._gates_m.size
        passed = np.zeros(cars.cars, np.int64)
        for gate_m in self._gates_m:
            passed += cars.lap_m >= gate_m
        passed += np.rint(cars.base_m / self._length_m).astype(np.int64) * gates
        new = np.flatnonzero(passed > self._gates_passed)
        if new.size == 0:
            return
        opening = cars.distance_m[new] < self._first_turn_m
        self._gates_passed[new] = passed[new]
        draws = self._draws.take(new, _DRAWS)
        drivers = self._drivers
        self._mood[new] = 1.0 + drivers.spread[new] * bell(draws[:, :12])
        # At the green flag nobody with a name for it gives way.
        late = (draws[:, 12] < drivers.late_chance[new]) | (opening & drivers.late_braker[new])
        firmness = 0.7 * drivers.brake_firmness[new] + 0.3 * draws[:, 13]
        normal = np.minimum((firmness * (int(Style.FIRM) + 1)).astype(np.int64), int(Style.FIRM))
        self._turn_style[new] = np.where(late, int(Style.LATE), normal)

    def _limit(self, grip: Floats, mass_kg: Floats) -> Floats:
        """Speed in the middle of the tightest turn."""
        return corner_speed_mps(grip, mass_kg, self._curvature, self._sine, self._cosine)
