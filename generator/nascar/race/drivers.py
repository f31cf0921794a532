"""Who drives how: the traits of a field, drawn once from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nascar.race.chance import Purpose, bell, uniform
from nascar.race.frames import Bools, Floats

_SKILL_SPREAD: Final = 0.003
"""Standard deviation of cornering speed between drivers: lap times of the field within about ±0.5 %."""
_LATE_BRAKERS: Final = 0.15
"""Share of the field."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """Traits, ``(cars,)`` each, in entry order."""

    corner_speed: Floats
    """Cornering speed as a factor, 1 for the average driver."""
    spread: Floats
    """Standard deviation of the cornering speed from corner to corner."""
    brake_firmness: Floats
    """0 gentle … 1 firm at a normal turn-in."""
    late_braker: Bools
    late_chance: Floats
    """How likely a turn-in is a late one, on the brakes beyond 500 psi."""
    thirst: Floats
    """Fuel burnt for the same power, as a factor: engines and feet differ."""
    grid: Floats
    """Qualifying result as a cornering speed: the fastest starts first."""


def draw_drivers(seed: int, cars: int) -> Drivers:
    """The field's traits; a car's own do not depend on how many others there are, but for late braking."""
    draws = np.stack([uniform(seed, Purpose.DRIVERS, car, 17) for car in range(cars)])
    skill = 1.0 + np.clip(_SKILL_SPREAD * bell(draws[:, :12]), -0.007, 0.007)
    nerve = draws[:, 12]
    late = np.zeros(cars, np.bool_)
    late[np.argsort(-nerve, kind="stable")[: max(1, round(_LATE_BRAKERS * cars))]] = True
    form = np.stack([uniform(seed, Purpose.GRID, car, 12) for car in range(cars)])
    return Drivers(
        corner_speed=skill,
        spread=0.0010 + 0.0008 * draws[:, 13],
        brake_firmness=draws[:, 14],
        late_braker=late,
        late_chance=np.where(late, 0.25 + 0.3 * draws[:, 15], 0.004),
        thirst=0.985 + 0.03 * draws[:, 16],
        grid=skill + 0.002 * bell(form),
    )
