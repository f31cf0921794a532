"""The hidden state of every car: what the race carries from one tick to the next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import Floats, Ints


class Phase(IntEnum):
    """Where a car is in its pit stop."""

    RACING = 0
    CALLED = 1
    """Racing, on the way to the low lane for a stop at the end of this lap."""
    COMING_IN = 2
    """On the apron or on pit road, up to the box."""
    IN_BOX = 3
    GOING_OUT = 4
    """From the box back into a racing lane."""


APRON: Final = 0
LOW: Final = 1
HIGH: Final = 3
"""Lanes count outwards: the apron (with pit road), then three racing lanes."""
LANE_M: Final = (9.0, 3.0, 0.0, -3.0)
"""Where each lane lies, positive to the inside of the centre line."""


@dataclass(slots=True)
class Cars:
    """One entry per car, in entry order; tire arrays are ``(cars, 4)`` in the order of `frames.TIRES`."""

    base_m: Floats
    """Whole laps to the start line of the lap at hand (a multiple of the lap's length)."""
    lap_m: Floats
    """Distance since that line; the distance of the race is the sum of both."""
    speed_mps: Floats
    accel_mps2: Floats
    """Over the tick that has just ended."""
    throttle: Floats
    brake_psi: Floats

    phase: NDArray[np.int64]
    lane: NDArray[np.int64]
    """Lane that the car is in, or is moving to."""
    from_lane: NDArray[np.int64]
    """Lane that the car is leaving; `lane` when it is not changing."""
    change_tick: NDArray[np.int64]
    """Tick at which the latest lane change began."""

    pace: Floats
    """Cornering speed against the plan's, as a factor."""
    style: NDArray[np.int64]
    """Row of the speed plan."""

    fuel_gal: Floats
    mass_kg: Floats
    water_temp_f: Floats
    oil_temp_f: Floats
    tire_temp_f: Floats
    tire_wear: Floats

    @property
    def cars(self) -> int:
        return int(self.lap_m.size)

    @property
    def distance_m(self) -> Floats:
        return self.base_m + self.lap_m


Lanes = Ints
