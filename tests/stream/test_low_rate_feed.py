"""The low-rate rows on the wire: what a decoder reads is what the rows say, types fixed from the first one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np

from nascar.race.entries import Entry
from nascar.race.events import NO_CAR, Event, EventKind
from nascar.race.frames import Frames
from nascar.race.score import NO_WORK
from nascar.race.timing import LapRecord, TireReadings
from nascar.race.track import charlotte
from nascar.stream.low_rate_feed import LowRateFeed
from nascar.stream.wire import Cell
from nascar.telemetry.columns import Kind
from nascar.telemetry.low_rate import LowRateTables
from nascar.telemetry.sampler import TimeUnit
from nascar.telemetry.schema import LOW_RATE_TABLES
from tests.telemetry.conftest import START_US, FormulaRace

TRACK = charlotte()
ENTRIES = (
    Entry(24, 'Ana "Ace" O\'Brien', "Équipe Ñandú", "Chevrolet"),
    Entry(7, "赤" * 64, "T" * 64, "Ford"),
)

TIRES = TireReadings((200.0,) * 4, (40.0,) * 4, (0.0,) * 4)


class Story:
    """One event and one lap a second, of round numbers: a decoder that guesses types would guess wrong."""

    def __init__(self) -> None:
        self.race = FormulaRace(len(ENTRIES), TRACK.length_m)

    def advance(self, ticks: int) -> Frames:
        return self.race.advance(ticks)

    def take_events(self) -> Sequence[Event]:
        tick = self.race.tick - 1
        return [
            Event(tick, EventKind.FLAG, NO_CAR, 1, 0, "Green."),
            Event(tick, EventKind.LEAD, 1, 1, 0, "Zoë „says\" it's 'over'; -- ☂ \\" + "x" * 60_000),
        ]

    def take_laps(self) -> Sequence[LapRecord]:
        tick, at_s = self.race.tick - 1, (self.race.tick - 1) * 0.04
        return [LapRecord(tick, at_s, at_s, 1, 1, 30.0, 1, 0.0, 0, 1, 20.0, 0, 30.0, TIRES, NO_WORK)]


def story(time_unit: TimeUnit = TimeUnit.US) -> LowRateTables:
    told = Story()
    return LowRateTables(told, told, ENTRIES, TRACK, START_US, time_unit=time_unit)


def decoded(data: memoryview) -> dict[str, Any]:
    content: dict[str, Any] = msgpack.unpackb(data)
    return content


def test_every_row_arrives_as_it_is() -> None:
    rows, sent = story(), story()
    rows.advance(25)
    sent.advance(25)
    expected = {part.table.name: part for part in rows.take()}
    for head, body in LowRateFeed(sent).take(START_US + 10_000_000):
        part = expected.pop(head.table)
        content = decoded(body.data)
        body.release()
        assert content["m"] == head.table
        assert list(content["columns"]) == [column.name for column in part.table.columns]
        assert content["columns"].pop("time") == part.times_us.tolist()
        assert content["columns"] == {name: list(values) for name, values in part.columns.items()}
        assert (head.rows, head.first_time_us, head.last_time_us) == (
            part.count,
            part.times_us[0],
            part.times_us[-1],
        )
        assert head.due_us == START_US + 10_000_000
    assert not expected


def test_whole_numbers_are_whole_and_floats_are_floats_from_the_first_cell_on() -> None:
    tables = {table.name: table for table in LOW_RATE_TABLES}
    rows = story()
    feed = LowRateFeed(rows)
    assert feed.tables == tuple(tables)
    for turn in range(3):
        rows.advance(25)
        for head, body in feed.take(START_US + (turn + 2) * 1_000_000):
            data = bytes(body.data)
            for column in tables[head.table].columns:
                name = column.name.encode()
                header = bytes([0xA0 | len(name)]) + name
                at = data.index(header) + len(header)
                # The header of an array, short or long.
                at += 1 if data[at] < 0xDC else 3
                if column.kind is not Kind.TEXT:
                    cell = Cell.FLOAT64 if column.kind is Kind.FLOAT else Cell.INT64
                    assert data[at] == cell, column.name


def test_what_was_taken_is_not_sent_again_and_nothing_makes_no_batch() -> None:
    rows = story()
    feed = LowRateFeed(rows)
    rows.advance(50)
    first = feed.take(START_US + 900_000)
    second = feed.take(START_US + 5_000_000)
    assert feed.take(START_US + 5_000_000) == []
    times = [
        t for turn in (first, second) for head, body in turn for t in decoded(body.data)["columns"]["time"]
    ]
    ends = [(head.table, head.last_time_us) for head, _ in first]
    assert ends == [("track_position", START_US + 900_000)]
    assert {head.table for head, _ in second} == {table.name for table in LOW_RATE_TABLES}
    indices = [head.index for head, _ in (*first, *second)]
    assert indices == list(range(len(indices)))
    positions = np.array(times)
    assert (positions >= START_US).all()


def test_milliseconds_are_sent_where_they_are_asked_for() -> None:
    rows = story(TimeUnit.MS)
    rows.advance(25)
    for head, body in LowRateFeed(rows).take(START_US + 10_000_000):
        times = decoded(body.data)["columns"]["time"]
        assert times[0] == head.first_time_us // 1000
        assert times[-1] == head.last_time_us // 1000
