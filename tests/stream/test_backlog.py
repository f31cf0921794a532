from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.errors import NascarError, ServerError, TokenRefused
from nascar.stream.backlog import BacklogGuard
from nascar.stream.client import QueryError, Stored

LIMIT = 1_000


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us


class Counters:
    """Readings in turn; an error is raised."""

    def __init__(self, *readings: Stored | NascarError) -> None:
        self._readings: Iterator[Stored | NascarError] = iter(readings)

    async def stats(self) -> Stored:
        reading = next(self._readings)
        if isinstance(reading, NascarError):
            raise reading
        return reading


class Watch:
    """A guard, with what it told and when it changed."""

    def __init__(self, *readings: Stored | NascarError) -> None:
        self.told: list[str] = []
        self.changes: list[bool] = []
        self.clock = Hands()
        self.guard = BacklogGuard(
            Counters(*readings), LIMIT, clock=self.clock, tell=self.told.append, poll_s=0.01
        )
        self.guard.changed = self.changes.append


@given(st.lists(st.integers(0, 5 * LIMIT), min_size=1, max_size=40))
def test_it_holds_above_the_limit_and_lets_go_at_half_of_it(backlogs: list[int]) -> None:
    watch = Watch()
    watch.guard.judge(0)
    for backlog in backlogs:
        before = watch.guard.holding
        watch.guard.judge(backlog)
        assert watch.guard.rows == backlog
        if backlog > LIMIT:
            assert watch.guard.holding
        elif backlog <= LIMIT / 2:
            assert not watch.guard.holding
        else:
            assert watch.guard.holding == before
    assert watch.guard.most_rows == max(0, *backlogs)
    # It speaks only when it changes its mind, and it changes to and fro.
    assert len(watch.told) == len(watch.changes)
    assert watch.changes == [n % 2 == 0 for n in range(len(watch.changes))]


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_only_growth_since_the_run_began_counts(before: int, growth: int) -> None:
    watch = Watch()
    watch.guard.judge(before)
    assert not watch.guard.holding
    watch.guard.judge(before + growth)
    assert watch.guard.rows == growth
    assert watch.guard.holding == (growth > LIMIT)


def test_an_old_backlog_that_drains_gives_no_credit_to_ours() -> None:
    watch = Watch()
    for backlog in (50_000, 20_000, 0, LIMIT + 1):
        watch.guard.judge(backlog)
    assert watch.guard.holding


async def test_a_server_without_counters_turns_it_off_for_good() -> None:
    for error in (QueryError("404"), TokenRefused("403")):
        watch = Watch(Stored(0, 0), Stored(2 * LIMIT, 0), error)
        await asyncio.wait_for(watch.guard.watch(), 5)
        assert not watch.guard.active
        assert not watch.guard.holding
        assert watch.guard.rows is None
        assert watch.changes == [True, False]


async def test_a_server_that_is_silent_for_a_moment_is_still_held_and_then_let_go() -> None:
    silence = ServerError("no answer")
    watch = Watch(Stored(0, 0), Stored(2 * LIMIT, 0), silence, silence, silence)
    for holding in (False, True, True, True, False):
        await watch.guard.look()
        assert watch.guard.holding == holding
    assert watch.guard.active


async def test_the_rate_at_which_the_server_stores_is_measured() -> None:
    watch = Watch(Stored(100, 100), Stored(500, 100), Stored(900, 700), Stored(900, 900))
    assert watch.guard.stored_rate is None
    for at_s in (5, 10, 11, 14):
        watch.clock.us = at_s * 1_000_000
        await watch.guard.look()
    assert watch.guard.stored_rate == pytest.approx(200)


async def test_counters_that_began_anew_give_no_rate_and_no_hold() -> None:
    watch = Watch(Stored(90_000, 80_000), Stored(200, 100))
    for at_s in (1, 2):
        watch.clock.us = at_s * 1_000_000
        await watch.guard.look()
    assert watch.guard.stored_rate is None
    assert not watch.guard.holding
