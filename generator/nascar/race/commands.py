"""What a presenter may ask of a race, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    CAUTION = "caution"
    """Show the yellow flag; names no car."""
    PIT = "pit"
    PUNCTURE = "puncture"
    SPIN = "spin"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. A race is its seed, its entries and its commands, and can be replayed."""

    race_time_s: float
    """Race time at which it is carried out; 0 is the race's first tick."""
    verb: Verb
    car_number: int | None = None
    """The car that it is for; None for `Verb.CAUTION`."""
