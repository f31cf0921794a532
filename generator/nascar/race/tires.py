"""Four tires per car: heat, pressure, wear and the grip that is left. Last axis: `frames.TIRES`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import TICK_S, Floats
from nascar.race.heat import follow_load

COLD_TEMP_F: Final = 80.0
COLD_PRESSURE_PSI: Final = np.array([20.0, 50.0, 22.0, 46.0])
"""Minimum cold pressures of the series at this track, at `COLD_TEMP_F`."""
ATMOSPHERE_PSI: Final = 14.696
_RANKINE_AT_0_F: Final = 459.67

TRACK_TEMP_F: Final = 95.0
_HEATING_F: Final = np.array([116.0, 200.0, 112.0, 188.0])
"""Rise over the track at unit slide (estimate): about 170 °F left, 200 to 220 °F right, right front hottest."""
_TIME_CONSTANT_S: Final = 45.0
"""Temperatures settle three to five laps after a stop (estimate)."""
_SLIDE_MPS_G: Final = 180.0
"""Speed times lateral g in a turn at race pace: the unit of sliding."""
_BRAKE_HEAT: Final = np.array([0.25, 0.25, 0.08, 0.08]) / 1000
"""Slide per psi of brake pressure (estimate)."""

_WEAR_PER_S: Final = np.array([3.4e-4, 7.4e-4, 3.2e-4, 5.6e-4])
"""At unit slide: the right front is nearly through after a fuel run (estimate)."""
_WEAR_SHARE: Final = np.array([0.15, 0.50, 0.10, 0.25])
"""What each tire has to say about grip (estimate)."""
_EARLY_LOSS: Final = 0.030
_EARLY_WEAR: Final = 0.10
_STEADY_LOSS: Final = 0.060
"""Grip goes quickly at first and then steadily, for laps 0.5 to 1.5 s slower over a run (calibrated)."""
_COLD_LOSS: Final = 0.05
"""Per 100 °F below working temperature (estimate)."""
_WORKING_TEMP_F: Final = 190.0


FLAT_PSI: Final = 16.0
_LEAK_PSI_PER_S: Final = 12.0
"""A cut tire is flat within seconds; the inner liner still holds some air (estimates)."""


def sliding(speed_mps: Floats, lateral_g: Floats, brake_psi: Floats) -> Floats:
    """How hard each tire works, ``(ticks, cars, 4)``: 1 in a turn at race pace, near 0 on a straight."""
    turning = speed_mps * np.abs(lateral_g) / _SLIDE_MPS_G
    return turning[..., None] + brake_psi[..., None] * _BRAKE_HEAT


Changes = Sequence[tuple[int, int, tuple[int, int]]]
"""Row of the block, car and the two tires that are new from that row on."""


def temps_f(start_f: Floats, slide: Floats, changes: Changes = ()) -> Floats:
    """Surface temperatures ``(ticks + 1, cars, 4)`` from the state at the first tick on."""
    load_f = TRACK_TEMP_F + _HEATING_F * slide
    temps = follow_load(start_f, load_f, _TIME_CONSTANT_S)
    for row, car, changed in changes:
        for tire in changed:
            cold = np.array([COLD_TEMP_F])
            rest = load_f[row:, car, tire, None]
            temps[row:, car, tire] = follow_load(cold, rest, _TIME_CONSTANT_S)[:, 0]
    return temps


def wear(start: Floats, slide: Floats, changes: Changes = ()) -> Floats:
    """Wear ``(ticks + 1, cars, 4)``; never falls but for a change, never passes 1."""
    grown = np.empty((slide.shape[0] + 1, *start.shape))
    grown[0] = start
    np.multiply(slide, slide, out=grown[1:])
    np.multiply(grown[1:], _WEAR_PER_S * TICK_S, out=grown[1:])
    np.add.accumulate(grown, axis=0, out=grown)
    for row, car, changed in changes:
        for tire in changed:
            grown[row:, car, tire] -= grown[row, car, tire]
    return np.minimum(grown, 1.0, out=grown)


def pressure_psi(
    temp_f: Floats,
    ticks: NDArray[np.int64] | None = None,
    flat: NDArray[np.int64] | None = None,
    flat_tick: NDArray[np.int64] | None = None,
) -> Floats:
    """Gas law at constant volume, from the cold pressures, ``(ticks, cars, 4)``.

    Where `flat` names a tire, ``(cars,)`` (−1: none), it has been losing air since `flat_tick`.
    """
    absolute = COLD_PRESSURE_PSI + ATMOSPHERE_PSI
    per_degree = absolute / (COLD_TEMP_F + _RANKINE_AT_0_F)
    psi: Floats = (temp_f + _RANKINE_AT_0_F) * per_degree - ATMOSPHERE_PSI
    if ticks is None or flat is None or flat_tick is None:
        return psi
    for car in np.flatnonzero(flat >= 0):
        lost = np.maximum(ticks - flat_tick[car], 0) * (TICK_S * _LEAK_PSI_PER_S)
        psi[:, car, flat[car]] = np.maximum(psi[:, car, flat[car]] - lost, FLAT_PSI)
    return psi


def grip(temp_f: Floats, worn: Floats) -> Floats:
    """Share of full grip that a car has left, ``(cars,)``, from its four tires ``(cars, 4)``."""
    weighed = worn * _WEAR_SHARE
    total = weighed[:, 0] + weighed[:, 1] + weighed[:, 2] + weighed[:, 3]
    coldness = np.clip((_WORKING_TEMP_F - temp_f[:, 1]) / 100.0, 0.0, 1.2)
    loss = _EARLY_LOSS * total / (total + _EARLY_WEAR) + _STEADY_LOSS * total + _COLD_LOSS * coldness
    return np.asarray(1.0 - loss)
