"""The window gives the ticks asked for, and forgets those behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nascar.race.frames import Frames
from nascar.telemetry.window import FrameWindow

MakeRace = Callable[[int], Any]


def test_any_ticks_ahead_are_given_as_the_race_made_them(race: MakeRace) -> None:
    whole = race(3).advance(400)
    window = FrameWindow(race(3), block_ticks=8)
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


def test_the_race_moves_on_only_when_it_must(race: MakeRace) -> None:
    source = race(3)
    window = FrameWindow(source, block_ticks=8)
    held = window.cover(0, 3)
    assert window.cover(0, 7) is held and window.cover(5, 6) is held
    assert source.tick == 8
    assert window.cover(5, 8) is not held
    assert source.tick == 16


def test_memory_does_not_grow_along_the_race_nor_over_a_jump(race: MakeRace) -> None:
    source = race(2)
    window = FrameWindow(source, block_ticks=8)
    longest = 0
    for first in [*range(600), 5_000]:
        longest = max(longest, window.cover(first, first + 2).ticks)
    assert longest <= 2 * 8 + 2
    assert source.longest_call == 8
    assert window.cover(5_000, 5_001).first_tick == 5_000


def test_what_was_let_go_is_refused(race: MakeRace) -> None:
    window = FrameWindow(race(2), block_ticks=8)
    window.cover(20, 21)
    with pytest.raises(LookupError, match="tick 19 has been let go"):
        window.cover(19, 21)


def test_a_race_with_a_gap_is_refused(race: MakeRace) -> None:
    class Stutter:
        def __init__(self) -> None:
            self.race = race(2)

        def advance(self, ticks: int) -> Frames:
            self.race.advance(1)
            frames: Frames = self.race.advance(ticks)
            return frames

    with pytest.raises(ValueError, match="the race gave ticks from 1, wanted 0"):
        FrameWindow(Stutter()).cover(0, 0)
