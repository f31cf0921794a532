from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nascar.errors import TokenRefused
from nascar.stream.policy import (
    LONGEST_BACKOFF_S,
    Decision,
    Done,
    Fatal,
    GiveUp,
    Outcome,
    Retry,
    backoff_s,
    decide,
)

LATE_LIMIT_S = 5.0
RETRIED = (404, 408, 425, 429, 500, 502, 503, 504, 599)


def decided(
    status: int | None, *, message: str = "", attempt: int = 1, age_s: float = 0.0, jitter: float = 0.5
) -> Decision:
    outcome = Outcome(status, message)
    return decide(outcome, attempt=attempt, age_s=age_s, late_limit_s=LATE_LIMIT_S, jitter=jitter)


@given(st.integers(200, 299), st.floats(0, 1e6), st.integers(1, 1000))
def test_an_acknowledgement_counts_however_late(status: int, age_s: float, attempt: int) -> None:
    assert decided(status, age_s=age_s, attempt=attempt) == Done()


@pytest.mark.parametrize(("status", "says"), [(401, "does not know this token"), (403, "may not write")])
def test_a_refused_token_ends_the_run_at_once_and_names_the_next_action(status: int, says: str) -> None:
    decision = decided(status, message="Permission denied: write required")
    assert isinstance(decision, Fatal)
    assert isinstance(decision.error, TokenRefused)
    assert says in str(decision.error)
    assert "Permission denied: write required" in str(decision.error)
    assert "ARC_TOKEN" in str(decision.error)


@pytest.mark.parametrize("status", [301, 400, 405, 413, 415, 422])
def test_refused_rows_are_not_sent_again_and_keep_the_servers_words(status: int) -> None:
    assert decided(status, message="column lengths differ") == GiveUp(f"{status} column lengths differ")


@pytest.mark.parametrize("status", [*RETRIED, None])
def test_what_can_mend_is_tried_again_while_the_rows_are_fresh(status: int | None) -> None:
    assert isinstance(decided(status), Retry)
    assert isinstance(decided(status, age_s=LATE_LIMIT_S), GiveUp)


@given(st.sampled_from([*RETRIED, None]), st.integers(1, 10_000), st.floats(0, 20), st.floats(0, 1))
def test_no_attempt_begins_after_the_late_limit(
    status: int | None, attempt: int, age_s: float, jitter: float
) -> None:
    decision = decided(status, attempt=attempt, age_s=age_s, jitter=jitter)
    if isinstance(decision, Retry):
        assert age_s + decision.after_s < LATE_LIMIT_S
    else:
        assert age_s + LONGEST_BACKOFF_S >= LATE_LIMIT_S


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_grows_up_to_a_limit_and_jitter_keeps_at_least_half(attempt: int, jitter: float) -> None:
    wait_s, longest_s = backoff_s(attempt, jitter), backoff_s(attempt, 1.0)
    assert 0.5 * longest_s <= wait_s <= longest_s <= LONGEST_BACKOFF_S
    assert longest_s <= backoff_s(attempt + 1, 1.0)


def test_the_server_may_ask_for_a_longer_wait() -> None:
    outcome = Outcome(503, retry_after_s=3.0)
    assert decide(outcome, attempt=1, age_s=0, late_limit_s=5, jitter=0) == Retry(3.0)
    assert isinstance(decide(outcome, attempt=1, age_s=3, late_limit_s=5, jitter=0), GiveUp)


@given(st.one_of(st.none(), st.integers(100, 599)), st.booleans())
def test_an_unclear_end_is_one_after_which_the_rows_may_be_stored(status: int | None, reached: bool) -> None:
    assume(reached or status is None)
    outcome = Outcome(status, reached=reached)
    if not reached or outcome.acknowledged or status in (400, 401, 403, 413, 429, 503):
        assert not outcome.unclear
    if reached and status is None:
        assert outcome.unclear
