"""The score book of a race: what timing writes down of every car and of the race."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from nascar.race.frames import TICK_S


@dataclass(frozen=True, slots=True)
class PitWork:
    """What a car did on pit road within a lap; a stop belongs to the lap in which the car leaves its box."""

    road_ticks: int = 0
    """Ticks on pit road."""
    box_s: float = 0.0
    """Standing in the box."""
    fuel_gal: float = 0.0
    """Fuel that went in."""
    tires: int = 0
    """New ones: 0, 2 or 4."""

    @property
    def road_s(self) -> float:
        return round(self.road_ticks * TICK_S, 3)


NO_WORK: Final = PitWork()


@dataclass(slots=True)
class CarScore:
    """One car's line in the book. Times are race time in seconds, to the millisecond."""

    laps: int = 0
    """Whole laps; those after the car's own finish do not count."""
    crossed_s: float | None = None
    """Its last counted line crossing; None while it has not been seen on the line."""
    gap_s: float | None = None
    """Behind the first car over the same line, then; None before the first lap is complete."""
    last_lap_s: float = 0.0
    """0 before the first whole lap."""
    best_lap_s: float = 0.0
    best_lap: int = 0
    """Lap on which the best time was driven."""
    laps_led: int = 0
    stops: int = 0
    stints: list[int] = field(default_factory=list)
    """Laps of each stint that a stop has ended."""
    stop_lap: int = 0
    """Laps done at the last stop."""
    tire_age_laps: int = 0
    """Line crossings since the last new tires."""
    work: PitWork = NO_WORK
    """On pit road, in the lap at hand."""
    closed_tick: int | None = None
    """Laps that end after this tick do not count: the car has finished or is out."""
    out: str | None = None
    """What was said as the car left the race; None while it runs."""


@dataclass(slots=True)
class LeadRun:
    """Laps in a row that one car led at the line."""

    car: int
    first_lap: int
    last_lap: int

    @property
    def laps(self) -> int:
        return self.last_lap - self.first_lap + 1


@dataclass(slots=True)
class CautionPeriod:
    """One time under the yellow flag."""

    lap: int
    """Lap that the leader was on as it came out."""
    laps: int = 0
    """Laps that the leader ended under it."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StageEnd:
    lap: int
    car: int
    """The winner."""


@dataclass(frozen=True, slots=True)
class FastestLap:
    car: int
    lap: int
    lap_time_s: float


@dataclass(slots=True)
class Score:
    """The whole book. It grows by a line for a stop, a caution or a change of the lead, and by one number a lap."""

    cars: list[CarScore]
    start_order: list[int] = field(default_factory=list)
    """Cars as they stood when the race was first seen."""
    started_s: float | None = None
    """When the first car came to the start line of lap 1."""
    lead_runs: list[LeadRun] = field(default_factory=list)
    cautions: list[CautionPeriod] = field(default_factory=list)
    stages: list[StageEnd] = field(default_factory=list)
    fastest_lap: FastestLap | None = None
    first_s: dict[int, float] = field(default_factory=dict)
    """When the first car ended the given lap."""

    @property
    def leader_laps(self) -> int:
        """Laps that the leader has done at the line."""
        return self.lead_runs[-1].last_lap if self.lead_runs else 0

    @property
    def lead_changes(self) -> int:
        """At the line; the first lap's leader changes nothing."""
        return max(0, len(self.lead_runs) - 1)
