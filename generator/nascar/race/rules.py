"""How long a race is, and how much goes wrong in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LEAST_STAGED_LAPS: Final = 60
"""A shorter race has no stages."""
MOST_LAPS: Final = 10_000


class Cautions(StrEnum):
    """How many cautions a race has by itself."""

    NONE = "none"
    """Nothing goes wrong unless commanded; stages end under green."""
    SOME = "some"
    """As many as in real races of that length."""
    MANY = "many"


@dataclass(frozen=True, slots=True)
class Rules:
    """The format of a race."""

    laps: int
    """Scheduled distance in laps; overtime may add some."""
    cautions: Cautions = Cautions.SOME

    def __post_init__(self) -> None:
        if not 1 <= self.laps <= MOST_LAPS:
            raise ValueError(f"a race has 1 to {MOST_LAPS:,} laps, not {self.laps}")

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """Laps at which the stages before the last one end: quarters of a 400-lap race, else two of three."""
        if self.laps < LEAST_STAGED_LAPS:
            return ()
        shares = (0.25, 0.5, 0.75) if self.laps >= 400 else (0.25, 0.5)
        return tuple(round(self.laps * share) for share in shares)
