"""`nascar stream` against a server that does what servers do on bad days: the ledger adds up all the same."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nascar.bench.page import render_report
from nascar.monitor.table import PIPELINE_METRICS
from nascar.stream.report import read
from nascar.stream.settings import StreamSettings
from tests.stream.conftest import GOOD, TOKEN, Act, Server

RATE = 6_000
SECONDS = 2


@dataclass(slots=True)
class Ended:
    """A command that has ended."""

    status: int
    output: str
    report: dict[str, Any]
    file: Path
    total: dict[str, int] = field(default_factory=dict)


Stream = Callable[..., Any]


@pytest.fixture
def stream(server: Server, tmp_path: Path) -> Stream:
    """Stream `SECONDS` of race into the server; what holds on every day is checked here."""

    async def run(*arguments: str, rate: int = RATE, seconds: float = SECONDS) -> Ended:
        file = tmp_path / "report.json"
        command = [
            *(sys.executable, "-m", "nascar", "stream", "--url", server.url, "--database", "laps"),
            *("--rate", str(rate), "--duration", str(seconds), "--cars", "10", "--batch-size", "200"),
            *("--report", str(file), "--verify-deadline", "1", *arguments),
        ]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "ARC_TOKEN": TOKEN},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await asyncio.wait_for(process.communicate(), 80))[0].decode()
        assert process.returncode is not None
        report = json.loads(file.read_text())
        ended = Ended(process.returncode, output, report, file)
        names = ("scheduled", "acknowledged", "failed", "missed", "waiting", "acknowledged_unclear")
        for name in names:
            ended.total[name] = sum(table[name] for table in report["tables"].values())
        total = ended.total
        assert "Ledger" in output
        assert total["scheduled"] == rate * seconds
        assert total["waiting"] == 0
        for table in report["tables"].values():
            assert table["scheduled"] == table["acknowledged"] + table["failed"] + table["missed"]
        line = report["timeline"]
        for name in ("acknowledged", "failed", "missed"):
            assert sum(line[name]) == total[name], name
        assert sum(line["offered"]) == total["scheduled"]
        is_held = report["verdict"] == "held"
        assert ended.status == (0 if is_held else 1), output
        lost_none = total["acknowledged"] == total["scheduled"]
        assert not is_held or (lost_none and report["verification"]["ok"])
        return ended

    return run


def rows_of_rate(server: Server) -> list[tuple[str, int, int]]:
    """The stored rows of the three tables."""
    return [row for row in server.rows if row[0].endswith("_telemetry")]


async def test_a_good_day(server: Server, stream: Stream) -> None:
    ended = await stream()
    assert (ended.status, ended.report["verdict"]) == (0, "held")
    assert ended.report["verification"]["ok"]
    assert len(rows_of_rate(server)) == ended.total["acknowledged"] == RATE * SECONDS


async def test_a_slow_server_costs_latency_and_no_row(server: Server, stream: Stream) -> None:
    server.act = lambda number: Act(delay_s=0.3)
    ended = await stream()
    assert ended.status == 0
    latency = ended.report["latency_ms"]
    assert latency["send"]["p50"] >= 300
    assert latency["due"]["p50"] >= latency["send"]["p50"]
    assert max(ended.report["timeline"]["in_flight"]) > 1


async def test_a_stall_of_ten_seconds_shows_in_every_row_that_it_held_up(
    server: Server, stream: Stream
) -> None:
    stalled_until: list[float] = []

    def stall(number: int) -> Act:
        if number < 20:
            return GOOD
        if not stalled_until:
            stalled_until.append(time.monotonic() + 10)
        return Act(delay_s=max(0.0, stalled_until[0] - time.monotonic()))

    server.act = stall
    ended = await stream("--workers", "4", seconds=14)
    # Four requests wait out the stall or their time-out; what comes due meanwhile is missed when it is too late.
    assert ended.status == 1
    assert ended.total["missed"] > RATE
    assert ended.report["bound"] == "server"
    line = ended.report["timeline"]
    pause = [at for at, rows in zip(line["at_s"], line["acknowledged"], strict=True) if rows == 0]
    assert len(pause) >= 8, "the pause is not to be seen"
    assert all(line["offered"][int(at)] > 0 for at in pause if at < 13)
    assert ended.report["latency_ms"]["due"]["max"] > 2_000
    stored = rows_of_rate(server)
    # What was acknowledged is there; what waited out its time-out may be there, too, and nothing else.
    unclear = sum(table["failed_unclear"] for table in ended.report["tables"].values())
    assert ended.total["acknowledged"] <= len(set(stored)) <= ended.total["acknowledged"] + unclear


async def test_memory_is_bounded_when_heavy_bodies_pile_up(server: Server, stream: Stream) -> None:
    """A server that answers nothing for long: 300 workers would hold all bodies of the run, a quarter of a gigabyte."""
    server.act = lambda number: Act(delay_s=30) if number > 10 else GOOD
    ended = await stream("--cars", "40", "--batch-size", "10000", rate=1_000_000, seconds=3)
    assert ended.status == 1
    bounds = StreamSettings("", "", 1, 1, 1)
    body_bytes = 10_000 * 140
    assert ended.report["most_live_bytes"] <= bounds.flight_bytes + bounds.ahead_bytes + body_bytes
    assert ended.report["most_live_bytes"] > bounds.flight_bytes / 2, "nothing piled up"
    assert ended.report["max_rss_bytes"] < 450e6
    assert ended.report["lost_rows"].keys() >= {"server"}


async def test_broken_connections_are_told_and_rows_in_doubt_are_counted(
    server: Server, stream: Stream
) -> None:
    dice = random.Random(7)
    server.act = lambda number: Act(status=None, store=dice.randrange(2)) if dice.random() < 0.2 else GOOD
    ended = await stream()
    stored = rows_of_rate(server)
    assert ended.total["acknowledged"] == RATE * SECONDS, "a retry did not help"
    assert ended.total["acknowledged_unclear"] > 0
    # Every row is there; some twice, for the server had them when the connection broke: found by (car, time).
    assert len(set(stored)) == RATE * SECONDS
    assert len(stored) > RATE * SECONDS
    assert ended.status == 1
    assert "stored twice" in ended.output
    verification = ended.report["verification"]["tables"].values()
    assert sum(table["stored"] - table["distinct"] for table in verification if table["distinct"]) == len(
        stored
    ) - len(set(stored))


async def test_answers_that_ask_for_patience_cost_no_row(server: Server, stream: Stream) -> None:
    dice = random.Random(7)
    server.act = lambda number: (
        Act(store=0, status=dice.choice([429, 500, 503])) if dice.random() < 0.3 else GOOD
    )
    ended = await stream()
    assert ended.status == 0, ended.output
    assert len(rows_of_rate(server)) == len(set(rows_of_rate(server))) == RATE * SECONDS
    assert sum(table["retries"] for table in ended.report["tables"].values()) > 0
    assert set(ended.report["troubles"]) == {"429 a bad day", "500 a bad day", "503 a bad day"}


async def test_errors_without_end_fail_their_rows_and_no_others(server: Server, stream: Stream) -> None:
    server.act = lambda number: Act(store=0, status=500) if number % 3 == 0 else GOOD
    server.act_of_table = lambda table: Act(store=0, status=500) if table == "tire_telemetry" else None
    ended = await stream()
    tables = ended.report["tables"]
    assert ended.status == 1
    assert tables["tire_telemetry"]["acknowledged"] == 0
    assert tables["tire_telemetry"]["failed"] == tables["tire_telemetry"]["scheduled"]
    assert tables["engine_telemetry"]["acknowledged"] == tables["engine_telemetry"]["scheduled"]
    assert "500 a bad day" in ended.report["troubles"]
    assert ended.report["lost_rows"]["refusal"] == ended.total["failed"]


async def test_connections_closed_without_an_answer(server: Server, stream: Stream) -> None:
    server.act = lambda number: Act(store=0, close=True) if number % 5 == 0 else GOOD
    ended = await stream()
    assert ended.status == 0, ended.output
    assert len(rows_of_rate(server)) == RATE * SECONDS == ended.total["acknowledged"]
    assert ended.total["acknowledged_unclear"] > 0


async def test_a_server_that_acknowledges_and_drops_is_found_out(server: Server, stream: Stream) -> None:
    server.act = lambda number: Act(store=0) if number % 4 == 0 else GOOD
    ended = await stream()
    assert ended.total["acknowledged"] == RATE * SECONDS
    assert ended.status == 1
    # Rows about the run itself are in no ledger.
    stored = sum(table != PIPELINE_METRICS.name for table, _, _ in server.rows)
    verification = ended.report["verification"]
    acknowledged = sum(
        table["acknowledged"] for part in ("tables", "beside") for table in verification[part].values()
    )
    assert f"stored {stored:,} of {acknowledged:,} acknowledged rows" in ended.report["verdict_text"]
    assert " lost" in ended.output
    # The page that is drawn of the report says it, too.
    page = render_report(read(ended.file))
    assert f"{stored:,} of {acknowledged:,} acknowledged rows" in page


async def test_a_server_that_stores_nothing_is_not_filled(server: Server, stream: Stream) -> None:
    """Accepts and does not store: new rows are held back at the limit, counted as missed, and it is said."""
    server.backlog = lambda accepted: accepted
    server.buffers, server.flush_status = True, 403
    ended = await stream("--max-backlog", "1", seconds=8)
    assert ended.status == 1
    assert ended.report["max_backlog_rows"] == RATE
    # The guard looks once a second: what it lets in is the limit and what came between two looks.
    assert server.accepted <= 3 * RATE
    assert ended.total["missed"] > 0
    assert ended.total["missed"] == ended.report["lost_rows"]["backlog"]
    assert ended.report["bound"] == "backlog"
    assert "holding new rows back" in ended.output
    assert "stored 0 of " in ended.report["verdict_text"]
    assert max(backlog for backlog in ended.report["timeline"]["backlog"] if backlog) > RATE


async def test_the_stream_goes_on_when_the_server_has_stored(server: Server, stream: Stream) -> None:
    first: list[float] = []

    def backlog(accepted: int) -> int:
        if accepted and not first:
            first.append(time.monotonic())
        # Longer than rows may be late; then it has stored all at once.
        return accepted if not first or time.monotonic() - first[0] < 6.5 else 0

    server.backlog = backlog
    ended = await stream("--max-backlog", "0.5", seconds=9)
    assert ended.status == 1
    assert ended.total["missed"] > 0
    assert "sending on" in ended.output
    assert ended.report["verification"]["ok"], "what was acknowledged is stored, whatever was missed"
    line = ended.report["timeline"]
    assert line["acknowledged"][-2] > 0, "it did not go on"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
async def test_squeezed_bodies_are_fewer_bytes_and_the_same_rows(
    server: Server, stream: Stream, compression: str
) -> None:
    plain = await stream()
    rows, server.rows = set(rows_of_rate(server)), []
    squeezed = await stream("--compression", compression)
    assert squeezed.status == 0, squeezed.output
    assert squeezed.report["compression"] == compression
    assert len(rows) == len(rows_of_rate(server))
    assert 0 < squeezed.report["wire_bytes"] < plain.report["wire_bytes"] / 2


async def test_two_processes_have_one_ledger(server: Server, stream: Stream) -> None:
    ended = await stream("--processes", "2")
    assert ended.status == 0, ended.output
    assert len(set(rows_of_rate(server))) == len(rows_of_rate(server)) == RATE * SECONDS
    assert [process["shard"] for process in ended.report["processes"]] == [0, 1]
