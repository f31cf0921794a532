"""Engine and drivetrain: gear and rpm, fuel flow, water and oil. Shapes ``(ticks, cars)``."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.car import IDLE_RPM, MPH_MPS, RPM_PER_MPS, TOP_GEAR
from nascar.race.frames import TICK_S, Bools, Floats, Ints
from nascar.race.heat import follow_load

_RPM_PER_MPS: Final = np.array(RPM_PER_MPS)
_FULL_RPM: Final = 9_000.0

DOWN_TO_THIRD_MPS: Final = 112 * MPH_MPS
DOWN_TO_SECOND_MPS: Final = 56 * MPH_MPS
UP_TO_SECOND_MPS: Final = 36 * MPH_MPS
UP_TO_THIRD_MPS: Final = 70 * MPH_MPS
"""A short shift: the new tires are cold."""
UP_TO_TOP_MPS: Final = 134 * MPH_MPS
_THIRD_PULLS_MPS: Final = 15.0
_LAUNCH_RPM: Final = 4_500.0
"""The clutch slips below."""

_IDLE_GAL_PER_S: Final = 0.0004
_FULL_GAL_PER_S: Final = 0.01188
"""At full throttle and 9,000 rpm: 0.294 gal a green lap (law: 20 gal is a window of 68 laps)."""

_WATER: Final = (180.0, 38.0, 22.0, 40.0)
_OIL: Final = (216.0, 50.0, 10.0, 80.0)
"""Base °F, rise at full power, rise without airflow, time constant in s (estimates)."""
_STILL_AIR_MPS: Final = 40.0


def gears(speed_mps: Floats, gaining: NDArray[np.int8], on_pit_road: Bools) -> Ints:
    """Top gear while racing; lower gears by speed on the way in, and earlier down the gears than up.

    `gaining` is 1 on the way out of a box, 2 after a restart: there the gears go up later. On the track
    nobody goes below third but to stop.
    """
    slowing = np.full(speed_mps.shape, TOP_GEAR, np.int32)
    for speed in (DOWN_TO_THIRD_MPS, DOWN_TO_SECOND_MPS, 1e-9):
        slowing -= speed_mps < speed
    if gaining.any():
        rising = np.ones(speed_mps.shape, np.int32)
        for speed in (UP_TO_SECOND_MPS, UP_TO_THIRD_MPS, UP_TO_TOP_MPS):
            rising += speed_mps >= speed
        slowing = np.where(gaining > 0, rising, slowing)
    third = ~on_pit_road & (speed_mps > _THIRD_PULLS_MPS)
    return np.where(third, np.maximum(slowing, 3), slowing)


def engine_rpm(speed_mps: Floats, gear: Ints, throttle: Floats) -> Floats:
    """Speed by ratio; idle when standing, and a slipping clutch between."""
    driven = speed_mps * _RPM_PER_MPS.take(gear)
    slipping = IDLE_RPM + (_LAUNCH_RPM - IDLE_RPM) * throttle
    lowest = np.where(gear == 1, slipping, IDLE_RPM)
    return np.asarray(np.maximum(driven, lowest))


def power_share(rpm: Floats, throttle: Floats) -> Floats:
    """Share of full power."""
    return throttle * rpm / _FULL_RPM


def fuel_burnt_gal(share: Floats) -> Floats:
    """Of each tick."""
    return (_IDLE_GAL_PER_S + _FULL_GAL_PER_S * share) * TICK_S


def water_temps_f(start_f: Floats, share: Floats, speed_mps: Floats) -> Floats:
    """Water temperature ``(ticks + 1, cars)`` from the state at the first tick on."""
    return _temps_f(start_f, share, speed_mps, *_WATER)


def oil_temps_f(start_f: Floats, share: Floats, speed_mps: Floats) -> Floats:
    """Oil temperature ``(ticks + 1, cars)`` from the state at the first tick on."""
    return _temps_f(start_f, share, speed_mps, *_OIL)


def oil_pressure_psi(rpm: Floats, oil_temp_f: Floats) -> Floats:
    """Rises with engine speed, falls as the oil thins (estimate): about 80 psi at 9,000 rpm and 260 °F."""
    return 16.0 + rpm * (0.0072 * (1.0 - 0.004 * (oil_temp_f - 260.0)))


def _temps_f(
    start_f: Floats, share: Floats, speed_mps: Floats, base: float, rise: float, still: float, time_s: float
) -> Floats:
    airless = np.maximum(1.0 - speed_mps / _STILL_AIR_MPS, 0.0)
    return follow_load(start_f, base + rise * share + still * airless, time_s)
