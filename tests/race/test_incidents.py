"""Laws 13 and 14 where something goes wrong: the flag comes out, nobody is hit, and who is out stays out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nascar.race.events import Event, EventKind
from nascar.race.frames import TICK_S, TIRES

from .laws import YELLOW
from .record import EVERY_TICKS, TIRES_EVERY_TICKS, Record


def lost_control(record: Record) -> list[Event]:
    return [e for e in record.of(EventKind.INCIDENT) if "spins" in e.text or "crashes" in e.text]


def test_events_come_in_their_order_with_the_leaders_lap(record: Record) -> None:
    for event, after in pairwise(record.events):
        assert event.tick <= after.tick
    for event in record.events:
        assert 0 <= event.tick < record.ticks
        assert event.text[0].isupper()
        assert event.text.endswith(".")
        assert -1 <= event.car < record.cars
        crossed = int(record.distance_m[record.row(event.tick)].max() // record.track.length_m) + 1
        if event.kind is not EventKind.FINISH and record.flag[record.row(event.tick)] != 4:
            assert abs(event.lap - max(crossed, 1)) <= 1, event


def test_law_13_who_loses_control_brings_out_the_yellow(whole: Record, busy: Record) -> None:
    for race in (whole, busy):
        assert lost_control(race)
        for event in lost_control(race):
            assert race.flag[race.row(event.tick + 2)] == YELLOW, event


def test_law_14_who_loses_control_comes_to_rest_on_the_infield(record: Record) -> None:
    for event in lost_control(record):
        rows = slice(record.row(event.tick), record.row(event.tick) + round(20.0 / TICK_S) // EVERY_TICKS)
        standing = record.speed_mps[rows, event.car] <= 0.0
        assert standing.any(), event
        assert record.lane_m[rows.start + int(standing.argmax()), event.car] > 12.0
        # Where he slides down he crosses no pit road.
        place_m = record.place_m()[rows, event.car]
        assert (place_m > record.track.spin_from_m - 5.0).all()


def test_law_13_who_is_out_stays_where_he_stands(record: Record) -> None:
    out = record.of(EventKind.RETIRED)
    assert len({event.car for event in out}) == len(out)
    for event in out:
        row = record.row(event.tick + EVERY_TICKS)
        assert np.ptp(record.distance_m[row:, event.car]) == 0.0
        assert record.lane_m[row:, event.car].min() > 12.0
        assert not any(e.tick > event.tick for e in record.events if e.car == event.car)


def test_law_10_a_flat_tire_loses_its_air_until_the_stop(busy: Record) -> None:
    """The presenter's puncture: car 7 at 75 s."""
    (event,) = [e for e in busy.of(EventKind.INCIDENT, 1) if "flat" in e.text][:1]
    stop = next(e for e in busy.of(EventKind.STOP, 1) if e.tick > event.tick)
    names = dict(zip(("left front", "right front", "left rear", "right rear"), (0, 1, 2, 3), strict=True))
    assert set(names.values()) == set(range(len(TIRES)))
    flat = next(tire for name, tire in names.items() if name in event.text)
    psi = busy.tire_pressure_psi[:, 1, flat]
    before, after, mended = (
        tick // TIRES_EVERY_TICKS for tick in (event.tick, event.tick + 250, stop.tick + 50)
    )
    assert psi[before] > psi[after] + 5.0
    assert psi[after] == pytest.approx(16.0, abs=0.01)
    assert psi[mended] > 18.0
    assert stop.tires == 4


def test_law_12_a_stop_that_also_repairs_takes_longer(whole: Record, busy: Record) -> None:
    repaired: list[float] = []
    sound: list[float] = []
    for race in (whole, busy):
        for stop in race.of(EventKind.STOP):
            if stop.tires != 4:
                continue
            before = [e for e in lost_control(race) if e.car == stop.car and e.tick < stop.tick]
            since = [e for e in race.of(EventKind.STOP, stop.car) if e.tick < stop.tick]
            hurt = bool(before) and (not since or since[-1].tick < before[-1].tick)
            (repaired if hurt else sound).append(stop.standing_s)
    assert len(repaired) >= 2
    assert min(repaired) > 10.0
    assert np.median(repaired) > 1.3 * np.median(sound)


def test_cars_that_crash_may_be_out_and_others_are_repaired(whole: Record) -> None:
    out = {event.car for event in whole.of(EventKind.RETIRED)}
    finished = {event.car for event in whole.of(EventKind.FINISH)}
    assert len(out) <= 12
    assert len(finished) >= 28
    assert any(event.car in finished for event in lost_control(whole))
