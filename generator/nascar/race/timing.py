"""Timing and scoring: line crossings, lap times, gaps, the lead and stops, read out of the frames as they come.

It knows nothing but frames and their events, so it can stand beside any source of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.events import Event, EventKind
from nascar.race.frames import FLAGS, TICK_S, Bools, Floats, Frames, FrameSource
from nascar.race.line import Crossing, StartLine
from nascar.race.rules import Rules
from nascar.race.score import (
    NO_WORK,
    CarScore,
    CautionPeriod,
    FastestLap,
    LeadRun,
    PitWork,
    Score,
    StageEnd,
)

KEPT: Final = 8_192
"""Most laps, and most events, that wait for somebody to take them; beyond it the oldest are let go."""
_RUNNING: Final = (FLAGS.index("green"), FLAGS.index("white"))
_TELLS_EARLY_TICKS: Final = 1
"""A race may tell of a finish with the last tick before the line; the lap that it ends counts."""
_YELLOW: Final = FLAGS.index("yellow")


@dataclass(frozen=True, slots=True)
class TireReadings:
    """A car's four tires at one tick, in the order of `frames.TIRES`, without the noise of a sensor."""

    temp_f: tuple[float, ...]
    pressure_psi: tuple[float, ...]
    wear: tuple[float, ...]
    """0 new … 1 worn to the cords."""


@dataclass(frozen=True, slots=True)
class LapRecord:
    """A lap that a car has completed."""

    tick: int
    """First tick at or after the crossing that ended it."""
    at_s: float
    """The crossing in seconds since tick 0 of the frames, to the millisecond."""
    crossed_s: float
    """The crossing in race time, seconds to the millisecond: the same, where tick 0 is the race's first."""
    car: int
    """Place on the entry list, from 0."""
    lap: int
    lap_time_s: float
    position: int
    """At the line: 1 for the first car to complete this lap."""
    gap_s: float
    """Behind the first car to complete this lap."""
    laps_led: int
    """By this car so far, this lap included."""
    tire_age_laps: int
    """Line crossings since the last new tires, this one included."""
    fuel_gal: float
    stops: int
    """Of this car so far."""
    best_lap_s: float
    """Of this car so far, this lap included."""
    tires: TireReadings
    work: PitWork

    @property
    def pit(self) -> bool:
        """Whether the car was on pit road at some time in this lap."""
        return self.work.road_ticks > 0


@dataclass(frozen=True, slots=True)
class _FlagChange:
    before: int
    flag: int
    lap: int
    """That the leader is on."""


@dataclass(frozen=True, slots=True)
class Standings:
    """The field in official order at one tick; arrays are ``(cars,)``, the leader first."""

    race_time_s: float
    leader_lap: int
    flag: int
    """Index into `frames.FLAGS`."""
    car: NDArray[np.intp]
    """Place of the car on the entry list."""
    lap: NDArray[np.int32]
    gap_s: Floats
    """Behind the leader at the last line crossing; before the first, by distance and speed."""
    last_lap_s: Floats
    """0 before the first whole lap."""
    best_lap_s: Floats
    stops: NDArray[np.int64]
    on_pit_road: Bools
    laps_led: NDArray[np.int64]
    tire_age_laps: NDArray[np.int64]
    fuel_gal: Floats
    out: Bools
    """Out of the race."""


