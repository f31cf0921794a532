"""What the cars are made of: one specification for the whole field, as in a spec series."""

from __future__ import annotations

from typing import Final

GRAVITY_MPS2: Final = 9.80665
MPH_MPS: Final = 0.44704
"""Metres per second in one mile per hour."""
POUND_KG: Final = 0.45359237

MASS_KG: Final = 3_400 * POUND_KG
"""With driver and a full cell."""
TANK_GAL: Final = 20.0
FUEL_KG_PER_GAL: Final = 6.1 * POUND_KG

WHEEL_POWER_W: Final = 670 * 745.7 * 0.88
"""670 hp less what the drivetrain takes."""
AIR_KG_PER_M3: Final = 1.13
"""A warm day at 230 m above the sea: Charlotte in May."""
DRAG_AREA_M2: Final = 1.12
"""CdA: power and drag balance near 190 mph (law 8 says about 1.25; calibrated on the lap time)."""
DOWNFORCE_AREA_M2: Final = 1.6
"""ClA (estimate): about 1,200 lb at 180 mph."""
ROLLING_G: Final = 0.015
"""Rolling resistance as a deceleration in g (estimate)."""
ENGINE_BRAKING_G: Final = 0.04
"""Of a closed throttle (estimate)."""
TRACTION_G: Final = 0.55
"""What the rear tires take when power is not the limit (estimate)."""

BRAKE_G_PER_PSI: Final = 0.075 / 100
"""Line pressure to deceleration (estimate)."""
BRAKE_MAX_PSI: Final = 1_400.0
THROTTLE_OPENS_PER_S: Final = 3.0
THROTTLE_CLOSES_PER_S: Final = 10.0
BRAKE_RISES_PSI_PER_S: Final = 6_000.0
BRAKE_FALLS_PSI_PER_S: Final = 6_000.0

LENGTH_M: Final = 4.9
"""193.4 in."""
WIDTH_M: Final = 2.0
"""78.6 in."""
WHEELBASE_M: Final = 2.794
"""110 in."""

RPM_PER_MPS: Final = (0.0, 118.0 / MPH_MPS, 84.0 / MPH_MPS, 62.0 / MPH_MPS, 47.4 / MPH_MPS)
"""Engine speed per road speed by gear; 47.4 rpm/mph in top is 9,000 rpm at 190 mph, the lower are estimates."""
TOP_GEAR: Final = 4
IDLE_RPM: Final = 1_100.0
PIT_LIMIT_MPS: Final = 45 * MPH_MPS
