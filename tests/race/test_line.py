"""The start line: every crossing is found once, at its time, whatever the blocks are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.race.frames import TICK_S, Floats, Frames
from nascar.race.line import Crossing, StartLine

LAP_M = 100.0
MakeFrames = Callable[..., Frames]


def _crossings(make_frames: MakeFrames, distance_m: Floats, cuts: list[int]) -> list[Crossing]:
    line = StartLine(distance_m.shape[1], LAP_M)
    found: list[Crossing] = []
    frames = make_frames(distance_m, LAP_M)
    first = 0
    for stop in [*sorted(set(cuts)), len(distance_m)]:
        if first < stop <= len(distance_m):
            found += line.crossings(frames.cut(first, stop - first))
            first = stop
    return found


@given(
    steps_m=st.lists(st.floats(0, 9), min_size=3, max_size=120),
    start_m=st.floats(-250, 0),
    cuts=st.lists(st.integers(1, 120), max_size=6),
)
def test_a_car_crosses_each_line_it_passes_once_between_the_ticks_beside_it(
    make_frames: MakeFrames, steps_m: list[float], start_m: float, cuts: list[int]
) -> None:
    way_m = np.asarray(start_m + np.cumsum([0.0, *steps_m]), np.float64)
    found = _crossings(make_frames, way_m[:, None], cuts)
    assert found == [
        # The place of a tick within its frames is the only thing that the blocks may change.
        Crossing(one.tick, two.row, one.car, one.line, one.at_s)
        for one, two in zip(_crossings(make_frames, way_m[:, None], []), found, strict=True)
    ]
    first = int(np.ceil(start_m / LAP_M))
    assert [crossing.line for crossing in found] == list(range(first, int(way_m[-1] // LAP_M) + 1))
    for crossing in found:
        assert way_m[crossing.tick] >= crossing.line * LAP_M
        if crossing.tick:
            assert way_m[crossing.tick - 1] < crossing.line * LAP_M
            assert (crossing.tick - 1) * TICK_S <= crossing.at_s <= crossing.tick * TICK_S + 1e-9
        else:
            assert crossing.at_s == 0.0


def test_the_time_is_that_of_an_even_motion_between_the_ticks(make_frames: MakeFrames) -> None:
    # 50 m/s from 20.5 m before the line.
    way_m = np.asarray(-20.5 + 50.0 * TICK_S * np.arange(80), np.float64)
    found = _crossings(make_frames, way_m[:, None], [11, 30])
    assert [crossing.at_s for crossing in found] == pytest.approx([0.41, 2.41])


def test_cars_come_in_order_of_time(make_frames: MakeFrames) -> None:
    ticks = np.arange(100)[:, None]
    distance_m = np.array([[-30.0, -10.0, -20.0, -195.0]]) + ticks * 1.0
    found = _crossings(make_frames, distance_m, [])
    assert [(crossing.car, crossing.line) for crossing in found] == [(1, 0), (2, 0), (0, 0), (3, -1)]
