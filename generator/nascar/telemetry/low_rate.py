"""The low-rate tables: what race control and timing say, as rows, while the frames pass by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nascar.race.entries import Entry
from nascar.race.events import Event, EventKind
from nascar.race.frames import FLAGS, TIRES, Frames, FrameSource
from nascar.race.timing import LapRecord
from nascar.telemetry.chart import Map
from nascar.telemetry.columns import Table
from nascar.telemetry.moments import TICK_US
from nascar.telemetry.positions import Positions
from nascar.telemetry.rows import RowQueue, Rows, make_rows
from nascar.telemetry.sampler import TimeUnit
from nascar.telemetry.schema import LAP_TIMES, LOW_RATE_TABLES, RACE_EVENTS, TRACK_POSITION


class Scoring(Protocol):
    """What is needed of timing: what has come since the last call. Nobody else may take it."""

    def take_laps(self) -> Sequence[LapRecord]: ...

    def take_events(self) -> Sequence[Event]: ...


class LowRateTables:
    """Stands between the race and whoever reads its frames, and turns what passes into rows.

    Tick 0 of the frames happens at `start_us`; rows before it and, if `end_us` is given, from there on are
    none of this run. The race passes by up to about a second ahead of its time, so the rows wait until they
    are taken. `scoring` has to have seen the frames that `race` hands out.
    """

    def __init__(
        self,
        race: FrameSource,
        scoring: Scoring,
        entries: Sequence[Entry],
        track: Map,
        start_us: int,
        end_us: int | None = None,
        time_unit: TimeUnit = TimeUnit.US,
    ) -> None:
        self.time_unit = time_unit
        self._race = race
        self._scoring = scoring
        self._entries = tuple(entries)
        self._start_us = start_us
        self._end_us = end_us
        self._positions = Positions(entries, track, start_us, end_us)
        self._queues = {table.name: RowQueue() for table in LOW_RATE_TABLES}
        self._event_us = start_us - 1
        """Time of the last event."""
        self._is_closed = False
        self._gap_s: dict[int, float] = {}
        """Of each car when it last crossed the line."""

    @property
    def tables(self) -> tuple[Table, ...]:
        return LOW_RATE_TABLES

    @property
    def cars(self) -> int:
        return len(self._entries)

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks of the race."""
        frames = self._race.advance(ticks)
        laps, events = self._scoring.take_laps(), self._scoring.take_events()
        if self._is_closed:
            return frames
        # In most seconds nobody crosses the line and nothing is told.
        if laps:
            self._queues[LAP_TIMES.name].add(self._lap_times(laps))
        if events:
            self._queues[RACE_EVENTS.name].add(self._race_events(events))
        for event in events:
            if event.kind is EventKind.FINISH and event.car in self._gap_s:
                self._positions.finish(event.car, self._tick_us(event.tick), self._gap_s[event.car])
        self._queues[TRACK_POSITION.name].add(self._positions.read(frames))
        return frames

    def close(self) -> None:
        """Nobody takes the rows: the race is handed on, and none is made."""
        self._is_closed = True

    def take(self, until_us: int | None = None) -> list[Rows]:
        """Rows that have happened by `until_us` (None: all that are known), each row once, a `Rows` for
        each table that has any, in order of time."""
        taken = (queue.take(until_us) for queue in self._queues.values())
        return [rows for rows in taken if rows is not None]

    def _tick_us(self, tick: int) -> int:
        return self._start_us + tick * TICK_US

    def _is_in_run(self, time_us: int) -> bool:
        return time_us >= self._start_us and (self._end_us is None or time_us < self._end_us)

    def _race_events(self, events: Sequence[Event]) -> Rows:
        times_us: list[int] = []
        told: list[Event] = []
        for event in events:
            # Several things may happen in one tick: a microsecond keeps their order, and tells them apart.
            time_us = max(self._tick_us(event.tick), self._event_us + 1)
            if self._is_in_run(time_us):
                self._event_us = time_us
                times_us.append(time_us)
                told.append(event)
        cars = [self._entries[event.car] if event.car >= 0 else None for event in told]
        return make_rows(
            RACE_EVENTS,
            times_us,
            {
                "lap": [event.lap for event in told],
                "flag": [FLAGS[event.flag] for event in told],
                "kind": [event.kind.value for event in told],
                "car_number": [0 if car is None else car.car_number for car in cars],
                "driver": ["" if car is None else car.driver for car in cars],
                "text": [event.text for event in told],
            },
        )

    def _lap_times(self, laps: Sequence[LapRecord]) -> Rows:
        # Timing gives the crossing to the millisecond.
        timed = [(self._start_us + round(lap.at_s * 1000) * 1000, lap) for lap in laps]
        timed = [(time_us, lap) for time_us, lap in timed if self._is_in_run(time_us)]
        done = [lap for _, lap in timed]
        for lap in laps:
            self._gap_s[lap.car] = lap.gap_s
        cars = [self._entries[lap.car] for lap in done]
        return make_rows(
            LAP_TIMES,
            [time_us for time_us, _ in timed],
            {
                "car_number": [car.car_number for car in cars],
                "driver": [car.driver for car in cars],
                "team": [car.team for car in cars],
                "manufacturer": [car.manufacturer for car in cars],
                "lap": [lap.lap for lap in done],
                "lap_time_s": [lap.lap_time_s for lap in done],
                "position": [lap.position for lap in done],
                "gap_s": [lap.gap_s for lap in done],
                "laps_led": [lap.laps_led for lap in done],
                "tire_age_laps": [lap.tire_age_laps for lap in done],
                "fuel_gal": [lap.fuel_gal for lap in done],
                "pit": [lap.pit for lap in done],
                "stops": [lap.stops for lap in done],
                "best_lap_s": [lap.best_lap_s for lap in done],
                **{
                    f"{tire}_{name}": [values[place] for values in readings]
                    for name, readings in (
                        ("temp_f", [lap.tires.temp_f for lap in done]),
                        ("pressure_psi", [lap.tires.pressure_psi for lap in done]),
                        ("wear_pct", [[100 * wear for wear in lap.tires.wear] for lap in done]),
                    )
                    for place, tire in enumerate(TIRES)
                },
                "pit_road_s": [lap.work.road_s for lap in done],
                "box_s": [lap.work.box_s for lap in done],
                "fuel_added_gal": [lap.work.fuel_gal for lap in done],
                "tires_changed": [lap.work.tires for lap in done],
            },
        )
