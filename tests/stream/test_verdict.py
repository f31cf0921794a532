from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.errors import TokenRefused
from nascar.stream.hindrance import Hindrance, Stalls
from nascar.stream.latency import Latencies
from nascar.stream.ledger import Ledger
from nascar.stream.result import ProcessUse, Result
from nascar.stream.settings import StreamSettings
from nascar.stream.shard import Shard
from nascar.stream.source import BatchHead
from nascar.stream.verdict import TOLERANCE, verdict
from nascar.stream.verification import TableVerification, Verification

RATE = 612_000


def result(
    acknowledged: int, *, failed: int = 0, missed: int = 0, dry_run: bool = False, **facts: Any
) -> Result:
    """A run of `RATE` rows a second that ended so, in rows."""
    ledger = Ledger(("pace",))
    for rows, settle in (
        (acknowledged, lambda head: ledger.acknowledge(head, 1)),
        (failed, ledger.fail),
        (missed, ledger.miss),
    ):
        if rows:
            head = BatchHead(0, "pace", rows, 0, 1, 2)
            ledger.schedule(head)
            ledger.request(head, attempt=1, late_us=0)
            settle(head)
    scheduled = acknowledged + failed + missed
    return Result(
        settings=StreamSettings("http://127.0.0.1:1", "laps", RATE, 300, 500, dry_run=dry_run),
        ledger=ledger,
        latencies=Latencies(("pace",)),
        started_us=1,
        **{
            "elapsed_s": scheduled / RATE,
            "cpu_s": 1.0,
            "max_rss_bytes": 1,
            "stalls": Stalls(),
            **facts,
        },
    )


def test_a_run_that_lost_nothing_held() -> None:
    found = verdict(result(60 * RATE))
    assert (found.ok, found.word, found.reasons, found.bound) == (True, "held", (), None)
    assert found.text.startswith("Held 612,000 rows/s: 36,720,000 rows scheduled and acknowledged")


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2 * RATE))
def test_it_holds_only_if_nothing_failed_or_was_missed_within_the_tolerance(
    failed: int, missed: int, overrun: int
) -> None:
    run = result(60 * RATE, failed=failed, missed=missed, overrun=overrun)
    found = verdict(run)
    met = run.achieved_rate >= RATE * (1 - TOLERANCE)
    assert found.ok == (met and not failed and not missed)
    assert bool(found.reasons) != found.ok


def test_a_run_that_left_a_queue_at_its_end_did_not_hold_its_rate() -> None:
    found = verdict(result(60 * RATE, overrun=3 * RATE, elapsed_s=63.5, stalls=Stalls(server_s=60)))
    assert not found.ok
    assert found.bound == "server"
    assert found.holds_rate == pytest.approx(RATE * 57 / 60, rel=1e-3)
    assert found.suggested_rate == 520_000


@pytest.mark.parametrize("hindrance", [Hindrance.CLIENT, Hindrance.SERVER, Hindrance.BACKLOG])
def test_the_limit_is_what_cost_most_rows(hindrance: Hindrance) -> None:
    for lost in (Counter({hindrance: 19 * RATE, Hindrance.REFUSAL: RATE}), Counter[Hindrance]()):
        # Where it is not known what cost rows, it is what rows waited for longest.
        stalls = Stalls(**{f"{name.value}_s": 1.0 for name in Hindrance if name is not Hindrance.REFUSAL})
        setattr(stalls, f"{hindrance.value}_s", 9.0)
        run = result(40 * RATE, missed=20 * RATE, lost=lost, stalls=stalls, most_in_flight=300)
        found = verdict(run)
        assert found.bound == hindrance.value
        assert "9.0 s" in found.text
        assert found.holds_rate == RATE * 40 // 60
        assert found.suggested_rate == 360_000
        assert "give --rate 360000." in found.text


def test_a_server_that_stores_slower_than_it_takes_is_advised_by_what_it_stores() -> None:
    run = result(
        59 * RATE, missed=RATE, stalls=Stalls(backlog_s=9), stored_rate=400_000.0, most_backlog=3_100_000
    )
    found = verdict(run)
    assert found.bound == "backlog"
    assert "3,100,000 rows in memory" in found.text
    assert (found.holds_rate, found.suggested_rate) == (400_000, 360_000)


def test_refused_rows_are_no_matter_of_rate() -> None:
    run = result(
        59 * RATE, failed=RATE, troubles=Counter({"400 unequal": 61}), lost=Counter({Hindrance.REFUSAL: RATE})
    )
    found = verdict(run)
    assert not found.ok
    assert "The server did not take 61 of 2 requests (400 unequal)" in found.text
    assert found.suggested_rate is None
    assert "--rate" not in found.text


def test_no_rate_is_advised_for_a_server_that_was_away() -> None:
    for hindrance in (Hindrance.REFUSAL, Hindrance.SERVER):
        lost = Counter({hindrance: RATE})
        troubles = Counter({"Connection refused": 70})
        stalls = Stalls(server_s=5)
        run = result(59 * RATE, missed=RATE, troubles=troubles, lost=lost, unreached=70, stalls=stalls)
        found = verdict(run)
        assert "The server was away: 70 requests found no connection (Connection refused)" in found.text
        assert (found.ok, found.bound, found.suggested_rate) == (False, None, None)


