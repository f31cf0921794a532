"""Laws of sensor noise: unit, band-limited, seamless, and a pure function of seed, column and row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nascar.telemetry.noise import BANDWIDTH_HZ, GRAIN, ROLL_OFF, NoiseRing

CARS = 40
HZ = 5_100.0
MOST_ROWS = 2**20 + 80


@pytest.fixture(scope="module")
def ring() -> NoiseRing:
    return NoiseRing(seed=3, cars=CARS, instants_per_s=HZ, most_rows=MOST_ROWS)


def noise_of(ring: NoiseRing, column: str, row: int, rows: int) -> NDArray[np.float32]:
    place = (ring.start(column) + row) % ring.turn
    return ring.cells[place : place + rows]


def one_turn(ring: NoiseRing) -> NDArray[np.float32]:
    return noise_of(ring, "t.c", 0, ring.instants * CARS).reshape(ring.instants, CARS)


def test_every_car_has_unit_noise_of_its_own(ring: NoiseRing) -> None:
    noise = one_turn(ring)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(noise.std(axis=0), 1, atol=1e-3)
    correlation = np.corrcoef(noise.T) - np.eye(CARS)
    assert np.abs(correlation).max() < 0.4


def test_noise_ends_where_the_band_ends(ring: NoiseRing) -> None:
    noise = one_turn(ring)
    power = np.abs(np.fft.rfft(noise, axis=0)) ** 2
    hz = np.fft.rfftfreq(ring.instants, 1 / HZ)
    beyond = power[hz > ROLL_OFF * BANDWIDTH_HZ].sum()
    assert beyond < 1e-4 * power.sum()
    assert 0.6 < power[hz < BANDWIDTH_HZ].sum() / power.sum() < 0.95


def test_the_ring_has_no_seam(ring: NoiseRing) -> None:
    noise = one_turn(ring)
    steps = np.abs(np.diff(noise, axis=0))
    assert np.abs(noise[0] - noise[-1]).max() <= steps.max()


def test_slow_sensors_have_white_noise() -> None:
    ring = NoiseRing(seed=3, cars=CARS, instants_per_s=10.0, most_rows=MOST_ROWS)
    noise = one_turn(ring)
    neighbours = (noise[1:] * noise[:-1]).mean()
    assert abs(neighbours) < 0.05


def test_a_row_has_its_noise_however_rows_are_cut(ring: NoiseRing) -> None:
    turn = ring.instants * CARS
    row = 7 * turn - 500
    whole = noise_of(ring, "t.c", row, 1_000)
    cut = [noise_of(ring, "t.c", row + at, size) for at, size in ((0, 1), (1, 600), (601, 399))]
    np.testing.assert_array_equal(whole, np.concatenate(cut))
    # More rows than the ring has cells come round to the same place.
    long = noise_of(ring, "t.c", 0, turn + 80)
    np.testing.assert_array_equal(long[turn:], long[:80])


def test_seeds_and_columns_have_noise_of_their_own(ring: NoiseRing) -> None:
    ours = noise_of(ring, "engine.rpm", 0, 4_000)
    again = NoiseRing(seed=3, cars=CARS, instants_per_s=HZ, most_rows=MOST_ROWS)
    np.testing.assert_array_equal(ours, noise_of(again, "engine.rpm", 0, 4_000))
    other_seed = NoiseRing(seed=4, cars=CARS, instants_per_s=HZ, most_rows=MOST_ROWS)
    for other in (noise_of(ring, "engine.speed", 0, 4_000), noise_of(other_seed, "engine.rpm", 0, 4_000)):
        assert (ours != other).mean() > 0.9


def test_the_last_bits_of_a_transform_do_not_show(ring: NoiseRing) -> None:
    noise = one_turn(ring).astype(np.float64)
    np.testing.assert_array_equal(noise, np.rint(noise / GRAIN) * GRAIN)
