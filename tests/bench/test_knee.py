"""The search for the knee, run against servers whose capacity is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.bench.knee import LEAST_RATE, Knee, Phase, Plan, Probe, search

PLANS = st.builds(
    Plan,
    from_rate=st.integers(LEAST_RATE, 2_000_000),
    most_rate=st.integers(2_000_000, 50_000_000),
    growth=st.floats(1.1, 4),
    precision=st.floats(0.01, 0.5),
)


def run(plan: Plan, holds: Callable[[Probe], bool]) -> tuple[Knee, list[Probe]]:
    """The answer for a server that `holds` what it is asked, and the trials that it took."""
    trials: list[Probe] = []
    searching = search(plan)
    probe = next(searching)
    while True:
        trials.append(probe)
        assert len(trials) < 1000
        try:
            probe = searching.send(holds(probe))
        except StopIteration as end:
            return end.value, trials


def most_trials(plan: Plan) -> float:
    """Logarithms of the range, by the step of each phase; and for the way down doubled steps, twice."""
    steps = math.log(plan.most_rate / LEAST_RATE) / math.log(plan.growth)
    halvings = math.log2(math.log(plan.most_rate / LEAST_RATE) / math.log(1 + plan.precision / 2))
    return steps + 4 * max(1.0, halvings) + 30


@given(PLANS, st.floats(LEAST_RATE, 100_000_000))
def test_the_answer_never_exceeds_the_capacity_and_lies_within_the_precision_of_it(
    plan: Plan, capacity: float
) -> None:
    knee, trials = run(plan, lambda probe: probe.rate <= capacity)
    assert knee.rate is not None
    assert knee.rate <= capacity
    if capacity < plan.most_rate:
        # The four digits of a rate may be as coarse as a thousandth.
        assert knee.rate * (1 + plan.precision) * 1.001 >= min(capacity, plan.most_rate)
        assert knee.missed_rate is not None
        assert knee.missed_rate > capacity
    else:
        assert knee == Knee(plan.most_rate, None)
    assert len(trials) <= most_trials(plan)


@given(PLANS, st.floats(LEAST_RATE, 50_000_000), st.floats(0.05, 1))
def test_a_server_that_holds_more_for_a_moment_is_measured_by_what_it_sustains(
    plan: Plan, burst: float, share: float
) -> None:
    sustained = max(LEAST_RATE, burst * share)
    knee, trials = run(plan, lambda probe: probe.rate <= (sustained if probe.is_long else burst))
    assert knee.rate is not None
    assert knee.rate <= sustained
    if sustained < plan.most_rate:
        assert knee.missed_rate is not None
        assert knee.missed_rate > sustained
        assert knee.missed_rate <= knee.rate * (1 + plan.precision) * 1.001 + 1
    assert Probe(knee.rate, Phase.CONFIRM) in trials
    assert len(trials) <= most_trials(plan)


@given(PLANS, st.randoms(use_true_random=False))
def test_it_ends_and_names_only_what_was_held_for_the_long_time_whatever_the_server_does(
    plan: Plan, chance: object
) -> None:
    held: set[Probe] = set()

    def holds(probe: Probe) -> bool:
        if chance.random() < 0.5:  # type: ignore[attr-defined]
            held.add(probe)
            return True
        return False

    knee, trials = run(plan, holds)
    assert knee.rate is None or Probe(knee.rate, Phase.CONFIRM) in held
    assert all(LEAST_RATE <= probe.rate <= plan.most_rate for probe in trials)
    assert len(trials) <= most_trials(plan)


def test_a_server_that_holds_nothing_has_no_knee() -> None:
    knee, trials = run(Plan(from_rate=8_000, growth=2), lambda probe: False)
    assert knee == Knee(None, LEAST_RATE)
    assert [probe.rate for probe in trials] == [8_000, 4_000, 2_000, 1_000]


def test_a_rate_that_was_held_to_the_end_is_confirmed_and_has_nothing_above_it() -> None:
    knee, trials = run(Plan(from_rate=100_000, most_rate=400_000), lambda probe: True)
    assert knee == Knee(400_000, None)
    assert trials == [
        Probe(100_000, Phase.RAISE),
        Probe(200_000, Phase.RAISE),
        Probe(400_000, Phase.RAISE),
        Probe(400_000, Phase.CONFIRM),
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"from_rate": 10}, {"from_rate": 2_000, "most_rate": 1_500}, {"growth": 1.0}, {"precision": 0.001}],
)
def test_a_plan_that_could_not_end_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"wanted|must"):
        Plan(**wrong)  # type: ignore[arg-type]
