"""A hurried stream has the same rows, sooner."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascar.bench.hurry import HurriedSource
from nascar.bench.stages import START_US
from nascar.cli.pipeline import Pipeline


@pytest.mark.parametrize("times", [0.5, 1.0, 20.0])
def test_due_times_lie_closer_by_the_factor(pipeline: Callable[[], Pipeline], times: float) -> None:
    plain = pipeline().feed_at(START_US)
    hurried = HurriedSource(plain, START_US, times)
    for index in (0, 1, 2, 3, 1000, 10_000_000):
        due_us = hurried.head(index).due_us
        assert due_us - START_US == pytest.approx((plain.head(index).due_us - START_US) / times, abs=1)


def test_nothing_else_of_a_batch_changes(pipeline: Callable[[], Pipeline]) -> None:
    plain, other = pipeline().feed_at(START_US), pipeline().feed_at(START_US)
    hurried = HurriedSource(other, START_US, 7.0)
    assert (hurried.tables, hurried.batches) == (plain.tables, plain.batches)
    for index in range(12):
        head, told = plain.head(index), hurried.head(index)
        assert (told.index, told.table, told.rows) == (head.index, head.table, head.rows)
        assert (told.first_time_us, told.last_time_us) == (head.first_time_us, head.last_time_us)
        assert bytes(hurried.encode(index).data) == bytes(plain.encode(index).data)


def test_what_stands_beside_the_schedule_keeps_up(pipeline: Callable[[], Pipeline]) -> None:
    plain, other = pipeline().feed_at(START_US), pipeline().feed_at(START_US)
    hurried = HurriedSource(other, START_US, 10.0)
    for index in range(300):
        plain.encode(index).release()
        hurried.encode(index).release()
    assert plain.beside is not None
    assert hurried.beside is not None
    assert hurried.beside.tables == plain.beside.tables
    slow = plain.beside.take(START_US + 5_000_000)
    fast = hurried.beside.take(START_US + 500_000)
    assert [bytes(body.data) for _, body in fast] == [bytes(body.data) for _, body in slow]
    assert {head.due_us for head, _ in fast} == {START_US + 500_000}
