"""The box score: the official result of a race, from its timing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from nascar.race.car import MPH_MPS
from nascar.race.entries import Entry
from nascar.race.score import CarScore, Score
from nascar.race.timing import Timing

RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Finish:
    """One car's line of the result."""

    position: int
    start_position: int
    car: int
    """Car number."""
    driver: str
    team: str
    manufacturer: str
    laps: int
    laps_led: int
    status: str
    """`RUNNING`, or why the car is out."""
    best_lap_s: float | None
    """None without a whole lap."""
    best_lap: int | None
    """Lap on which it was driven."""
    stops: int
    laps_down: int
    gap_s: float | None
    """Behind the winner at the line, for a car on his lap; None for one that is laps down."""
    stints: tuple[int, ...]
    """Laps between stops, the first from the start, the last to the car's end."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Laps in a row that one car led at the line."""

    car: int
    """Car number."""
    first_lap: int
    last_lap: int


@dataclass(frozen=True, slots=True)
class Caution:
    lap: int
    """Lap that the leader was on as the yellow flag came out."""
    laps: int
    """Laps that the leader ended under it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Stage:
    number: int
    lap: int
    """Lap that ended it."""
    car: int
    """Number of the winner; the last stage is won by the winner of the race and not listed."""


@dataclass(frozen=True, slots=True)
class Fastest:
    car: int
    """Car number."""
    driver: str
    lap: int
    lap_time_s: float


@dataclass(frozen=True, slots=True)
class BoxScore:
    """The result of a race, or how it stands."""

    official: bool
    """The race is over; else this is the order so far."""
    finish_order: tuple[Finish, ...]
    laps_completed: int
    """That the winner has done; overtime may have added some."""
    race_time_s: float
    """From the start line of lap 1 to the winner's last line."""
    average_speed_mph: float
    margin_s: float | None
    """From the winner to the second; None for one car, or if nobody else is on his lap."""
    lead_changes: int
    leaders: int
    """Different cars that led a lap."""
    lead_runs: tuple[Lead, ...]
    cautions: int
    caution_laps: int
    caution_periods: tuple[Caution, ...]
    stages: tuple[Stage, ...]
    fastest_lap: Fastest | None

    def as_json(self) -> dict[str, Any]:
        """The same as an object for JSON; the names are those of the fields."""
        return asdict(self)


def box_score(timing: Timing, entries: Sequence[Entry], *, official: bool) -> BoxScore:
    """The result of the race that `timing` has followed from its start, for the cars of `entries`."""
    score = timing.score
    standings = timing.standings()
    order = range(len(entries)) if standings is None else standings.car.tolist()
    winner = score.cars[order[0]]
    first_s = list(score.first_s.values())
    starts = {car: place for place, car in enumerate(score.start_order, start=1)}
    finishes = tuple(
        _finish(
            entries[car],
            score.cars[car],
            position,
            starts.get(car, position),
            _laps_down(score.cars[car], winner, first_s, official),
        )
        for position, car in enumerate(order, start=1)
    )
    race_time_s = round((winner.crossed_s or 0.0) - (score.started_s or 0.0), 3) if winner.laps else 0.0
    numbers = [entry.car_number for entry in entries]
    periods = tuple(Caution(caution.lap, caution.laps, caution.reason) for caution in score.cautions)
    return BoxScore(
        official=official,
        finish_order=finishes,
        laps_completed=winner.laps,
        race_time_s=race_time_s,
        average_speed_mph=_average_mph(winner.laps * timing.lap_length_m, race_time_s),
        margin_s=finishes[1].gap_s if len(finishes) > 1 and winner.laps else None,
        lead_changes=score.lead_changes,
        leaders=len({run.car for run in score.lead_runs}),
        lead_runs=tuple(Lead(numbers[run.car], run.first_lap, run.last_lap) for run in score.lead_runs),
        cautions=len(periods),
        caution_laps=sum(period.laps for period in periods),
        caution_periods=periods,
        stages=tuple(
            Stage(number, stage.lap, numbers[stage.car]) for number, stage in enumerate(score.stages, start=1)
        ),
        fastest_lap=_fastest(score, entries),
    )


def _finish(entry: Entry, car: CarScore, position: int, start_position: int, laps_down: int) -> Finish:
    return Finish(
        position=position,
        start_position=start_position,
        car=entry.car_number,
        driver=entry.driver,
        team=entry.team,
        manufacturer=entry.manufacturer,
        laps=car.laps,
        laps_led=car.laps_led,
        status=RUNNING if car.out is None else _reason(car.out),
        best_lap_s=car.best_lap_s if car.best_lap else None,
        best_lap=car.best_lap or None,
        stops=car.stops,
        laps_down=laps_down,
        gap_s=car.gap_s if laps_down == 0 else None,
        stints=(*car.stints, car.laps - car.stop_lap),
    )


def _reason(said: str) -> str:
    """Of a sentence such as "Car 5 (Wren Pettigale) is out: engine." the reason."""
    return said.rpartition(": ")[2].rstrip(".")


def _laps_down(car: CarScore, winner: CarScore, first_s: Sequence[float], official: bool) -> int:
    """Behind the winner at the end; while a car runs, behind the leader as it was last at the line."""
    if official or car.out is not None or car.crossed_s is None:
        return max(0, winner.laps - car.laps)
    return max(0, bisect_right(first_s, car.crossed_s) - car.laps)


def _average_mph(way_m: float, time_s: float) -> float:
    return round(way_m / time_s / MPH_MPS, 3) if time_s > 0 else 0.0


def _fastest(score: Score, entries: Sequence[Entry]) -> Fastest | None:
    fastest = score.fastest_lap
    if fastest is None:
        return None
    entry = entries[fastest.car]
    return Fastest(entry.car_number, entry.driver, fastest.lap, fastest.lap_time_s)
