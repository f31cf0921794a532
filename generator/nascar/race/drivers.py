"""Who drives how: a talent that comes with the name, and the form of the day that comes with the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nascar.race.chance import Purpose, bell, uniform
from nascar.race.entries import Entry
from nascar.race.frames import Bools, Floats

_TALENT_SPREAD: Final = 0.0015
_TEAM_SPREAD: Final = 0.0010
_FORM_SPREAD: Final = 0.0011
"""Standard deviations of cornering speed: lap times of the field within about ±0.5 %."""
_MOST: Final = 0.0042
_LATE_BRAKERS: Final = 0.15
"""Share of the field."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """Traits, ``(cars,)`` each, in entry order."""

    corner_speed: Floats
    """Cornering speed as a factor, 1 for the average driver."""
    long_run: Floats
    """−1 a car set up for the first laps of a run … 1 for the last."""
    spread: Floats
    """Standard deviation of the cornering speed from corner to corner."""
    brake_firmness: Floats
    """0 gentle … 1 firm at a normal turn-in."""
    late_braker: Bools
    late_chance: Floats
    """How likely a turn-in is a late one, on the brakes beyond 500 psi."""
    thirst: Floats
    """Fuel burnt for the same power, as a factor: engines and feet differ."""
    line: Floats
    """−1 … 1: how far the driver's line uses the lane's width."""
    high_line: Floats
    """0 … 1: how little the driver loses on the high line."""
    boldness: Floats
    """How much slower than the car ahead a driver may be and still try to pass, as a factor of speed."""
    grid: Floats
    """Qualifying result as a cornering speed: the fastest starts first."""


def draw_drivers(seed: int, entries: Sequence[Entry]) -> Drivers:
    """The field's traits. A car's own do not depend on how many others there are, but for late braking."""
    cars = len(entries)
    draws = np.stack([uniform(seed, Purpose.DRIVERS, car, 21) for car in range(cars)])
    talent = np.array([_named(entry.driver) for entry in entries])
    team = np.array([_named(entry.team) for entry in entries])
    form = bell(draws[:, :12])
    skill = _TALENT_SPREAD * talent + _TEAM_SPREAD * team + _FORM_SPREAD * form
    nerve = draws[:, 12]
    late = np.zeros(cars, np.bool_)
    late[np.argsort(-nerve, kind="stable")[: max(1, round(_LATE_BRAKERS * cars))]] = True
    qualifying = np.stack([uniform(seed, Purpose.GRID, car, 12) for car in range(cars)])
    corner_speed = 1.0 + np.clip(skill, -_MOST, _MOST)
    long_run = 2.0 * draws[:, 17] - 1.0
    return Drivers(
        corner_speed=corner_speed,
        long_run=long_run,
        spread=0.0028 + 0.0022 * draws[:, 13],
        brake_firmness=draws[:, 14],
        late_braker=late,
        late_chance=np.where(late, 0.25 + 0.3 * draws[:, 15], 0.004),
        thirst=0.985 + 0.03 * draws[:, 16],
        line=2.0 * draws[:, 18] - 1.0,
        high_line=draws[:, 19],
        boldness=0.0008 * draws[:, 20],
        grid=corner_speed - 0.001 * long_run + 0.0015 * bell(qualifying),
    )


def _named(name: str) -> float:
    """Nearly normal, and the same in every race: what a name stands for."""
    digest = hashlib.sha256(name.encode()).digest()
    total = 0.0
    for place in range(12):
        total += int.from_bytes(digest[2 * place : 2 * place + 2], "big") / 65_536
    return total - 6.0
