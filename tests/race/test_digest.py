"""The digest of frames: it sees every number, and not how the ticks are cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.race.digest import BLOCK_TICKS, FramesDigest
from nascar.race.frames import ARRAYS, Frames

MakeFrames = Callable[..., Frames]


def _digest(frames: Frames, cuts: list[int]) -> str:
    digest = FramesDigest()
    first = 0
    for stop in [*sorted(set(cuts)), frames.ticks]:
        if first < stop <= frames.ticks:
            digest.update(frames.cut(first, stop - first))
            first = stop
    return digest.hexdigest()


def _frames(make_frames: MakeFrames) -> Frames:
    return make_frames(np.arange(4 * BLOCK_TICKS * 3, dtype=float).reshape(-1, 3), 100.0)


@given(cuts=st.lists(st.integers(1, 4 * BLOCK_TICKS), max_size=12))
def test_it_does_not_depend_on_how_the_ticks_are_cut(make_frames: MakeFrames, cuts: list[int]) -> None:
    frames = _frames(make_frames)
    assert _digest(frames, cuts) == _digest(frames, [])


@pytest.mark.parametrize("name", ARRAYS)
def test_it_changes_with_any_number_of_any_array(make_frames: MakeFrames, name: str) -> None:
    frames = _frames(make_frames)
    array = getattr(frames, name).copy()
    array.flat[-1] = 1 - array.flat[-1]
    assert _digest(replace(frames, **{name: array}), []) != _digest(frames, [])
