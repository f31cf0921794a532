"""Two records beside each other. The ladder was really climbed; what differs is put into a copy of its record."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from nascar.bench.compare import Comparison, compare
from nascar.bench.record import Record
from nascar.errors import UsageError

from .conftest import Climbed


@pytest.fixture
def other(climbed: Climbed) -> Record:
    return copy.deepcopy(climbed.record)


def values(comparison: Comparison) -> dict[tuple[str, str], Any]:
    return {(line.part, line.key): line for line in comparison.lines}


def test_a_record_is_once_itself(climbed: Climbed, other: Record) -> None:
    found = compare(climbed.record, other)
    assert found.differences == []
    assert found.only_in_one == []
    assert {line.part for line in found.lines} == {"level of 6 k/s", "level of 12 k/s"}
    for line in found.lines:
        assert line.ratio == pytest.approx(1) if line.a else line.ratio is None
    keys = {line.key for line in found.lines}
    assert {"acknowledged_rate", "stored_rows", "latency_due_p99_ms", "latency_send_p50_ms"} <= keys
    assert {"client_cpu_us_per_row", "server_cpu_us_per_row", "server_rss_bytes", "question_teams_ms"} <= keys


def test_the_ratio_is_the_second_over_the_first(climbed: Climbed, other: Record) -> None:
    for level in other["ladder"]["levels"]:
        level["report"]["latency_ms"]["due"]["p99"] *= 3
        level["report"]["cpu_s"] /= 2
    found = values(compare(climbed.record, other))
    assert found["level of 6 k/s", "latency_due_p99_ms"].ratio == pytest.approx(3)
    assert found["level of 6 k/s", "client_cpu_us_per_row"].ratio == pytest.approx(0.5)
    assert found["level of 6 k/s", "latency_send_p99_ms"].ratio == pytest.approx(1)


def test_of_repetitions_the_median_counts(climbed: Climbed, other: Record) -> None:
    level = next(level for level in other["ladder"]["levels"] if level["load"]["rate"] == 6_000)
    before = level["report"]["latency_ms"]["due"]["p50"]
    for factor in (2, 50):
        again = copy.deepcopy(level)
        again["report"]["latency_ms"]["due"]["p50"] = before * factor
        other["ladder"]["levels"].append(again)
    found = values(compare(climbed.record, other))
    assert found["level of 6 k/s", "latency_due_p50_ms"].ratio == pytest.approx(2)


def test_what_else_is_not_the_same_is_said(climbed: Climbed, other: Record) -> None:
    other["machine"]["cores"] = 64
    other["versions"]["numpy"] = "1.0"
    other["seed"] = 99
    other["target"] = "server at http://arc:8000"
    for level in other["ladder"]["levels"]:
        level["load"]["workers"] = 7
    said = "\n".join(compare(climbed.record, other).differences)
    for part in ("machine, cores: ", "version of numpy: ", "seed: ", "target: ", "workers: 300 and 7"):
        assert part in said


def test_a_level_or_a_number_of_one_alone_is_named(climbed: Climbed, other: Record) -> None:
    other["ladder"]["levels"] = [
        level for level in other["ladder"]["levels"] if level["load"]["rate"] == 6_000
    ]
    other["ladder"]["levels"][0]["resources"]["server"] = None
    found = compare(climbed.record, other)
    assert "level of 12 k/s" in found.only_in_one
    assert "level of 6 k/s, server memory" in found.only_in_one
    assert ("level of 6 k/s", "server_rss_bytes") not in values(found)


def test_records_without_a_level_in_common_are_refused(climbed: Climbed, other: Record) -> None:
    for level in other["ladder"]["levels"]:
        level["load"]["rate"] += 1_000_000
    with pytest.raises(UsageError, match="no number in common"):
        compare(climbed.record, other)


def test_kinds_that_measure_different_things_are_refused(climbed: Climbed, other: Record) -> None:
    other["kind"] = "ceiling"
    with pytest.raises(UsageError, match="A ladder and a ceiling"):
        compare(climbed.record, other)


def test_ceilings_are_compared_stage_by_stage(other: Record) -> None:
    first = {**other, "kind": "ceiling", "ceiling": {"rate": 5, "messages_per_s": {"race": 10, "tsbs": None}}}
    second = {**first, "ceiling": {"rate": 6, "messages_per_s": {"race": 30, "tsbs": None, "gzip": 4}}}
    found = compare(first, second)
    assert [(line.key, line.ratio) for line in found.lines] == [("race", 3)]
    assert found.only_in_one == ["messages a second, gzip"]
    assert found.differences == ["rate of the race: 5 and 6"]


def test_knees_are_compared_by_their_rates_and_by_the_trials_they_stand_on(
    climbed: Climbed, other: Record
) -> None:
    level = climbed.record["ladder"]["levels"][0]
    trial = {**level, "phase": "confirm", "counts_as_held": True}
    knee = {"rate": 6_000, "sustained_s": 60, "trial_s": 10, "p99_limit_ms": 1000, "precision": 0.05}
    first = {**other, "kind": "knee", "knee": {**knee, "trials": [trial]}}
    second = {**first, "knee": {**knee, "rate": 12_000, "sustained_s": 30, "trials": []}}
    found = compare(first, second)
    assert [(line.key, line.ratio) for line in found.lines] == [("rate", 2)]
    assert found.differences == ["sustained s: 60 and 30"]
    assert {line.part for line in compare(first, first).lines} == {"knee", "at the knee of each"}


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ((None, None), "of the first and of the second record found no sustained rate"),
        ((5, None), "of the second record found"),
    ],
)
def test_a_knee_without_an_answer_is_said_to_have_none(
    other: Record, rates: tuple[int | None, int | None], says: str
) -> None:
    first, second = ({**other, "kind": "knee", "knee": {"rate": rate, "trials": []}} for rate in rates)
    with pytest.raises(UsageError, match=says):
        compare(first, second)
