"""Rows over the end of one race and the begin of the next: a stream without end has both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascar.race.entries import field, load_entries
from nascar.race.rules import Cautions, Rules
from nascar.race.season import Season
from nascar.race.simulation import Race
from nascar.race.timing import Timing
from nascar.race.track import half_mile
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler
from nascar.telemetry.schema import ENGINE

CARS = 2
SECONDS = 420.0


def test_rows_go_on_from_race_to_race_and_no_fuel_appears_between_two_rows_on_the_track() -> None:
    entries, track = field(load_entries(), CARS), half_mile()
    rules = Rules(2, Cautions.NONE)
    season = Season(
        lambda seed, from_grid: Race(entries, track, seed, rules, from_grid=from_grid),
        3,
        lambda: Timing(CARS, track.length_m),
    )
    plan = RowPlan(60, CARS, 60, 0, SECONDS)
    sampler = Sampler(season, entries, plan, 3, lap_length_m=track.length_m)
    laps: list[NDArray[Any]] = []
    speeds: list[NDArray[Any]] = []
    assert plan.batches is not None
    for index in range(plan.batches):
        batch = plan.batch(index)
        if batch.table is ENGINE:
            numbers = {column.name: values.copy() for column, values in sampler.numbers(batch)}
            laps.append(numbers["lap"].reshape(-1, CARS))
            speeds.append(numbers["speed_mph"].reshape(-1, CARS))
    lap, speed = np.concatenate(laps), np.concatenate(speeds)
    assert season.number >= 2
    assert lap.max() >= 3
    restarts = np.flatnonzero((np.diff(lap, axis=0) < 0).any(axis=1))
    assert restarts.size >= 1
    for row in restarts:
        # One race ends in the boxes, the next begins on the grid: everybody stands.
        assert speed[row : row + 2].max() < 1.0
    assert np.isfinite(speed).all()
