"""What a level's record says in numbers, and what must be said beside them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from nascar.bench import measures
from nascar.bench.amounts import amount, rate

from .conftest import Climbed

MEASURES = {measure.key: measure for measure in measures.MEASURES}


@pytest.fixture
def level(climbed: Climbed) -> dict[str, Any]:
    """A real level, whose numbers a test may set."""
    found: dict[str, Any] = copy.deepcopy(climbed.record["ladder"]["levels"][0])
    found["resources"]["machine"]["mean_cores"] = 0.5
    found["report"]["cpu_s"] = 0.1
    return found


def test_numbers_a_row_are_what_was_used_over_the_rows(level: dict[str, Any]) -> None:
    rows = measures.rows(level, "acknowledged")
    assert rows
    assert MEASURES["client_cpu_us_per_row"].of(level) == pytest.approx(0.1 * 1e6 / rows)
    level["resources"]["server"]["mean_cores"] = 1.5
    seconds = level["report"]["elapsed_s"]
    assert MEASURES["server_cpu_us_per_row"].of(level) == pytest.approx(1.5 * seconds * 1e6 / rows)
    assert MEASURES["wire_bytes_per_row"].of(level) == pytest.approx(level["report"]["wire_bytes"] / rows)
    # Nine to eleven numbers of nine bytes, and names.
    assert 80 < MEASURES["wire_bytes_per_row"].of(level) < 200  # type: ignore[operator]


def test_what_was_not_measured_is_none_and_never_nothing(level: dict[str, Any]) -> None:
    level |= {"report": None, "questions": None, "disk_bytes": None}
    level["resources"] = {"client": None, "server": None, "machine": None}
    assert {measure.of(level) for measure in measures.MEASURES} == {None}
    assert measures.slugs([level]) == []
    assert measures.warnings(level) == []


def test_a_server_without_counters_has_no_backlog_of_which_it_could_be_said_that_it_is_empty(
    level: dict[str, Any],
) -> None:
    level["report"]["backlog"] = {"guarded": False, "most_rows": 0, "stored_rate": None}
    assert MEASURES["most_backlog_rows"].of(level) is None


def test_a_quiet_level_needs_no_warning(level: dict[str, Any]) -> None:
    assert measures.warnings(level) == []


def test_a_generator_at_its_limit_is_named_as_what_was_measured(level: dict[str, Any]) -> None:
    level["report"]["cpu_s"] = 0.85 * level["report"]["elapsed_s"]
    (said,) = measures.warnings(level)
    assert "used 85% of its 1 core" in said
    assert "not the server's" in said
    # The same work of two processes is less than half of their cores.
    level["report"]["processes"] *= 2
    assert measures.warnings(level) == []


def test_a_full_machine_says_who_filled_it(level: dict[str, Any]) -> None:
    level["machine_cores"] = 4
    level["resources"]["machine"]["mean_cores"] = 3.8
    level["resources"]["client"]["mean_cores"] = 0.3
    level["resources"]["server"]["mean_cores"] = 1.0
    (said,) = measures.warnings(level)
    assert "95% busy: client 0.30, server 1.00, all else 2.50 of its 4 cores" in said


def test_questions_without_an_answer_and_rows_that_were_not_counted_are_said(level: dict[str, Any]) -> None:
    level["questions"]["questions"]["teams"]["failed"] = 3
    level["report"]["verification"] = None
    level["settled"] = {"seconds": 60.0, "backlog_rows": 1_234}
    said = " ".join(measures.warnings(level))
    assert "3 of the questions were not answered" in said
    assert "What is stored was not counted" in said
    assert "1,234 rows that it had not stored" in said


def test_the_reasons_are_the_reports_and_what_the_report_cannot_know(level: dict[str, Any]) -> None:
    level["held"] = True
    assert measures.reasons(level) == []
    level |= {"held": False, "stopped": False}
    level["report"]["reasons"] = ["5 rows were missed"]
    assert measures.reasons(level) == ["5 rows were missed"]
    level["report"]["reasons"] = []
    level["status"] = 1
    assert measures.reasons(level) == ["the stream ended with status 1"]
    level["stopped"] = True
    assert measures.reasons(level) == ["stopped after 3 of 3 s"]


def test_the_median_of_repetitions_has_a_spread_and_a_single_one_has_none(level: dict[str, Any]) -> None:
    column = []
    for p99_ms in (30.0, 10.0, 20.0):
        again = copy.deepcopy(level)
        again["report"]["latency_ms"]["due"]["p99"] = p99_ms
        column.append(again)
    measure = MEASURES["latency_due_p99_ms"]
    assert measures.median(measure, column) == 20
    assert measures.spread(measure, column) == (10, 30)
    assert measures.spread(measure, column[:1]) is None


def test_repetitions_of_one_load_belong_together(level: dict[str, Any]) -> None:
    other = copy.deepcopy(level)
    other["load"]["rate"] = 1
    assert [len(group) for group in measures.by_load([level, other, level])] == [2, 1]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ms", "–"),
        (1_234_567.4, "rows/s", "1,234,567"),
        (12_345_678, "bytes", "12 MB"),
        (23_456_789_012, "bytes/s", "23.5 GB/s"),
        (123_456, "bytes", "0.12 MB"),
        (0.456, "ms", "0.46 ms"),
        (12.34, "ms", "12.3 ms"),
        (1234.5, "ms", "1,234 ms"),
        (1.234, "cores", "1.23 cores"),
        (120.44, "bytes/row", "120.4 bytes/row"),
    ],
)
def test_amounts_are_written_as_people_read_them(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_rates_stand_short_in_headings() -> None:
    assert [rate(value) for value in (500, 6_000, 612_000, 1_200_000, 3_000_000)] == [
        "500/s",
        "6 k/s",
        "612 k/s",
        "1.2 M/s",
        "3 M/s",
    ]
