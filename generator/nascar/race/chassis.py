"""What the chassis feels: forces, steering and ride heights, all from speed and place. ``(ticks, cars)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nascar.race.car import GRAVITY_MPS2, WHEELBASE_M
from nascar.race.frames import Floats
from nascar.race.track import Track

_DEG_PER_RAD: Final = 180.0 / 3.141592653589793
_STEERING_RATIO: Final = 12.0
_UNDERSTEER_RAD_PER_G: Final = 0.004
"""More lock than the arc needs, per g of turning (estimate)."""

_COUNTER_STEER_DEG: Final = 55.0
_SLIDING_G: Final = -0.7
"""A car that slides broadside (estimate)."""


@dataclass(frozen=True, slots=True)
class Chassis:
    """Read-outs of a block, ``(ticks, cars)``."""

    lateral_g: Floats
    vertical_g: Floats
    steering_angle_deg: Floats
    ride_height_front_in: Floats
    ride_height_rear_in: Floats


def read_chassis(
    track: Track, lap_m: Floats, speed_mps: Floats, longitudinal_g: Floats, loose: Floats | None = None
) -> Chassis:
    """Forces on the banking: lateral = v²κ/g·cosθ − sinθ, vertical = v²κ/g·sinθ + cosθ.

    All turns are left: lateral g and steering are positive in them. `loose` is 0 … 1 for a car that has
    lost the rear: the driver steers against it, and the slide takes the place of the turn.
    """
    curvature = track.curvature_per_m(lap_m)
    sine, cosine = track.banking_sin_cos(lap_m)
    square = speed_mps * speed_mps
    turning_g = square * curvature / GRAVITY_MPS2
    vertical_g = turning_g * sine + cosine
    lock = WHEELBASE_M * curvature + _UNDERSTEER_RAD_PER_G * turning_g
    lateral_g = turning_g * cosine - sine
    steering_deg = lock * (_STEERING_RATIO * _DEG_PER_RAD)
    if loose is not None and loose.any():
        lateral_g = lateral_g * (1.0 - loose) + _SLIDING_G * loose
        steering_deg = steering_deg * (1.0 - loose) - _COUNTER_STEER_DEG * loose
    # Estimates: the body sinks with the banking's load and with the air's, and pitches with the brakes.
    sunk = vertical_g - 1.0
    return Chassis(
        lateral_g=lateral_g,
        vertical_g=vertical_g,
        steering_angle_deg=steering_deg,
        ride_height_front_in=2.70 - 0.55 * sunk - 8.0e-5 * square + 0.30 * longitudinal_g,
        ride_height_rear_in=3.60 - 0.60 * sunk - 9.0e-5 * square - 0.25 * longitudinal_g,
    )
