"""What holds for every seed, field, track, distance and number of cautions, and for any commands."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nascar.race.commands import Command, Verb
from nascar.race.entries import field, load_entries
from nascar.race.events import EventKind
from nascar.race.frames import TICK_S, Frames
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.track import Track, charlotte, half_mile
from nascar.telemetry.schema import TABLES

from .laws import CHECKERED, GREEN, breaches, in_box
from .record import run_to_end

TRACKS: Final = {"charlotte": charlotte(), "half mile": half_mile()}
MOST_CARS: Final = {"charlotte": 128, "half mile": 40}
"""On half a mile a larger field would not fit in front of itself."""

# A race takes too long to be shrunk.
ONCE = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


@st.composite
def tracks_and_cars(draw: st.DrawFn) -> tuple[Track, int]:
    name = draw(st.sampled_from(sorted(TRACKS)))
    return TRACKS[name], draw(st.integers(1, MOST_CARS[name]))


@st.composite
def commands(draw: st.DrawFn, cars: int, seconds: float) -> list[Command]:
    """Any verbs for any cars of the field at any times, some of them impossible by then."""
    numbers = [entry.car_number for entry in field(load_entries(), cars)]
    verbs = draw(st.lists(st.sampled_from(Verb), max_size=8))
    times_s = st.floats(0.0, seconds).map(lambda at_s: round(at_s, 2))
    return [
        Command(draw(times_s), verb, None if verb is Verb.CAUTION else draw(st.sampled_from(numbers)))
        for verb in verbs
    ]


def assert_ranges(frames: Frames) -> None:
    """The published ranges of the schema hold on the racing surface under green, in control and at speed."""
    racing = ~frames.on_pit_road & (frames.flag == GREEN)[:, None] & (frames.lane_m < 6.0)
    racing &= frames.steering_angle_deg >= 0.0
    for table in TABLES:
        for column in table.sensors:
            assert column.sensor is not None
            assert column.range is not None
            least, most = column.range
            value = frames.channel(column.sensor.frame, column.sensor.tire) * column.sensor.scale
            assert ((value[racing] >= least) & (value[racing] <= most)).all(), column.name


@settings(ONCE, max_examples=8)
@given(cars=st.integers(1, 128), seed=st.integers(0, 2**64 - 1))
def test_laws_and_ranges_hold_from_the_green_flag_on_for_every_field_and_seed(cars: int, seed: int) -> None:
    race = Race(field(load_entries(), cars), TRACKS["charlotte"], seed)
    frames = race.advance(round(40 / TICK_S))
    assert breaches(frames, TRACKS["charlotte"]) == []
    assert_ranges(frames)


@settings(ONCE, max_examples=3)
@given(cars=st.integers(1, 128), seed=st.integers(0, 2**32))
def test_laws_hold_while_a_field_that_is_still_close_together_stops_for_fuel(cars: int, seed: int) -> None:
    # Fuel for the laps over which the calls are spread, and a few more.
    race = Race(
        field(load_entries(), cars),
        TRACKS["charlotte"],
        seed,
        Rules(334, Cautions.NONE),
        start_fuel_gal=3.0 + 0.035 * cars,
    )
    stopped = np.zeros(cars, np.bool_)
    for _ in range(24):
        frames = race.advance(500)
        assert breaches(frames, TRACKS["charlotte"]) == []
        assert_ranges(frames)
        stopped |= in_box(frames).any(axis=0)
    assert stopped.mean() > 0.5


@settings(ONCE, max_examples=6)
@given(data=st.data())
def test_laws_hold_in_every_race_to_its_end(data: st.DataObject) -> None:
    """Whole races, both tracks: nothing is missing, nobody is hit, everybody comes home or is out."""
    track, cars = data.draw(tracks_and_cars())
    laps = data.draw(st.integers(1, 60 if cars <= 40 else 12))
    rules = Rules(laps, data.draw(st.sampled_from(Cautions)))
    seed = data.draw(st.integers(0, 2**64 - 1))
    asked = data.draw(commands(cars, 1.2 * laps * track.length_m / 75.0))
    from_grid = data.draw(st.booleans())
    record = run_to_end(cars, track, seed, rules, asked, from_grid=from_grid)
    assert record.breaches == ()
    assert record.flag[-1] == CHECKERED
    home = {event.car for event in record.of(EventKind.FINISH)}
    out = {event.car for event in record.of(EventKind.RETIRED)}
    assert home | out == set(range(cars))
    assert len(record.of(EventKind.FINISH)) == len(home)
    told = record.of(EventKind.COMMAND)
    due = [command for command in asked if round(command.race_time_s / TICK_S) < record.ticks]
    assert len(told) == len(due)


@pytest.mark.parametrize(("cars", "laps"), [(2, 1_000)])
def test_laws_hold_over_a_thousand_laps_of_the_short_track(cars: int, laps: int) -> None:
    record = run_to_end(cars, TRACKS["half mile"], 17, Rules(laps, Cautions.SOME), look_every=4)
    assert record.breaches == ()
    assert len(record.of(EventKind.FINISH)) + len(record.of(EventKind.RETIRED)) == cars
    assert float(record.distance_m.max()) >= laps * record.track.length_m


@pytest.mark.parametrize("name", sorted(TRACKS))
def test_a_car_alone_runs_a_race_with_cautions(name: str) -> None:
    record = run_to_end(1, TRACKS[name], 5, Rules(30, Cautions.MANY), [Command(200.0, Verb.CAUTION)])
    assert record.breaches == ()
    assert len(record.of(EventKind.FINISH)) == 1
