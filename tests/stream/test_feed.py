"""The real race on the wire: what is decoded is what the sampler says."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pytest

from nascar.race.entries import field, load_entries
from nascar.race.simulation import Race
from nascar.race.track import charlotte
from nascar.stream.feed import TelemetryFeed
from nascar.telemetry.columns import Kind
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler
from nascar.telemetry.schema import TABLES

START_US = 1_790_000_000_123_457


def sampler_of(plan: RowPlan, seed: int = 5) -> Sampler:
    entries = field(load_entries(), plan.cars)
    track = charlotte()
    return Sampler(Race(entries, track, seed), entries, plan, seed, lap_length_m=track.length_m)


def plan_of(**settings: Any) -> RowPlan:
    return RowPlan(**({"rate": 612_000, "cars": 40, "batch_size": 10_000, "start_us": START_US} | settings))


def decoded(feed: TelemetryFeed, index: int) -> tuple[str, dict[str, list[Any]]]:
    body = feed.encode(index)
    message = msgpack.unpackb(body.data)
    body.release()
    assert message.keys() == {"m", "columns"}
    return message["m"], message["columns"]


@pytest.mark.parametrize("settings", [{}, {"rate": 3_000}, {"cars": 7, "batch_size": 70}])
def test_a_body_decodes_to_what_the_sampler_says(settings: dict[str, int]) -> None:
    plan = plan_of(**settings)
    feed, sampler = TelemetryFeed(sampler_of(plan)), sampler_of(plan)
    for index in range(9):
        batch = plan.batch(index)
        table, columns = decoded(feed, index)
        assert table == batch.table.name
        assert list(columns) == [column.name for column in batch.table.columns]
        for column, values in sampler.numbers(batch):
            assert columns[column.name] == values.tolist(), column.name
        for name, texts in sampler.texts(batch.table).items():
            assert columns[name] == list(texts) * batch.instants


def test_a_column_keeps_its_type_in_all_bodies() -> None:
    feed = TelemetryFeed(sampler_of(plan_of()))
    types = {Kind.TIME: int, Kind.INT: int, Kind.FLOAT: float, Kind.TEXT: str}
    for index in range(12):
        table, columns = decoded(feed, index)
        for column in next(t for t in TABLES if t.name == table).columns:
            assert {type(value) for value in columns[column.name]} == {types[column.kind]}


def test_heads_describe_the_bodies() -> None:
    plan = plan_of(duration_s=0.2)
    feed = TelemetryFeed(sampler_of(plan))
    assert feed.tables == tuple(table.name for table in TABLES)
    assert feed.batches == plan.batches
    assert feed.batches
    rows = dict.fromkeys(feed.tables, 0)
    for index in range(feed.batches):
        head = feed.head(index)
        table, columns = decoded(feed, index)
        assert (head.index, head.table, head.rows) == (index, table, len(columns["time"]))
        assert (head.first_time_us, head.last_time_us) == (columns["time"][0], columns["time"][-1])
        assert head.due_us >= head.last_time_us
        rows[table] += head.rows
    assert set(rows.values()) == {1_020 * 40}


def test_shards_together_send_what_one_process_sends() -> None:
    plan = plan_of(duration_s=0.2)
    whole = TelemetryFeed(sampler_of(plan))
    shards = [TelemetryFeed(sampler_of(plan)) for _ in range(2)]
    for index in range(plan.batches or 0):
        assert decoded(shards[index % 2], index) == decoded(whole, index)


def test_missed_batches_change_nothing_in_those_after() -> None:
    plan = plan_of()
    whole, late = TelemetryFeed(sampler_of(plan)), TelemetryFeed(sampler_of(plan))
    for index in range(60):
        body = decoded(whole, index)
        if index in (0, 1, 40, 59):
            assert decoded(late, index) == body


def test_bodies_waiting_do_not_change_when_others_are_made() -> None:
    feed = TelemetryFeed(sampler_of(plan_of()))
    waiting = [feed.encode(index) for index in range(9)]
    copies = [bytes(body.data) for body in waiting]
    for index in range(9, 18):
        feed.encode(index).release()
    assert [bytes(body.data) for body in waiting] == copies


def test_a_message_has_about_the_published_size() -> None:
    # "Message size: ~0.15 KB", published for NASCAR's own feed.
    feed = TelemetryFeed(sampler_of(plan_of()))
    sizes = [len(feed.encode(index).data) / feed.head(index).rows for index in range(3)]
    assert 100 < np.mean(sizes) < 180
