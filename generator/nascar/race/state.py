"""The hidden state of every car: what the race carries from one tick to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import Floats


class Phase:
    """Where a car is in its pit stop. Plain numbers: the loop over ticks reads them often."""

    RACING: Final = 0
    CALLED: Final = 1
    """Racing, on the way to the low lane for a stop at the end of this lap."""
    COMING_IN: Final = 2
    """On the apron or on pit road, up to the box."""
    IN_BOX: Final = 3
    GOING_OUT: Final = 4
    """From the box to the racing lanes."""


class Lane:
    """Lanes from the inside out, but for the last."""

    PIT_IN: Final = 0
    """The apron and pit road's lane for cars on the way in."""
    LOW: Final = 1
    MIDDLE: Final = 2
    HIGH: Final = 3
    PIT_OUT: Final = 4
    """Beside the boxes, and from pit road back to the track: cars on the way out."""


LANE_M: Final = (9.5, 3.0, 0.0, -3.0, 13.0)
"""Where each lane lies, positive to the inside of the centre line."""
BOX_M: Final = 17.5
"""Where the pit boxes lie."""

Whole = NDArray[np.int64]


@dataclass(slots=True)
class Cars:
    """One entry per car, in entry order; tire arrays are ``(cars, 4)`` in the order of `frames.TIRES`."""

    base_m: Floats
    """Whole laps to the start line of the lap at hand."""
    lap_m: Floats
    """Distance since that line; the distance of the race is the sum of both."""
    speed_mps: Floats
    accel_mps2: Floats
    """Over the tick that has just ended."""
    throttle: Floats
    brake_psi: Floats

    phase: Whole
    lane: Whole
    """Lane that the car is in, or is moving to."""
    from_lane: Whole
    """Lane that the car is leaving; `lane` when it is not changing."""
    change_tick: Whole
    """Tick at which the latest lane change began."""
    claims: Whole
    """Lanes that the car has to itself where it is, as bits ``1 << lane``."""

    pace: Floats
    """Cornering speed against the plan's, as a factor."""
    style: Whole
    """Row of the speed plan."""
    stop_lap_m: Floats
    """Where the car is to stand still, counted like `lap_m`; infinite when it is not to."""

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

    def start_laps(self, length_m: float) -> None:
        """Count `lap_m` from the start line again where it has been passed."""
        passed = self.lap_m >= length_m
        if passed.any():
            self.base_m = self.base_m + passed * length_m
            self.lap_m = np.where(passed, self.lap_m - length_m, self.lap_m)
            self.stop_lap_m = np.where(passed, self.stop_lap_m - length_m, self.stop_lap_m)
