"""What holds for every seed and every size of field."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nascar.race.entries import field, load_entries
from nascar.race.frames import TICK_S, Frames
from nascar.race.simulation import Race
from nascar.race.track import charlotte
from nascar.telemetry.schema import TABLES

from .conftest import overlaps

TRACK = charlotte()


def _assert_laws(frames: Frames) -> None:
    for name in Frames.__dataclass_fields__:
        if name != "first_tick":
            assert np.isfinite(np.asarray(getattr(frames, name), np.float64)).all(), name
    for table in TABLES:
        for column in table.sensors:
            assert column.sensor is not None
            assert column.range is not None
            least, most = column.range
            value = frames.channel(column.sensor.frame, column.sensor.tire) * column.sensor.scale
            racing = value[~frames.on_pit_road]
            assert racing.min() >= least, column.name
            assert racing.max() <= most, column.name
    assert overlaps(frames.distance_m, frames.lane_m, TRACK.length_m) == []
    mean_mps = (frames.speed_mps[1:] + frames.speed_mps[:-1]) / 2
    np.testing.assert_allclose(np.diff(frames.distance_m, axis=0), mean_mps * TICK_S, atol=1e-8)


@settings(derandomize=True, max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(cars=st.integers(1, 128), seed=st.integers(0, 2**64 - 1))
def test_laws_hold_from_the_green_flag_on_for_every_field_and_seed(cars: int, seed: int) -> None:
    race = Race(field(load_entries(), cars), TRACK, seed)
    _assert_laws(race.advance(round(40 / TICK_S)))


@settings(derandomize=True, max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(cars=st.integers(30, 48), seed=st.integers(0, 2**32))
def test_ranges_and_room_hold_while_the_field_stops_for_fuel(cars: int, seed: int) -> None:
    race = Race(field(load_entries(), cars), TRACK, seed)
    race.advance(round(1_900 / TICK_S))
    for _ in range(25):
        _assert_laws(race.advance(250))
