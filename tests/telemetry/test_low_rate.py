"""What race control and timing say becomes rows, each once, at its time, word for word."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nascar.race.entries import Entry, load_entries
from nascar.race.events import NO_CAR, Event, EventKind
from nascar.race.frames import FLAGS, TICK_S, Frames
from nascar.race.rules import Cautions, Rules
from nascar.race.score import NO_WORK, PitWork
from nascar.race.simulation import Race
from nascar.race.timing import LapRecord, TimedRace, Timing, TireReadings
from nascar.race.track import charlotte
from nascar.telemetry.columns import Kind, Table
from nascar.telemetry.low_rate import LowRateTables
from nascar.telemetry.rows import Rows, join_rows
from nascar.telemetry.sampler import TimeUnit
from nascar.telemetry.schema import LOW_RATE_TABLES
from tests.telemetry.conftest import START_US, FormulaRace, entries_of
from tests.telemetry.test_positions import Circle

CARS = 4
YELLOW = FLAGS.index("yellow")

ENTRIES = (
    Entry(24, 'Ana "Ace" O\'Brien', "Équipe Ñandú", "Chevrolet"),
    Entry(7, "Zoë Åström-Dvořák 赤", "Team; DROP TABLE", "Ford"),
    Entry(999, "N" * 64, "T" * 64, "Toyota"),
    Entry(1, "Plain", "Plain", "Toyota"),
)


class Told:
    """A scoring that says what it was told to say, when its tick has passed."""

    def __init__(self, race: FormulaRace, events: Iterable[Event] = (), laps: Iterable[LapRecord] = ()):
        self._race = race
        self._events, self._laps = list(events), list(laps)

    def take_events(self) -> list[Event]:
        told = [event for event in self._events if event.tick < self._race.tick]
        self._events = self._events[len(told) :]
        return told

    def take_laps(self) -> list[LapRecord]:
        told = [lap for lap in self._laps if lap.tick < self._race.tick]
        self._laps = self._laps[len(told) :]
        return told


def event(tick: int, kind: EventKind = EventKind.INCIDENT, car: int = NO_CAR, text: str = "") -> Event:
    return Event(tick, kind, car, 12, YELLOW, text or f"{kind} at {tick}")


def lap(at_s: float, car: int = 0, **what: Any) -> LapRecord:
    given: dict[str, Any] = {
        "lap": 3,
        "lap_time_s": 29.5321,
        "position": 2,
        "gap_s": 0.1234,
        "laps_led": 1,
        "tire_age_laps": 3,
        "fuel_gal": 18.98765,
        "stops": 0,
        "best_lap_s": 29.4999,
        "tires": TireReadings(
            (200.04, 221.0, 190.5, 201.96), (30.0, 50.26, 28.1, 47.0), (0.0, 0.5, 1.0, 0.123456)
        ),
        "work": NO_WORK,
    }
    tick = -int(-at_s // TICK_S)
    return LapRecord(tick=tick, at_s=at_s, crossed_s=at_s + 5_000, car=car, **{**given, **what})


def tables_of(
    events: Iterable[Event] = (), laps: Iterable[LapRecord] = (), end_us: int | None = None
) -> LowRateTables:
    race = FormulaRace(CARS)
    return LowRateTables(race, Told(race, events, laps), ENTRIES, Circle(), START_US, end_us)


def taken(tables: LowRateTables, table: str, until_us: int | None = None) -> dict[str, list[Any]]:
    """The rows of one table, column by column; what is due of the others is dropped."""
    for rows in tables.take(until_us):
        if rows.table.name == table:
            return {
                "time": rows.times_us.tolist(),
                **{name: list(values) for name, values in rows.columns.items()},
            }
    return {}


def check_types(rows: Rows) -> None:
    assert list(rows.columns) == [c.name for c in rows.table.columns if c.kind is not Kind.TIME]
    for column in rows.table.columns:
        if column.kind is Kind.TIME:
            continue
        values = rows.columns[column.name]
        assert len(values) == rows.count
        if isinstance(values, tuple):
            assert column.kind is Kind.TEXT
        else:
            assert values.dtype == (np.float64 if column.kind is Kind.FLOAT else np.int64)
            assert column.range is not None
            assert column.range[0] <= values.min() and values.max() <= column.range[1], column.name


def test_an_event_is_a_row_with_its_words_unchanged() -> None:
    texts = ["Zoë „says\" it's 'over'; -- ☂ \\ %s {x}", "x" * 5_000, " "]
    events = [
        event(10, EventKind.RETIRED, 1, texts[0]),
        event(20, EventKind.FLAG, NO_CAR, texts[1]),
        event(30, EventKind.STOP, 2, texts[2]),
    ]
    tables = tables_of(events)
    tables.advance(50)
    assert taken(tables, "race_events") == {
        "time": [START_US + 400_000, START_US + 800_000, START_US + 1_200_000],
        "lap": [12] * 3,
        "flag": ["yellow"] * 3,
        "kind": ["retired", "flag", "stop"],
        "car_number": [7, 0, 999],
        "driver": [ENTRIES[1].driver, "", ENTRIES[2].driver],
        "text": texts,
    }


def test_events_of_one_tick_keep_their_order_and_have_times_of_their_own() -> None:
    tables = tables_of([event(10, car=0, text=str(number)) for number in range(5)] + [event(11, car=0)])
    tables.advance(25)
    rows = taken(tables, "race_events")
    assert rows["text"][:5] == ["0", "1", "2", "3", "4"]
    assert rows["time"] == [*(START_US + 400_000 + number for number in range(5)), START_US + 440_000]


def test_an_event_told_after_a_later_one_does_not_go_back_in_time() -> None:
    tables = tables_of([event(10), event(9)])
    tables.advance(25)
    assert taken(tables, "race_events")["time"] == [START_US + 400_000, START_US + 400_001]


STOP: dict[str, Any] = {
    "position": 4,
    "gap_s": 12,
    "stops": 2,
    "work": PitWork(road_ticks=1_001, box_s=9.24, fuel_gal=17.12345, tires=4),
}


def test_a_lap_is_a_row_at_the_millisecond_of_its_crossing() -> None:
    tables = tables_of(laps=[lap(1.001, 1), lap(1.5, 3, **STOP)])
    tables.advance(50)
    assert taken(tables, "lap_times") == {
        "time": [START_US + 1_001_000, START_US + 1_500_000],
        "car_number": [7, 1],
        "driver": [ENTRIES[1].driver, ENTRIES[3].driver],
        "team": [ENTRIES[1].team, ENTRIES[3].team],
        "manufacturer": ["Ford", "Toyota"],
        "lap": [3, 3],
        "lap_time_s": [29.532, 29.532],
        "position": [2, 4],
        "gap_s": [0.123, 12.0],
        "laps_led": [1, 1],
        "tire_age_laps": [3, 3],
        "fuel_gal": [18.988, 18.988],
        "pit": [0, 1],
        "stops": [0, 2],
        "best_lap_s": [29.5, 29.5],
        "lf_temp_f": [200.0] * 2,
        "rf_temp_f": [221.0] * 2,
        "lr_temp_f": [190.5] * 2,
        "rr_temp_f": [202.0] * 2,
        "lf_pressure_psi": [30.0] * 2,
        "rf_pressure_psi": [50.3] * 2,
        "lr_pressure_psi": [28.1] * 2,
        "rr_pressure_psi": [47.0] * 2,
        "lf_wear_pct": [0.0] * 2,
        "rf_wear_pct": [50.0] * 2,
        "lr_wear_pct": [100.0] * 2,
        "rr_wear_pct": [12.35] * 2,
        "pit_road_s": [0.0, 40.04],
        "box_s": [0.0, 9.24],
        "fuel_added_gal": [0.0, 17.123],
        "tires_changed": [0, 4],
    }


def test_rows_leave_when_they_have_happened_and_not_before() -> None:
    tables = tables_of([event(10), event(30)], [lap(0.9), lap(1.5)])
    # The race is two seconds ahead of the clock.
    tables.advance(50)
    assert tables.take(START_US - 1) == []
    assert {rows.table.name: rows.count for rows in tables.take(START_US)} == {"track_position": CARS}
    at_1_s = {rows.table.name: rows.count for rows in tables.take(START_US + 1_000_000)}
    assert at_1_s == {"race_events": 1, "lap_times": 1, "track_position": 10 * CARS}
    rest = {rows.table.name: rows.count for rows in tables.take()}
    assert rest == {"race_events": 1, "lap_times": 1, "track_position": 9 * CARS}
    assert tables.take() == []


def test_nothing_from_the_end_of_the_run_on_is_a_row() -> None:
    end_us = START_US + 1_000_000
    tables = tables_of([event(24), event(25), event(26)], [lap(0.999), lap(1.0), lap(1.2)], end_us)
    tables.advance(50)
    assert {rows.table.name: rows.count for rows in tables.take()} == {
        "race_events": 1,
        "lap_times": 1,
        "track_position": 10 * CARS,
    }


def test_the_finish_keeps_the_gap_of_the_line() -> None:
    tables = tables_of([event(75, EventKind.FINISH, 2)], [lap(2.99, 2, gap_s=4.321)])
    for _ in range(6):
        tables.advance(25)
    rows = taken(tables, "track_position")
    gaps = [gap for gap, car in zip(rows["gap_s"], rows["car_number"], strict=True) if car == 999]
    assert gaps[30:] == [4.321] * (len(gaps) - 30)
    assert 4.321 not in gaps[:30]


def test_what_passes_is_the_race_itself() -> None:
    race, tables = FormulaRace(CARS), tables_of()
    for ticks in (25, 1, 40):
        expected, got = race.advance(ticks), tables.advance(ticks)
        assert (got.first_tick, got.ticks) == (expected.first_tick, expected.ticks)
        np.testing.assert_array_equal(got.distance_m, expected.distance_m)


@pytest.fixture(scope="module")
def raced() -> tuple[dict[str, Rows], list[Frames]]:
    """Six laps of the real race with all that goes wrong, its frames and the rows."""
    entries, track = load_entries(), charlotte()
    rules = Rules(6, Cautions.MANY)
    timing = Timing(40, track.length_m, rules=rules)
    race = TimedRace(Race(entries, track, 3, rules), timing)
    tables = LowRateTables(race, timing, entries, track, START_US)
    parts: dict[str, list[Rows]] = {table.name: [] for table in LOW_RATE_TABLES}
    frames = []
    for second in range(260):
        frames.append(tables.advance(25))
        for rows in tables.take(START_US + second * 1_000_000):
            parts[rows.table.name].append(rows)
    for rows in tables.take():
        parts[rows.table.name].append(rows)
    return {name: join_rows(rows) for name, rows in parts.items()}, frames


@pytest.mark.parametrize("table", LOW_RATE_TABLES, ids=lambda table: table.name)
def test_rows_of_a_real_race_are_in_range_in_order_and_each_its_own(
    raced: tuple[dict[str, Rows], list[Frames]], table: Table
) -> None:
    rows = raced[0][table.name]
    assert rows.count > 0
    check_types(rows)
    assert (np.diff(rows.times_us) >= 0).all()
    cars = np.asarray(rows.columns["car_number"])
    assert len(set(zip(rows.times_us.tolist(), cars.tolist(), strict=True))) == rows.count


def test_lap_times_of_a_car_add_up_to_the_time_between_its_rows(
    raced: tuple[dict[str, Rows], list[Frames]],
) -> None:
    rows = raced[0]["lap_times"]
    cars, laps = np.asarray(rows.columns["car_number"]), np.asarray(rows.columns["lap"])
    lap_times_s = np.asarray(rows.columns["lap_time_s"])
    for car in set(cars.tolist()):
        mine = cars == car
        assert laps[mine].tolist() == list(range(laps[mine][0], laps[mine][0] + mine.sum()))
        np.testing.assert_allclose(np.diff(rows.times_us[mine]) / 1e6, lap_times_s[mine][1:], atol=0.0015)


def test_the_map_the_lap_and_the_gap_agree_with_the_line(
    raced: tuple[dict[str, Rows], list[Frames]],
) -> None:
    places, laps = raced[0]["track_position"], raced[0]["lap_times"]
    times_us = places.times_us.reshape(-1, 40)[:, 0]
    columns = {name: np.asarray(values).reshape(-1, 40) for name, values in places.columns.items()}
    car_of = {int(number): car for car, number in enumerate(columns["car_number"][0])}
    compared = 0
    for time_us, number, done, gap_s in zip(
        laps.times_us.tolist(),
        *(np.asarray(laps.columns[name]).tolist() for name in ("car_number", "lap", "gap_s")),
        strict=True,
    ):
        car = car_of[number]
        # A crossing is told to the millisecond: what lies nearer may be on either side of it.
        before = int(np.searchsorted(times_us, time_us - 1_000)) - 1
        after = int(np.searchsorted(times_us, time_us + 1_000))
        if before < 0 or after >= len(times_us) or columns["flag"][after, car] != "green":
            continue
        # Before the crossing the car is on that lap, after it on the next.
        assert columns["lap"][before, car] == done
        assert columns["lap"][after, car] == done + 1
        # And near the line, which is the origin of the map: 9 m a tenth of a second, and the lanes.
        if not columns["in_pit"][after, car]:
            assert np.hypot(columns["x_m"][after, car], columns["y_m"][after, car]) < 30
            assert columns["gap_s"][after, car] == pytest.approx(gap_s, abs=0.1)
            compared += 1
    assert compared > 40


def test_the_place_on_the_lap_belongs_to_the_lap(raced: tuple[dict[str, Rows], list[Frames]]) -> None:
    track = charlotte()
    places = raced[0]["track_position"]
    lap, turn, along_m = (
        np.asarray(places.columns[name]).reshape(-1, 40) for name in ("lap", "turn", "lap_distance_m")
    )
    assert along_m.max() <= track.length_m
    teams = places.columns["team"]
    assert teams == tuple(entry.team for entry in load_entries()) * len(lap)
    raced_m = (lap - 1) * track.length_m + along_m
    for car in range(40):
        # Who starts behind the line is on lap 1 all the same, at the end of a lap.
        since = int(np.argmax(along_m[:, car] < track.length_m / 2))
        # Forward, no further than a car drives in a tenth of a second: it begins again where the lap counts up.
        steps_m = np.diff(raced_m[since:, car])
        assert steps_m.min() >= -0.011
        assert steps_m.max() < 12
        turns = turn[:, car]
        passed = turns[np.flatnonzero(np.diff(turns)) + 1]
        around = [number for number in passed.tolist() if number]
        assert len(around) > 16
        assert all(after == before % 4 + 1 for before, after in pairwise(around))


def test_every_event_of_the_race_is_told_in_order(raced: tuple[dict[str, Rows], list[Frames]]) -> None:
    rows, frames = raced
    told = list(zip(rows["race_events"].columns["kind"], rows["race_events"].columns["text"], strict=True))
    own = [(event.kind.value, event.text) for part in frames for event in part.events]
    assert own
    of_race = set(own)
    assert [one for one in told if one in of_race] == own


def test_times_in_milliseconds_are_a_matter_of_the_wire() -> None:
    race = FormulaRace(CARS)
    tables = LowRateTables(race, Told(race), entries_of(CARS), Circle(), START_US, time_unit=TimeUnit.MS)
    tables.advance(3)
    assert tables.time_unit is TimeUnit.MS
    assert tables.take()[0].times_us[0] == START_US
