"""Who races: the entry list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One car on the entry list."""

    car_number: int
    driver: str
    team: str
    manufacturer: str