def test_a_busy_process_is_its_own_limit() -> None:
    found = verdict(result(40 * RATE, missed=20 * RATE, cpu_s=59.0))
    assert found.bound == "client"
    assert "98% of a core" in found.text


def test_an_error_is_the_first_reason_and_no_rate_would_help() -> None:
    error = TokenRefused("The server does not know this token.")
    found = verdict(result(RATE, failed=RATE, error=error, stalls=Stalls(server_s=1)))
    assert found.reasons[0] == str(error)
    assert found.suggested_rate is None


def test_a_run_without_a_row_did_not_hold() -> None:
    assert not verdict(result(0)).ok


def test_a_dry_run_tells_its_ceiling() -> None:
    found = verdict(result(60 * RATE, dry_run=True, elapsed_s=4.0, cpu_s=4.0))
    assert found.ok
    assert "9,180,000 rows/s" in found.text
    slow = verdict(result(60 * RATE, dry_run=True, elapsed_s=120.0, cpu_s=120.0))
    assert (slow.ok, slow.bound) == (False, "client")
    assert slow.suggested_rate == 270_000


@given(st.integers(1, 59), st.floats(0.1, 60))
def test_the_advice_is_a_smaller_round_value_than_what_was_held(share: int, stalled_s: float) -> None:
    run = result(share * RATE, missed=(60 - share) * RATE, stalls=Stalls(server_s=stalled_s))
    found = verdict(run)
    if found.suggested_rate is not None:
        assert found.holds_rate is not None
        assert 0.8 * found.holds_rate <= found.suggested_rate < found.holds_rate
        assert len(str(found.suggested_rate).rstrip("0")) <= 2
    else:
        assert stalled_s <= 0.02 * 60


def beside(failed: int = 0, missed: int = 0) -> Ledger:
    """Books of rows beside the schedule: 30 acknowledged, and these."""
    ledger = Ledger(("laps",))
    for rows, settle in (
        (30, lambda head: ledger.acknowledge(head, 1)),
        (failed, ledger.fail),
        (missed, ledger.miss),
    ):
        if rows:
            head = BatchHead(0, "laps", rows, 0, 1, 2)
            ledger.schedule(head)
            settle(head)
    return ledger


def test_rows_beside_the_rate_add_nothing_to_it() -> None:
    run = result(60 * RATE, beside=beside())
    assert verdict(run).ok
    assert verdict(run).text == verdict(result(60 * RATE)).text


@pytest.mark.parametrize(("failed", "missed"), [(1, 0), (0, 1), (2, 3)])
def test_a_row_that_is_lost_beside_the_rate_is_lost(failed: int, missed: int) -> None:
    troubles = Counter({"400 bad names": 1})
    found = verdict(result(60 * RATE, beside=beside(failed, missed), beside_troubles=troubles))
    assert (found.ok, found.bound, found.suggested_rate) == (False, None, None)
    assert found.text.startswith(f"The rate was held, but {failed + missed} rows of the low-rate tables")
    assert "400 bad names" in found.text


def test_where_the_rate_was_not_held_the_rows_beside_it_are_a_reason_more() -> None:
    found = verdict(result(59 * RATE, missed=RATE, beside=beside(missed=5)))
    assert found.text.startswith("Not held:")
    assert "5 rows of the low-rate tables" in found.text


def counted(acknowledged: int, stored: int) -> Verification:
    return Verification((TableVerification("pace", acknowledged, stored),), True, 0.1)


def test_a_server_that_stored_less_than_it_acknowledged_is_named_with_the_numbers() -> None:
    found = verdict(result(60 * RATE), counted(60 * RATE, 1_000))
    assert not found.ok
    assert found.bound == "server"
    assert "stored 1,000 of 36,720,000 acknowledged rows (pace: 36,719,000 lost)" in found.text


def test_rows_too_many_are_an_error_too() -> None:
    found = verdict(result(60 * RATE), counted(60 * RATE, 60 * RATE + 1))
    assert not found.ok
    assert "1 too many" in found.text


def test_what_was_counted_and_is_equal_is_said() -> None:
    found = verdict(result(60 * RATE), counted(60 * RATE, 60 * RATE))
    assert found.ok
    assert found.text.endswith("none missed, none failed, and the same number stored.")
    assert "stored" not in verdict(result(60 * RATE)).text


def test_a_shard_is_held_to_its_own_part_of_the_rate() -> None:
    whole = result(20 * RATE)
    part = replace(whole, settings=replace(whole.settings, shard=Shard(1, 3)))
    assert part.covered_s == pytest.approx(60)
    found = verdict(part)
    assert found.ok
    assert "shard 2/3 of 612,000 rows/s" in found.text


def test_several_busy_processes_are_the_limit_only_if_each_is_busy() -> None:
    slow = result(30 * RATE, elapsed_s=60.0, cpu_s=60.0, overrun=15 * RATE)
    uses = tuple(ProcessUse(shard, shard + 1, 30.0, 1, 1) for shard in range(2))
    assert verdict(slow).bound == "client"
    assert verdict(replace(slow, processes=uses)).bound is None


def test_a_run_whose_rows_could_not_be_counted_is_not_held() -> None:
    found = verdict(result(60 * RATE), None, "the server is gone.")
    assert not found.ok
    assert found.word == "not held"
    assert found.reasons == ("what is stored was not counted: the server is gone.",)
    assert found.text.endswith("the server is gone.")
