"""The window gives the ticks asked for, and forgets those behind."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nascar.race.frames import Frames
from nascar.telemetry.window import FrameWindow

MakeRace = Callable[..., Any]


def test_any_ticks_ahead_are_given_as_the_race_made_them(make_race: MakeRace) -> None:
    whole = make_race(3).advance(400)
    window = FrameWindow(make_race(3), block_ticks=8)
    for first, last in [
        (0, 0),
        (0, 7),
        (3, 8),
        (3, 30),
        (30, 31),
        (32, 32),
        (200, 203),
        (203, 210),
        (390, 399),
    ]:
        held = window.cover(first, last)
        assert held.first_tick <= first and held.first_tick + held.ticks > last
        at = slice(held.first_tick, held.first_tick + held.ticks)
        np.testing.assert_array_equal(held.rpm, whole.rpm[at])
        np.testing.assert_array_equal(held.flag, whole.flag[at])
        np.testing.assert_array_equal(held.tire_temp_f, whole.tire_temp_f[at])


def test_the_race_moves_on_only_when_it_must(make_race: MakeRace) -> None:
    source = make_race(3)
    window = FrameWindow(source, block_ticks=8)
    held = window.cover(0, 3)
    assert window.cover(0, 7) is held and window.cover(5, 6) is held
    assert source.tick == 8
    assert window.cover(5, 8) is not held
    assert source.tick == 16


def test_the_ticks_held_do_not_grow_along_the_race(make_race: MakeRace) -> None:
    source = make_race(2)
    window = FrameWindow(source, block_ticks=8)
    assert max(window.cover(first, first + 2).ticks for first in range(600)) <= 8 + 2
    assert source.longest_call == 8


def test_a_jump_runs_the_race_without_keeping_it(make_race: MakeRace) -> None:
    window = FrameWindow(make_race(8), block_ticks=8)
    window.cover(0, 1)
    tracemalloc.start()
    try:
        held = window.cover(4_000, 4_001)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held.first_tick == 4_000
    # Frames of 4,000 ticks would take 10 MB.
    assert peak_bytes < 1_000_000


def test_what_was_let_go_is_refused(make_race: MakeRace) -> None:
    window = FrameWindow(make_race(2), block_ticks=8)
    window.cover(20, 21)
    with pytest.raises(LookupError, match="tick 19 has been let go"):
        window.cover(19, 21)


def test_a_race_with_a_gap_is_refused(make_race: MakeRace) -> None:
    class Stutter:
        def __init__(self) -> None:
            self.race = make_race(2)

        def advance(self, ticks: int) -> Frames:
            self.race.advance(1)
            frames: Frames = self.race.advance(ticks)
            return frames

    with pytest.raises(ValueError, match="the race gave ticks from 1, wanted 0"):
        FrameWindow(Stutter()).cover(0, 0)