class Timing:
    """Times a field of `cars` on a lap of `lap_length_m` metres, from the race's first tick on.

    `rules` tells where stages end, `names` (in entry order) what its sentences call the cars. Memory
    does not grow with the race but for the score book; `take_laps` and `take_events` empty buffers that
    hold `KEPT` at most.
    """

    def __init__(
        self,
        cars: int,
        lap_length_m: float,
        *,
        names: Sequence[str] | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.score = Score([CarScore() for _ in range(cars)])
        self._names = tuple(f"car {car + 1}" for car in range(cars)) if names is None else tuple(names)
        self._stage_ends = () if rules is None else rules.stage_ends
        self.lap_length_m = lap_length_m
        self._line = StartLine(cars, lap_length_m)
        self._flag: int | None = None
        """Of the last tick seen."""
        self._yellow = False
        self._reason = ""
        """Why the yellow flag will be out."""
        self._latest: Frames | None = None
        self._laps: deque[LapRecord] = deque(maxlen=KEPT)
        self._events: deque[Event] = deque(maxlen=KEPT)

    def observe(self, frames: Frames) -> None:
        """Take in the next frames, without a gap to those before."""
        if self._latest is None:
            self.score.start_order = np.argsort(frames.position[0], kind="stable").tolist()
        pit = frames.on_pit_road if frames.on_pit_road.any() else None
        crossed_row: dict[int, int] = {}
        """Row of a car's last crossing in these frames."""
        for _, _, what in self._happenings(frames):
            if isinstance(what, Event):
                self._note(what)
            elif isinstance(what, _FlagChange):
                self._show(what)
            else:
                car = self.score.cars[what.car]
                since = crossed_row.get(what.car, 0)
                if pit is not None:
                    _add_road_ticks(car, pit[since : what.row, what.car])
                self._cross(car, what, frames)
                car.work = NO_WORK
                crossed_row[what.car] = what.row
        if pit is not None:
            for number in np.nonzero(pit.any(axis=0))[0].tolist():
                _add_road_ticks(self.score.cars[number], pit[crossed_row.get(number, 0) :, number])
        self._latest = frames

    def take_laps(self) -> list[LapRecord]:
        """Laps completed since the last call, in order of crossing."""
        laps = list(self._laps)
        self._laps.clear()
        return laps

    def take_events(self) -> list[Event]:
        """The race's own events since the last call, with LEAD, STAGE and FASTEST_LAP, in order of ticks."""
        events = list(self._events)
        self._events.clear()
        return events

    def standings(self) -> Standings | None:
        """The field at the last tick seen; None before the first."""
        frames = self._latest
        if frames is None:
            return None
        order = np.argsort(frames.position[-1], kind="stable")
        cars = [self.score.cars[car] for car in order.tolist()]
        return Standings(
            race_time_s=(frames.first_tick + frames.ticks - 1) * TICK_S,
            leader_lap=int(frames.lap[-1, order[0]]),
            flag=int(frames.flag[-1]),
            car=order,
            lap=frames.lap[-1, order],
            gap_s=_gaps_s(frames, order, cars),
            last_lap_s=np.array([car.last_lap_s for car in cars]),
            best_lap_s=np.array([car.best_lap_s for car in cars]),
            stops=np.array([car.stops for car in cars], np.int64),
            on_pit_road=frames.on_pit_road[-1, order],
            laps_led=np.array([car.laps_led for car in cars], np.int64),
            tire_age_laps=np.array([car.tire_age_laps for car in cars], np.int64),
            fuel_gal=frames.fuel_gal[-1, order],
            out=np.array([car.out is not None for car in cars], np.bool_),
        )

    def _cross(self, car: CarScore, crossing: Crossing, frames: Frames) -> None:
        """Score a crossing of the line."""
        lap, at_s = crossing.line, round(crossing.at_s, 3)
        if lap < 0 or (car.closed_tick is not None and crossing.tick > car.closed_tick):
            return
        if lap == 0:
            car.crossed_s = at_s
            if self.score.started_s is None:
                self.score.started_s = at_s
            return
        position = 1 + sum(other.laps >= lap for other in self.score.cars)
        flag = int(frames.flag[crossing.row])
        if position == 1:
            self._lead(crossing, at_s, flag)
        since_s = car.crossed_s
        car.laps = lap
        car.crossed_s = at_s
        car.tire_age_laps += 1
        car.gap_s = round(at_s - self.score.first_s.get(lap, at_s), 3)
        if since_s is None:
            # The watch began within the lap.
            return
        car.last_lap_s = lap_s = round(at_s - since_s, 3)
        if not car.best_lap or lap_s < car.best_lap_s:
            car.best_lap_s, car.best_lap = lap_s, lap
            self._compare(crossing, position, lap_s, flag)
        self._laps.append(
            LapRecord(
                tick=crossing.tick,
                at_s=at_s,
                crossed_s=at_s,
                car=crossing.car,
                lap=lap,
                lap_time_s=lap_s,
                position=position,
                gap_s=car.gap_s,
                laps_led=car.laps_led,
                tire_age_laps=car.tire_age_laps,
                fuel_gal=float(frames.fuel_gal[crossing.row, crossing.car]),
                stops=car.stops,
                best_lap_s=car.best_lap_s,
                tires=_tires(frames, crossing.row, crossing.car),
                work=car.work,
            )
        )

    def _lead(self, crossing: Crossing, at_s: float, flag: int) -> None:
        """The car is the first to complete this lap."""
        score, car, lap = self.score, crossing.car, crossing.line
        score.first_s[lap] = at_s
        score.cars[car].laps_led += 1
        runs = score.lead_runs
        if runs and runs[-1].car == car:
            runs[-1].last_lap = lap
        else:
            if runs:
                text = _sentence(f"{self._names[car]} takes the lead from {self._names[runs[-1].car]}")
                self._events.append(Event(crossing.tick, EventKind.LEAD, car, lap, flag, text))
            runs.append(LeadRun(car, lap, lap))
        if score.cautions and flag == _YELLOW:
            score.cautions[-1].laps += 1
        if lap in self._stage_ends:
            score.stages.append(StageEnd(lap, car))
            text = _sentence(f"{self._names[car]} wins stage {len(score.stages)}")
            self._events.append(Event(crossing.tick, EventKind.STAGE, car, lap, flag, text))

    def _compare(self, crossing: Crossing, position: int, lap_s: float, flag: int) -> None:
        """A best lap of the car's own: perhaps it is the fastest of all."""
        fastest = self.score.fastest_lap
        if fastest is not None and lap_s >= fastest.lap_time_s:
            return
        self.score.fastest_lap = FastestLap(crossing.car, crossing.line, lap_s)
        if crossing.line == 1:
            # From the grid, and one after the other the fastest so far: nothing to tell.
            return
        leader_lap = crossing.line if position == 1 else self.score.leader_laps + 1
        text = _sentence(f"{self._names[crossing.car]} drives the fastest lap so far, {lap_s:.3f} s")
        self._events.append(Event(crossing.tick, EventKind.FASTEST_LAP, crossing.car, leader_lap, flag, text))

    def _note(self, event: Event) -> None:
        """Score what the race says of a car, and hand it on."""
        self._events.append(event)
        if event.kind is EventKind.CAUTION:
            # It may be told before the flag is out, or after.
            if self._yellow and self.score.cautions and not self.score.cautions[-1].reason:
                self.score.cautions[-1].reason = event.text
            else:
                self._reason = event.text
            return
        if not 0 <= event.car < len(self.score.cars):
            return
        car = self.score.cars[event.car]
        match event.kind:
            case EventKind.STOP:
                car.stops += 1
                car.work = replace(
                    car.work,
                    box_s=round(car.work.box_s + event.standing_s, 3),
                    fuel_gal=car.work.fuel_gal + event.fuel_gal,
                    tires=max(car.work.tires, event.tires),
                )
                car.stints.append(car.laps - car.stop_lap)
                car.stop_lap = car.laps
                if event.tires:
                    car.tire_age_laps = 0
            case EventKind.FINISH:
                car.closed_tick = event.tick + _TELLS_EARLY_TICKS
            case EventKind.RETIRED:
                car.closed_tick = event.tick + _TELLS_EARLY_TICKS
                car.out = event.text

    def _happenings(self, frames: Frames) -> list[tuple[int, int, _FlagChange | Crossing | Event]]:
        """What is to be scored, in order. Within a tick the flag comes first, then the line, then the rest:
        a lap ends under the flag that is out, and a car finishes after it has crossed the line."""
        found: list[tuple[int, int, _FlagChange | Crossing | Event]] = []
        found += [(crossing.tick, 1, crossing) for crossing in self._line.crossings(frames)]
        found += [(event.tick, 2, event) for event in frames.events]
        flags = frames.flag
        if self._flag is not None and flags[0] != self._flag:
            found.append((frames.first_tick, 0, self._flag_change(frames, 0, self._flag)))
        for row in np.nonzero(flags[1:] != flags[:-1])[0].tolist():
            change = self._flag_change(frames, row + 1, int(flags[row]))
            found.append((frames.first_tick + row + 1, 0, change))
        self._flag = int(flags[-1])
        if len(found) > 1:
            found.sort(key=lambda happening: happening[:2])
        return found

    def _flag_change(self, frames: Frames, row: int, before: int) -> _FlagChange:
        return _FlagChange(before, int(frames.flag[row]), int(frames.lap[row].max()))

    def _show(self, change: _FlagChange) -> None:
        self._yellow = change.flag == _YELLOW
        if self._yellow and change.before in _RUNNING:
            self.score.cautions.append(CautionPeriod(change.lap, reason=self._reason))
            self._reason = ""


def _add_road_ticks(car: CarScore, on_pit_road: Bools) -> None:
    ticks = int(np.count_nonzero(on_pit_road))
    if ticks:
        car.work = replace(car.work, road_ticks=car.work.road_ticks + ticks)


def _tires(frames: Frames, row: int, car: int) -> TireReadings:
    return TireReadings(
        tuple(frames.tire_temp_f[row, car].tolist()),
        tuple(frames.tire_pressure_psi[row, car].tolist()),
        tuple(frames.tire_wear[row, car].tolist()),
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _gaps_s(frames: Frames, order: NDArray[np.intp], cars: Sequence[CarScore]) -> Floats:
    """Behind the leader, for `cars` in that order."""
    distance_m, speed_mps = frames.distance_m[-1, order], frames.speed_mps[-1, order]
    gaps_s: Floats = (distance_m.max() - distance_m) / np.maximum(speed_mps, 10.0)
    for place, car in enumerate(cars):
        if car.gap_s is not None:
            gaps_s[place] = car.gap_s
    return gaps_s


class TimedRace:
    """A source of frames with timing and scoring beside it."""

    def __init__(self, race: FrameSource, timing: Timing) -> None:
        self._race = race
        self.timing = timing

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks of the race."""
        frames = self._race.advance(ticks)
        self.timing.observe(frames)
        return frames
