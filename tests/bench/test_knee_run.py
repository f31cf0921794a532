"""The search for the knee with levels that a simulated server decides; their reports are copies of a real one."""

from __future__ import annotations

import asyncio
import copy

from hypothesis import given
from hypothesis import strategies as st

from nascar.bench import measures
from nascar.bench.knee import Phase, Plan
from nascar.bench.knee_run import KneeRun, Limits, Tried
from nascar.bench.load import Load, Stopper
from nascar.bench.pace import LAST_READINGS, LIMIT_S
from nascar.bench.trial import TrialResult
from nascar.stream.report import Report

from .conftest import Climbed

PLAN = Plan(from_rate=4_000, most_rate=64_000, growth=2, precision=0.1)


class Simulated:
    """A server that acknowledges all, stores up to `capacity` rows a second, and is slow from `slow_from` on.

    What it could not store in time it stores while it is waited for, if `catches_up`; its counters then show the rows
    that wait, read `phase_s` after it stored last, or nothing if it `hides` them.
    """

    def __init__(
        self,
        report: Report,
        capacity: float,
        slow_from: float = float("inf"),
        *,
        catches_up: bool = False,
        phase_s: float = 0.0,
        hides: bool = False,
    ) -> None:
        self.loads: list[Load] = []
        self.stopper = Stopper()
        self.stop_in: int | None = None
        self._report = report
        self._capacity = capacity
        self._slow_from = slow_from
        self._catches_up = catches_up
        self._phase_s = phase_s
        self._hides = hides

    async def __call__(self, load: Load, repetition: int) -> TrialResult:
        self.loads.append(load)
        if len(self.loads) == self.stop_in:
            self.stopper.stop()
        report = copy.deepcopy(self._report)
        offered = round(load.rate * load.seconds)
        stored = offered if self._catches_up else min(offered, round(self._capacity * load.seconds))
        report["target_rate"], report["duration_s"] = load.rate, load.seconds
        at_s = [float(second) for second in range(round(load.seconds))]
        report["timeline"] = {
            "interval_s": 1.0,
            "at_s": at_s,
            "backlog": [self._waiting(load, s) for s in at_s],
        }
        for number, table in enumerate(report["tables"].values()):
            table["scheduled"] = table["acknowledged"] = offered if number == 0 else 0
        verification = report["verification"]
        assert verification is not None
        for number, counted in enumerate(verification["tables"].values()):
            counted["stored"] = stored if number == 0 else 0
        verification["ok"] = stored == offered
        report["latency_ms"]["due"]["p99"] = 5_000.0 if load.rate >= self._slow_from else 10.0
        report["reasons"] = [] if stored == offered else [f"the server stored {stored:,} of {offered:,} rows"]
        report["bound"] = None if stored == offered else "server"
        return TrialResult(
            load=load,
            database="laps",
            status=0 if stored == offered else 1,
            report=report,
            error=None,
            stopped=self.stopper.is_asked,
            warm_up_s=0,
            server_note="",
            stores=True,
            origin_s=0,
        )

    def _waiting(self, load: Load, second: float) -> int | None:
        """Rows that it had not stored, read at the end of a second."""
        if self._hides:
            return None
        more = max(0.0, load.rate - self._capacity) if self._catches_up else 0.0
        return round(more * (second + 1) + self._phase_s * load.rate)


SHORT = Limits(trial_s=1, sustain_s=9)


async def run(server: Simulated, limits: Limits = SHORT) -> tuple[KneeRun, list[Tried]]:
    searching = KneeRun(PLAN, limits, Load(0, 0, seed=3), server, server.stopper)
    return searching, [tried async for tried in searching.trials()]


def report_of(climbed: Climbed) -> Report:
    report: Report = climbed.record["ladder"]["levels"][0]["report"]
    return report


async def test_the_knee_is_where_not_all_that_was_offered_is_stored(climbed: Climbed) -> None:
    server = Simulated(report_of(climbed), capacity=23_000)
    searching, tried = await run(server)
    assert searching.knee is not None
    assert searching.knee.rate is not None
    assert 23_000 / 1.1 <= searching.knee.rate <= 23_000
    missed = next(one for one in tried if not one.held)
    assert missed.probe.rate == 32_000
    assert any("stored 23,000 of 32,000" in why for why in missed.misses)


@given(st.floats(4_500, 60_000), st.floats(0, 0.99))
def test_the_knee_is_never_above_what_is_stored_in_time_however_patiently_it_is_counted(
    climbed: Climbed, capacity: float, phase_s: float
) -> None:
    server = Simulated(report_of(climbed), capacity, catches_up=True, phase_s=phase_s)
    limits = Limits()
    searching, tried = asyncio.run(run(server, limits))
    assert searching.knee is not None
    assert searching.knee.rate is not None
    # Of what comes until the last readings, so much may be left.
    left = LIMIT_S / (limits.sustain_s - LAST_READINGS)
    assert capacity / (1 + PLAN.precision) * 0.999 <= searching.knee.rate <= capacity / (1 - left)
    for one in tried:
        assert one.result.status == 0
        if one.probe.rate <= capacity:
            assert one.held
        elif one.probe.rate >= 2 * capacity:
            assert measures.bound(one.result.as_json()) == "server"
            assert any("storage fell behind" in why for why in one.misses)


async def test_where_no_counters_are_shown_the_trials_say_that_this_was_not_checked(climbed: Climbed) -> None:
    server = Simulated(report_of(climbed), capacity=1, catches_up=True, hides=True)
    _, tried = await run(server)
    for one in tried:
        assert one.held
        assert any("kept pace was not checked" in said for said in measures.warnings(one.result.as_json()))


async def test_a_rate_that_is_held_but_slow_is_no_rate_that_is_sustained(climbed: Climbed) -> None:
    server = Simulated(report_of(climbed), capacity=1e9, slow_from=10_000)
    searching, tried = await run(server)
    assert searching.knee is not None
    assert searching.knee.rate is not None
    assert 10_000 / 1.1 <= searching.knee.rate < 10_000
    slow = next(one for one in tried if not one.held)
    assert slow.result.held
    assert slow.misses == ("P99 from the due time is 5,000 ms, above 1,000",)


async def test_only_the_confirmation_is_long_and_workers_grow_with_the_rate(climbed: Climbed) -> None:
    server = Simulated(report_of(climbed), capacity=23_000)
    _, tried = await run(server)
    for one, load in zip(tried, server.loads, strict=True):
        assert load.seconds == (9 if one.probe.phase is Phase.CONFIRM else 1)
        assert (load.workers, load.seed) == (300, 3)


async def test_a_search_that_was_stopped_has_no_answer_but_all_it_measured(climbed: Climbed) -> None:
    server = Simulated(report_of(climbed), capacity=23_000)
    server.stop_in = 2
    searching, tried = await run(server)
    assert searching.knee is None
    assert len(tried) == len(server.loads) == 2
    made = searching.as_json(tried)
    assert (made["rate"], made["is_answered"]) == (None, False)
    assert [one["load"]["rate"] for one in made["trials"]] == [4_000, 8_000]
