from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Rows
from hypothesis.stateful import RuleBasedStateMachine, consumes, invariant, rule

from nascar.stream.ledger import LATE_US, Ledger, TableLedger
from nascar.stream.source import BatchHead

TABLES = ("pace", "grip")


def head(index: int = 0, table: str = "pace", rows: int = 10, first_us: int = 1_000) -> BatchHead:
    return BatchHead(index, table, rows, first_us, first_us + rows - 1, first_us + rows)


class LedgerLaws(RuleBasedStateMachine):
    """Whatever happens to batches, in any order, every scheduled row is in exactly one place."""

    waiting = Rows("waiting")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(TABLES)
        self.scheduled = self.settled = 0

    @rule(target=waiting, table=st.sampled_from(TABLES), rows=st.integers(1, 10_000), at=st.integers(0, 9**9))
    def schedule(self, table: str, rows: int, at: int) -> BatchHead:
        batch = head(0, table, rows, at)
        self.ledger.schedule(batch)
        self.scheduled += rows
        return batch

    @rule(batch=waiting, attempt=st.integers(1, 5), late_us=st.integers(0, 9**7))
    def request(self, batch: BatchHead, attempt: int, late_us: int) -> None:
        self.ledger.request(batch, attempt=attempt, late_us=late_us)

    @rule(batch=consumes(waiting), unclear=st.booleans(), end=st.sampled_from(["ack", "fail", "miss"]))
    def settle(self, batch: BatchHead, unclear: bool, end: str) -> None:
        if end == "ack":
            self.ledger.acknowledge(batch, 99, unclear=unclear)
        elif end == "fail":
            self.ledger.fail(batch, unclear=unclear)
        else:
            self.ledger.miss(batch)
        self.settled += batch.rows

    @invariant()
    def adds_up(self) -> None:
        total = self.ledger.total()
        assert self.ledger.balanced
        assert total.scheduled == total.acknowledged + total.failed + total.missed + total.waiting
        assert total.scheduled == self.scheduled
        assert total.waiting == self.scheduled - self.settled
        assert total.acknowledged_unclear <= total.acknowledged
        assert total.failed_unclear <= total.failed
        assert total.retries <= total.requests


TestLedgerLaws = LedgerLaws.TestCase
TestLedgerLaws.settings = settings(max_examples=40)


def test_a_batch_cannot_be_counted_twice() -> None:
    ledger = Ledger(TABLES)
    ledger.schedule(head())
    ledger.acknowledge(head(), 50)
    with pytest.raises(ValueError, match="counted twice"):
        ledger.miss(head())
    assert ledger.tables["pace"] == TableLedger(
        scheduled=10, acknowledged=10, batches=1, bytes=50, first_time_us=1_000, last_time_us=1_009
    )


def test_an_imbalance_shows() -> None:
    ledger = Ledger(TABLES)
    ledger.schedule(head())
    ledger.tables["pace"].acknowledged += 1
    assert not ledger.balanced


def test_a_table_that_the_source_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        Ledger(TABLES).schedule(head(table="heat"))


def test_the_time_range_is_that_of_what_was_scheduled_in_any_order() -> None:
    ledger = Ledger(TABLES)
    for first_us in (5_000, 1_000, 3_000):
        ledger.schedule(head(first_us=first_us))
    table = ledger.tables["pace"]
    assert (table.first_time_us, table.last_time_us) == (1_000, 5_009)
    assert (ledger.tables["grip"].first_time_us, ledger.tables["grip"].last_time_us) == (None, None)


def test_only_the_first_request_of_a_batch_makes_it_late() -> None:
    ledger = Ledger(TABLES)
    ledger.schedule(head())
    ledger.request(head(), attempt=1, late_us=LATE_US)
    assert ledger.tables["pace"].late == 0
    ledger.request(head(), attempt=2, late_us=LATE_US + 1)
    assert ledger.tables["pace"].late == 0
    ledger.request(head(), attempt=1, late_us=LATE_US + 1)
    assert ledger.tables["pace"].late == 10


@given(st.lists(st.tuples(st.sampled_from(TABLES), st.integers(1, 99), st.integers(0, 10**6)), max_size=20))
def test_the_ledgers_of_shards_add_up_to_the_ledger_of_the_whole(batches: list[tuple[str, int, int]]) -> None:
    whole, shards = Ledger(TABLES), [Ledger(TABLES), Ledger(TABLES)]
    for index, (table, rows, first_us) in enumerate(batches):
        batch = head(index, table, rows, first_us)
        for ledger in (whole, shards[index % 2]):
            ledger.schedule(batch)
            ledger.request(batch, attempt=1, late_us=0)
            ledger.acknowledge(batch, rows * 7)
    merged = Ledger(())
    for shard in shards:
        merged.merge(shard)
    assert merged.tables == whole.tables
