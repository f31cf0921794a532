"""Law 15: the same seed gives the same race, byte for byte, however and wherever it is run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from nascar.race.chance import Purpose, bell, uniform
from nascar.race.commands import Command, Verb
from nascar.race.entries import field, load_entries
from nascar.race.frames import ARRAYS
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.track import charlotte

from .record import run_to_end

ROOT = Path(__file__).parents[2]
TICKS = 1_500
COMMANDS = (
    Command(0.2, Verb.SPIN, 2),
    Command(0.4, Verb.PIT, 7),
    Command(1.0, Verb.CAUTION),
    Command(30.0, Verb.PUNCTURE, 36),
)
"""So that more than racing under green is compared: by number, cars of the packaged entries."""


def frames_hash(cars: int, seed: int, cuts: tuple[int, ...], ticks: int = TICKS) -> str:
    """Of every channel of the first ticks, asked for in turns of `cuts` ticks."""
    race = Race(field(load_entries(), cars), charlotte(), seed, Rules(40, Cautions.MANY), commands=COMMANDS)
    channels: dict[str, list[bytes]] = {}
    left = ticks
    for asked in cycle(cuts):
        frames = race.advance(min(asked, left))
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


def hashes_elsewhere(call: str, *environments: dict[str, str]) -> list[str]:
    """What `call` gives in processes of their own, all at once."""
    program = f"from tests.race.test_determinism import frames_hash; print({call})"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, **other},
            stdout=subprocess.PIPE,
            text=True,
        )
        for other in environments
    ]
    try:
        said = [process.communicate(timeout=120)[0].strip() for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0] * len(running)
    return said


def test_law_15_the_same_frames_however_the_ticks_are_cut() -> None:
    whole = frames_hash(40, 5, (TICKS,))
    assert whole == frames_hash(40, 5, (1,))
    assert whole == frames_hash(40, 5, (8,))
    assert whole == frames_hash(40, 5, (25, 7, 111, 2))


def test_law_15_the_same_frames_in_one_process_and_in_four() -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    there = hashes_elsewhere(
        "frames_hash(40, 5, (64,))",
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "OPENBLAS_NUM_THREADS": "1"},
        # Without the vector instructions that numpy found here: other loops must give the same bits.
        {"PYTHONHASHSEED": "3", "NPY_DISABLE_CPU_FEATURES": ",".join(found)},
        {"PYTHONHASHSEED": "4", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    )
    assert there == [frames_hash(40, 5, (TICKS,))] * 4


def test_law_15_compilation_changes_no_bit() -> None:
    """The inner loops as the Python that they are, over the first seconds: a spin, a call to the pits, a caution."""
    (interpreted,) = hashes_elsewhere("frames_hash(6, 4, (25,), 125)", {"NUMBA_DISABLE_JIT": "1"})
    assert interpreted == frames_hash(6, 4, (25,), 125)


def test_law_15_a_whole_race_run_again_is_the_same() -> None:
    """With incidents, cautions and an end."""
    first, again = (
        run_to_end(12, charlotte(), 21, Rules(12, Cautions.MANY), COMMANDS, from_grid=True) for _ in range(2)
    )
    assert first.breaches == ()
    assert first.events == again.events
    for name in ("distance_m", "lane_m", "fuel_gal", "position", "tire_temp_f", "tire_wear"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes(), name


def test_another_seed_is_another_race() -> None:
    assert frames_hash(10, 5, (TICKS,)) != frames_hash(10, 6, (TICKS,))


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
