"""One run from several machines: each sends its part, and all reports together are counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import TOKEN, Engine, Nascar


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.fixture(scope="module")
def parts(engine: Engine, nascar: Nascar, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The reports of two machines that sent half of a run each, at the same time."""
    folder = tmp_path_factory.mktemp("parts")
    start = in_seconds(12)
    files = folder / "one.json", folder / "two.json"
    machines = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "nascar", "stream", "--url", engine.url, "--database", "parts"),
                *("--rate", "30000", "--duration", "2", "--shard", f"{number}/2", "--start-at", start),
                *("--report", str(file)),
            ],
            env={**os.environ, "ARC_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number, file in enumerate(files, 1)
    ]
    for machine in machines:
        output = machine.communicate(timeout=90)[0]
        assert machine.returncode == 0, output
        assert "nascar verify --report" in output
    return files


def test_the_parts_are_the_run(parts: tuple[Path, Path], engine: Engine, nascar: Nascar) -> None:
    one, two = (json.loads(part.read_text()) for part in parts)
    assert one["started_at"] == two["started_at"]
    assert (one["shard"], two["shard"]) == ({"index": 1, "count": 2}, {"index": 2, "count": 2})
    scheduled = [sum(table["scheduled"] for table in part["tables"].values()) for part in (one, two)]
    # The last instant of a run is whole for every car.
    assert 60_000 - 120 <= sum(scheduled) <= 60_000
    assert min(scheduled) > 20_000
    # The low-rate tables are sent by the first alone.
    assert one["beside"]["track_position"]["acknowledged"] > 0
    assert two["beside"] == {}
    arguments = [word for part in parts for word in ("--report", str(part))]
    counted = nascar("verify", "--url", engine.url, *arguments)
    assert counted.returncode == 0, counted.stdout + counted.stderr
    assert f"Verified: {sum(scheduled):,} rows acknowledged" in counted.stdout


def test_a_part_alone_cannot_be_counted(
    parts: tuple[Path, Path], run_here: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARC_TOKEN", TOKEN)
    for reports in ([parts[0]], [parts[0], parts[0]]):
        arguments = [word for part in reports for word in ("--report", str(part))]
        status, _, error = run_here("verify", *arguments)
        assert status == 2
        assert "Give --report for each of 1/2 to 2/2" in error


def test_a_start_that_has_passed_when_all_is_ready_sends_nothing(engine: Engine, nascar: Nascar) -> None:
    late = nascar(
        *("stream", "--url", engine.url, "--database", "late", "--rate", "6000", "--duration", "2"),
        *("--start-at", in_seconds(0.4)),
    )
    assert late.returncode in (1, 2)
    assert "later time" in late.stderr or "not within the next 24 hours" in late.stderr
    answer = nascar("queries", "--url", engine.url, "--database", "late", "--json")
    assert all(not one["rows"] for one in json.loads(answer.stdout)["queries"])
