"""What holds for every seed and every size of field."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nascar.race.entries import field, load_entries
from nascar.race.frames import ARRAYS, TICK_S, Frames
from nascar.race.simulation import Race
from nascar.race.track import charlotte
from nascar.telemetry.schema import TABLES

from .conftest import overlaps

TRACK = charlotte()

# A race takes too long to be shrunk.
ONCE = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


def _assert_laws(frames: Frames) -> None:
    for name in ARRAYS:
        assert np.isfinite(np.asarray(getattr(frames, name), np.float64)).all(), name
    for table in TABLES:
        for column in table.sensors:
            assert column.sensor is not None
            assert column.range is not None
            least, most = column.range
            value = frames.channel(column.sensor.frame, column.sensor.tire) * column.sensor.scale
            racing = value[~frames.on_pit_road]
            assert ((racing >= least) & (racing <= most)).all(), column.name
    assert overlaps(frames.distance_m[::2], frames.lane_m[::2], TRACK.length_m) == []
    mean_mps = (frames.speed_mps[1:] + frames.speed_mps[:-1]) / 2
    np.testing.assert_allclose(np.diff(frames.distance_m, axis=0), mean_mps * TICK_S, atol=1e-8)


@settings(ONCE, max_examples=12)
@given(cars=st.integers(1, 128), seed=st.integers(0, 2**64 - 1))
def test_laws_hold_from_the_green_flag_on_for_every_field_and_seed(cars: int, seed: int) -> None:
    race = Race(field(load_entries(), cars), TRACK, seed)
    _assert_laws(race.advance(round(40 / TICK_S)))


@settings(ONCE, max_examples=6)
@given(cars=st.integers(1, 128), seed=st.integers(0, 2**32))
def test_laws_hold_while_a_field_that_is_still_close_together_stops_for_fuel(cars: int, seed: int) -> None:
    # Fuel for the laps over which the calls are spread, and a few more.
    race = Race(field(load_entries(), cars), TRACK, seed, start_fuel_gal=3.0 + 0.035 * cars)
    stopped = np.zeros(cars, np.bool_)
    for _ in range(24):
        frames = race.advance(500)
        _assert_laws(frames)
        assert frames.fuel_gal.min() > 0.0
        stopped |= (frames.speed_mps <= 0.0).any(axis=0)
    assert stopped.mean() > 0.5
