"""The published ladder, and how it is climbed; the levels themselves are stand-ins that say how they ended."""

from __future__ import annotations

from typing import cast

import pytest

from nascar.bench import measures
from nascar.bench.ladder import PUBLISHED, climb, loads, rung_for
from nascar.bench.load import Load, Stopped, Stopper
from nascar.bench.table import level_line
from nascar.bench.trial import TrialResult
from nascar.errors import UsageError
from nascar.stream.report import Report

BASE = Load(rate=0, seconds=0, seed=3)


def result_of(load: Load, held: bool, stopped: bool = False) -> TrialResult:
    """A level that ended without a report; what is asked of it here is only how."""
    ended = TrialResult(
        load=load,
        database="laps",
        status=0 if held else 1,
        report=cast(Report, {}) if held else None,
        error=None,
        stopped=stopped,
        warm_up_s=0,
        server_note="",
        stores=True,
        origin_s=0,
    )
    assert ended.held == (held and not stopped)
    return ended


class Levels:
    """Runs levels: those up to `capacity` are held, those at `no_room_from` and above cannot begin. Ctrl-C comes in the run with number `interrupt_in`."""

    def __init__(
        self,
        capacity: int,
        interrupt_in: int | None = None,
        *,
        before_it_begins: bool = False,
        no_room_from: int | None = None,
    ) -> None:
        self.stopper = Stopper()
        self.ran: list[tuple[int, int]] = []
        self._capacity = capacity
        self._interrupt_in = interrupt_in
        self._before_it_begins = before_it_begins
        self._no_room_from = no_room_from

    async def __call__(self, load: Load, repetition: int) -> TrialResult:
        self.ran.append((load.rate, repetition))
        if len(self.ran) == self._interrupt_in:
            self.stopper.stop()
            if self._before_it_begins:
                raise Stopped
        if self._no_room_from is not None and load.rate >= self._no_room_from:
            raise UsageError(f"no room for {load.rate}")
        return result_of(load, load.rate <= self._capacity, self.stopper.is_asked)


async def climbed(levels: Levels, rates: list[int], **how: int) -> list[TrialResult]:
    return [
        result
        async for result in climb(
            loads(BASE, rates, 1),
            levels,
            levels.stopper,
            repetitions=how.get("repetitions", 1),
            stop_on_miss=bool(how.get("stop_on_miss")),
        )
    ]


def test_by_default_the_levels_are_the_published_ones() -> None:
    found = [(load.rate, load.seconds, load.workers) for load in loads(BASE)]
    # The four command lines of the published demo, section Performance Benchmarking.
    assert found == [
        (612_000, 300, 300),
        (1_200_000, 300, 400),
        (2_400_000, 300, 500),
        (3_000_000, 60, 600),
    ]
    assert {load.seed for load in loads(BASE)} == {3}


def test_what_is_given_is_taken_and_the_rest_is_of_the_next_published_level() -> None:
    found = loads(BASE, [100_000, 2_000_000, 9_000_000], seconds=20)
    assert [(load.rate, load.seconds, load.workers) for load in found] == [
        (100_000, 20, 300),
        (2_000_000, 20, 500),
        (9_000_000, 20, 600),
    ]
    assert {load.workers for load in loads(BASE, workers=7)} == {7}
    assert rung_for(612_000) == PUBLISHED[0]


async def test_it_goes_on_after_a_level_that_is_not_held() -> None:
    levels = Levels(capacity=20)
    results = await climbed(levels, [10, 30, 20])
    assert [result.held for result in results] == [True, False, True]


async def test_it_ends_at_the_first_miss_if_told_so() -> None:
    levels = Levels(capacity=20)
    results = await climbed(levels, [10, 30, 20], stop_on_miss=True)
    assert [result.load.rate for result in results] == [10, 30]


async def test_a_level_that_cannot_begin_is_not_held_and_says_why_and_the_next_is_run() -> None:
    levels = Levels(capacity=20, no_room_from=30)
    results = await climbed(levels, [10, 30, 20])
    assert [(result.held, result.began) for result in results] == [(True, True), (False, False), (True, True)]
    level = results[1].as_json()
    assert measures.reasons(level) == ["it did not begin: no room for 30"]
    assert "no room for 30" in level_line(level).plain
    assert measures.warnings(level) == []


async def test_a_level_that_cannot_begin_is_a_miss() -> None:
    levels = Levels(capacity=20, no_room_from=30)
    results = await climbed(levels, [10, 30, 20], stop_on_miss=True)
    assert [result.load.rate for result in results] == [10, 30]


async def test_if_no_level_can_begin_the_first_reason_is_raised() -> None:
    levels = Levels(capacity=20, no_room_from=5)
    with pytest.raises(UsageError, match="no room for 10"):
        await climbed(levels, [10, 30])
    assert levels.ran == [(10, 1), (30, 1)]


async def test_repetitions_of_a_level_follow_each_other() -> None:
    levels = Levels(capacity=20)
    await climbed(levels, [10, 20], repetitions=2)
    assert levels.ran == [(10, 1), (10, 2), (20, 1), (20, 2)]


@pytest.mark.parametrize("before_it_begins", [False, True])
async def test_after_ctrl_c_no_level_begins_and_what_was_measured_is_kept(before_it_begins: bool) -> None:
    levels = Levels(capacity=20, interrupt_in=2, before_it_begins=before_it_begins)
    results = await climbed(levels, [10, 20, 30])
    assert len(levels.ran) == 2
    assert [result.stopped for result in results] == ([False] if before_it_begins else [False, True])


async def test_a_ladder_that_was_stopped_before_it_began_has_no_level() -> None:
    levels = Levels(capacity=20)
    levels.stopper.stop()
    assert await climbed(levels, [10]) == []
    assert levels.ran == []


def test_ctrl_c_is_handed_to_what_runs_and_to_nothing_that_has_ended() -> None:
    stopper, heard = Stopper(), []
    with stopper.handing_to(lambda: heard.append("first")):
        stopper.stop()
        stopper.stop()
    with stopper.handing_to(lambda: heard.append("second")):
        pass
    stopper.stop()
    assert heard == ["first", "first"]
