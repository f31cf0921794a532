"""The search for the knee carried out: trials become levels, and what they show decides how it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from nascar.bench import measures
from nascar.bench.knee import Knee, Plan, Probe, search
from nascar.bench.ladder import Runner, rung_for
from nascar.bench.load import Load, Stopped, Stopper
from nascar.bench.trial import TrialResult


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trial must keep to, and how long it lasts."""

    trial_s: float = 10.0
    sustain_s: float = 60.0
    p99_ms: float = 1000.0
    """Of the write latency from the due time."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial of the search, and its outcome."""

    probe: Probe
    result: TrialResult
    misses: tuple[str, ...]
    """Why it counts as not held; empty if it was."""

    @property
    def held(self) -> bool:
        """Whether it kept to every limit of the search."""
        return not self.misses

    def as_json(self) -> dict[str, Any]:
        """For the record: a level, and what it meant for the search."""
        return {
            "phase": self.probe.phase.value,
            "counts_as_held": self.held,
            "misses": list(self.misses),
            **self.result.as_json(),
        }


class KneeRun:
    """A search. Go through `trials`; then `knee` is the answer, or None if the search was ended before it."""

    def __init__(
        self,
        plan: Plan,
        limits: Limits,
        base: Load,
        run: Runner,
        stopper: Stopper,
        workers: int | None = None,
    ) -> None:
        """`workers`: requests in flight; None for what the published ladder gives to such a rate."""
        self.plan = plan
        self.limits = limits
        self.knee: Knee | None = None
        self._base = base
        self._run = run
        self._stopper = stopper
        self._workers = workers

    async def trials(self) -> AsyncIterator[Tried]:
        """Run the search and give out each trial as it comes; ends early after Ctrl-C."""
        searching = search(self.plan)
        probe = next(searching)
        while not self._stopper.is_asked:
            try:
                result = await self._run(self._load(probe), 1)
            except Stopped:
                return
            tried = Tried(probe, result, self._misses(result))
            yield tried
            if result.stopped:
                return
            try:
                probe = searching.send(tried.held)
            except StopIteration as end:
                self.knee = end.value
                return

    def as_json(self, tried: list[Tried]) -> dict[str, Any]:
        """For the record: the answer and how it was found."""
        knee = self.knee
        return {
            "rate": None if knee is None else knee.rate,
            "missed_rate": None if knee is None else knee.missed_rate,
            "is_answered": knee is not None,
            "sustained_s": self.limits.sustain_s,
            "trial_s": self.limits.trial_s,
            "p99_limit_ms": self.limits.p99_ms,
            "from_rate": self.plan.from_rate,
            "most_rate": self.plan.most_rate,
            "growth": self.plan.growth,
            "precision": self.plan.precision,
            "trials": [one.as_json() for one in tried],
        }

    def _load(self, probe: Probe) -> Load:
        workers = rung_for(probe.rate).workers if self._workers is None else self._workers
        seconds = self.limits.sustain_s if probe.is_long else self.limits.trial_s
        return replace(self._base, rate=probe.rate, seconds=seconds, workers=workers)

    def _misses(self, result: TrialResult) -> tuple[str, ...]:
        level = result.as_json()
        said = measures.reasons(level)
        offered, stored = measures.rows(level, "scheduled"), measures.stored_rows(level)
        if stored is not None and offered is not None and stored < offered:
            said.append(f"stored {stored:,} of {offered:,} rows offered")
        p99_ms = None if result.report is None else result.report["latency_ms"]["due"]["p99"]
        if p99_ms is not None and p99_ms > self.limits.p99_ms:
            said.append(f"P99 from the due time is {p99_ms:,.0f} ms, above {self.limits.p99_ms:,.0f}")
        return tuple(said)
