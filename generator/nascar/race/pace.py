"""What tires, fuel and setup leave of a driver's cornering speed."""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race import tires
from nascar.race.car import FUEL_KG_PER_GAL, MASS_KG, TANK_GAL
from nascar.race.frames import Floats
from nascar.race.speed_plan import GRIP, corner_speed_mps
from nascar.race.state import Cars
from nascar.race.track import Track

_SETUP_FADE: Final = 0.22
"""A car set up for the long run loses so much less by wear, one for the short run so much more …"""
_SETUP_START: Final = 0.0011
"""… and is by so much slower, or faster, on new tires (estimates)."""


class Pace:
    """Sets `form` and `mass_kg` of the cars, once a block."""

    def __init__(self, track: Track) -> None:
        sharpest = max(section.curvature_per_m for section in track.sections)
        place = np.array([track.corners[-1].start_m + track.corners[-1].end_m]) / 2
        self._sine, self._cosine = track.banking_sin_cos(place)
        self._curvature = np.array([sharpest])
        self._full_speed_mps = self._limit(np.array([GRIP]), np.array([MASS_KG]))

    def update(self, cars: Cars, tire_temp_f: Floats, tire_wear: Floats) -> None:
        """From fuel, tire temperatures and wear ``(cars, 4)`` at the begin of the block."""
        cars.mass_kg = MASS_KG - (TANK_GAL - cars.fuel_gal) * FUEL_KG_PER_GAL
        left = 1.0 - (1.0 - tires.grip(tire_temp_f, tire_wear)) * (1.0 - _SETUP_FADE * cars.long_run)
        limit = self._limit(GRIP * left, np.asarray(cars.mass_kg)) / self._full_speed_mps
        cars.form = limit * cars.skill * (1.0 - _SETUP_START * cars.long_run)

    def _limit(self, grip: Floats, mass_kg: Floats) -> Floats:
        """Speed in the middle of the tightest turn."""
        return corner_speed_mps(grip, mass_kg, self._curvature, self._sine, self._cosine)
