"""A car alone: what its run is made of, and what is read out of it."""

from __future__ import annotations

import numpy as np
import pytest

from nascar.race.entries import load_entries
from nascar.race.track import charlotte
from scripts.calibration.alone import FuelRun, fuel_run, opening_laps, qualify
from scripts.calibration.figures import setup_s


@pytest.fixture(scope="module")
def run() -> FuelRun:
    return fuel_run(load_entries(), charlotte(), 2, 5)


def test_a_run_ends_before_the_lap_into_the_pits_with_little_fuel_left(run: FuelRun) -> None:
    assert run.car_number == load_entries()[2].car_number
    assert run.lap_s.size == run.burnt_gal.size + 1
    assert (run.burnt_gal > 0).all()
    left_gal = 20.0 - run.burnt_gal.sum() - run.burnt_gal.mean()
    assert 0.0 < left_gal < 5.0
    # The lap into the pits would take many seconds more.
    assert run.lap_s.max() < run.lap_s.min() + 4.0


def test_little_fuel_and_new_tires_are_faster_than_the_run(run: FuelRun) -> None:
    assert qualify(load_entries(), charlotte(), 2, 5) < run.lap_s.min()


def test_fall_off_and_noise_are_told_apart() -> None:
    laps = np.arange(60)
    wobble = np.where(laps % 2, 0.05, -0.05)
    run = FuelRun(1, 0.0, np.asarray(30.0 + 0.02 * laps + wobble, np.float64), np.full(59, 0.25))
    assert run.noise_s == pytest.approx(0.05, abs=0.002)
    assert run.fall_off_s == pytest.approx(0.02 * 55, abs=0.04)
    assert run.window_laps == pytest.approx(80.0)


def test_the_set_up_shows_early_and_late() -> None:
    laps = np.arange(60)
    early, late = (
        FuelRun(1, setup, np.asarray(30.0 + setup * (0.1 - laps / 300), np.float64), np.full(59, 0.25))
        for setup in (-1.0, 1.0)
    )
    found = setup_s([late, early])
    assert found["early"] == pytest.approx(2 * (25 / 300), abs=0.01)
    assert found["late"] == pytest.approx(-2 * (25 / 300), abs=0.01)


def test_the_opening_has_every_tick() -> None:
    frames = opening_laps(load_entries(), charlotte(), 5, 40)
    assert (frames.first_tick, frames.ticks, frames.cars) == (0, 1_000, 1)
