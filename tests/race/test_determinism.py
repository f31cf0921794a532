"""Law 15: the same seed gives the same race, byte for byte, however and wherever it is run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import cycle

import numpy as np
import pytest

from nascar.race.chance import Purpose, bell, uniform
from nascar.race.entries import field, load_entries
from nascar.race.frames import ARRAYS
from nascar.race.simulation import Race
from nascar.race.track import charlotte

TICKS = 1_500


def _hash(cars: int, seed: int, cuts: tuple[int, ...]) -> str:
    """Of every channel of the first `TICKS` ticks, asked for in turns of `cuts` ticks."""
    race = Race(field(load_entries(), cars), charlotte(), seed)
    channels: dict[str, list[bytes]] = {}
    left = TICKS
    for ticks in cycle(cuts):
        frames = race.advance(min(ticks, left))
        left -= frames.ticks
        for name in ARRAYS:
            channels.setdefault(name, []).append(np.ascontiguousarray(getattr(frames, name)).tobytes())
        if not left:
            break
    digest = hashlib.sha256()
    for name, parts in channels.items():
        digest.update(name.encode())
        digest.update(b"".join(parts))
    return digest.hexdigest()


def test_law_15_the_same_frames_however_the_ticks_are_cut() -> None:
    whole = _hash(40, 5, (TICKS,))
    assert whole == _hash(40, 5, (1,))
    assert whole == _hash(40, 5, (8,))
    assert whole == _hash(40, 5, (25, 7, 111, 2))


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "1"},
        # Without the vector instructions that numpy found here: other loops must give the same bits.
        {"PYTHONHASHSEED": "2", "NPY_DISABLE_CPU_FEATURES": "found"},
    ],
)
def test_law_15_the_same_frames_in_another_process(environment: dict[str, str]) -> None:
    if environment.get("NPY_DISABLE_CPU_FEATURES"):
        found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        environment = {**environment, "NPY_DISABLE_CPU_FEATURES": ",".join(found)}
    program = f"import runpy, sys; print(runpy.run_path({__file__!r})['_hash'](40, 5, (64,)))"
    there = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert there.stdout.strip() == _hash(40, 5, (TICKS,))


def test_another_seed_is_another_race() -> None:
    assert _hash(10, 5, (TICKS,)) != _hash(10, 6, (TICKS,))


def test_frames_are_read_only_and_stay_valid_after_the_race_moves_on() -> None:
    race = Race(field(load_entries(), 8), charlotte(), 1)
    frames = race.advance(30)
    before = {name: np.copy(getattr(frames, name)) for name in ARRAYS}
    race.advance(300)
    for name, array in before.items():
        kept = getattr(frames, name)
        np.testing.assert_array_equal(kept, array)
        assert not kept.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            kept[...] = 0


def test_ticks_follow_one_another_without_a_gap() -> None:
    race = Race(field(load_entries(), 3), charlotte(), 1)
    expected = 0
    for ticks in (1, 24, 25, 26, 3, 100):
        frames = race.advance(ticks)
        assert (frames.first_tick, frames.ticks, frames.cars) == (expected, ticks, 3)
        expected += ticks


@pytest.mark.parametrize("ticks", [0, -1])
def test_a_race_only_goes_forward(ticks: int) -> None:
    with pytest.raises(ValueError, match="at least one tick"):
        Race(load_entries(), charlotte(), 1).advance(ticks)


def test_a_race_needs_a_car_and_a_seed_from_0_on() -> None:
    with pytest.raises(ValueError, match="at least one car"):
        Race((), charlotte(), 1)
    with pytest.raises(ValueError, match="0 or more"):
        Race(load_entries(), charlotte(), -1)


def test_streams_of_chance_do_not_depend_on_each_other() -> None:
    first = uniform(9, Purpose.CORNERS, 3, 100)
    np.testing.assert_array_equal(first[:10], uniform(9, Purpose.CORNERS, 3, 10))
    for other in (
        uniform(9, Purpose.GRID, 3, 100),
        uniform(9, Purpose.CORNERS, 4, 100),
        uniform(8, Purpose.CORNERS, 3, 100),
    ):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.4
        assert (first != other).all()


def test_bells_are_nearly_normal() -> None:
    drawn = bell(uniform(1, Purpose.DRIVERS, 0, 12 * 4_000).reshape(-1, 12))
    assert drawn.mean() == pytest.approx(0.0, abs=0.05)
    assert drawn.std() == pytest.approx(1.0, abs=0.05)
