"""A run that is watched, through the commands: rows in the real engine, and metrics while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nascar.monitor.table import PIPELINE_METRICS
from nascar.telemetry.columns import Kind
from tests.cli.conftest import TOKEN, Engine, Nascar
from tests.stream.conftest import DATABASE as FAKE_DATABASE
from tests.stream.conftest import TOKEN as FAKE_TOKEN
from tests.stream.conftest import Act, Server

DATABASE = "watched"
NAME = PIPELINE_METRICS.name
SECONDS = 5


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was watched."""

    engine: Engine
    report: dict[str, Any]
    output: str

    def ask(self, columns: str, rest: str = "") -> list[list[Any]]:
        return self.engine.ask(DATABASE, f"SELECT {columns} FROM {NAME} {rest}")

    def column(self, name: str) -> list[float | None]:
        return [row[0] for row in self.ask(name, "ORDER BY time")]


@pytest.fixture(scope="module")
def watched(engine: Engine, nascar: Nascar, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "data").mkdir()
    (folder / "data" / "rows").write_bytes(b"x" * 2_000_000)
    report = folder / "run.json"
    run = nascar(
        *("stream", "--url", engine.url, "--database", DATABASE, "--rate", "6000", "--cars", "10"),
        *("--duration", str(SECONDS), "--ask-every", "0.1", "--report", str(report)),
        *("--server-data", str(folder / "data"), "--server-proc", str(folder / "nowhere")),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    verified = nascar("verify", "--report", str(report), "--url", engine.url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return Run(engine, json.loads(report.read_text()), run.stdout)


def test_every_row_is_stored_and_stands_in_no_ledger(watched: Run) -> None:
    counts = watched.report["monitor"]
    assert counts["lost"] == 0
    assert counts["rows"] == counts["acknowledged"]
    ((stored,),) = watched.ask("COUNT(*)")
    assert stored == counts["rows"]
    assert NAME not in watched.report["tables"]
    assert NAME not in watched.report["beside"]
    assert NAME not in watched.output, "there is nothing to say of what went well"


def test_there_is_one_row_for_each_second_of_the_run(watched: Run) -> None:
    seconds = [int(row[0]) for row in watched.ask("epoch_us(time)", "ORDER BY time")]
    assert all(second % 1_000_000 == 0 for second in seconds)
    assert seconds == sorted(set(seconds))
    start_us = datetime.fromisoformat(watched.report["started_at"]).timestamp() * 1e6
    assert start_us - 1e6 <= seconds[0] <= start_us + 3e6
    # The row of the second in which it had ended is the last.
    assert start_us + SECONDS * 1e6 <= seconds[-1] <= start_us + (watched.report["elapsed_s"] + 3) * 1e6


def test_columns_have_the_types_of_the_table(watched: Run) -> None:
    for column in PIPELINE_METRICS.columns:
        ((found,),) = watched.ask(f"DISTINCT typeof({column.name})")
        assert found == ("TIMESTAMP WITH TIME ZONE" if column.kind is Kind.TIME else "DOUBLE"), column.name


def test_every_row_of_the_run_is_in_one_place(watched: Run) -> None:
    rows = watched.ask("scheduled_rows, acknowledged_rows + failed_rows + missed_rows + waiting_rows")
    assert rows
    for scheduled, places in rows:
        assert scheduled == places
    assert watched.column("acknowledged_rows")[-1] == SECONDS * 6_000


def test_the_server_is_seen_in_them(watched: Run) -> None:
    stored = [rows for rows in watched.column("stored_rows") if rows is not None]
    assert stored == sorted(stored)
    assert stored[-1] > SECONDS * 6_000 / 2
    assert any(age is not None and 0 < age < 30 for age in watched.column("newest_row_age_s"))
    for number in range(1, 9):
        assert any(ms is not None and ms > 0 for ms in watched.column(f"question_{number}_ms")), number
    assert watched.column("server_disk_mb")[-1] == 2.0
    assert watched.column("server_files")[-1] == 1
    assert any(cores is not None and cores > 0 for cores in watched.column("generator_cpu_cores"))


def test_what_is_not_known_is_null(watched: Run) -> None:
    """The folder with the server's files is not there."""
    for name in ("server_cpu_cores", "server_memory_mb", "server_read_mb_s", "server_write_mb_s"):
        assert set(watched.column(name)) == {None}


def test_without_the_watching_there_is_no_such_table(engine: Engine, nascar: Nascar, tmp_path: Path) -> None:
    report = tmp_path / "run.json"
    run = nascar(
        *("stream", "--url", engine.url, "--database", "unwatched", "--rate", "6000", "--cars", "10"),
        *("--duration", "1", "--no-monitor", "--report", str(report)),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(report.read_text())["monitor"] is None
    assert engine.ask("unwatched", "SELECT COUNT(*) FROM engine_telemetry") == [[2_000]]
    assert engine.ask("unwatched", f"SELECT COUNT(*) FROM {NAME}") == [], (
        "an answer without rows: no such table"
    )


async def test_what_was_lost_is_said_and_costs_nothing_else(server: Server, tmp_path: Path) -> None:
    """A disk that is full for these rows only."""
    act = Act(store=0, status=500, error="no space left on device")
    server.act_of_table = lambda table: act if table == NAME else None
    report = tmp_path / "run.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nascar", "stream", "--url", server.url, "--database", FAKE_DATABASE),
        *("--rate", "6000", "--duration", "2", "--cars", "10", "--report", str(report)),
        env={**os.environ, "ARC_TOKEN": FAKE_TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await asyncio.wait_for(process.communicate(), 80))[0].decode()
    assert process.returncode == 0, output
    written = json.loads(report.read_text())
    counts = written["monitor"]
    assert counts["lost"] == counts["rows"] > 0
    assert counts["acknowledged"] == 0
    assert f"{NAME}: {counts['lost']} of {counts['rows']} rows were not written" in output
    assert written["troubles"] == written["beside_troubles"] == {}
    assert "no space left" not in output


def test_a_port_that_is_taken_ends_it_before_anything_is_sent(engine: Engine, nascar: Nascar) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = nascar(
            *("stream", "--url", engine.url, "--database", "never", "--rate", "6000", "--duration", "1"),
            *("--metrics-port", port),
        )
    assert run.returncode == 2
    assert f"127.0.0.1:{port}" in run.stderr
    assert "--metrics-port" in run.stderr
    assert "Ledger" not in run.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ("--metrics-port", "70000"),
        ("--metrics-port", "http"),
        ("--ask-every", "-1"),
        ("--ask-every", "often"),
        ("--ask-every", "5", "--no-monitor"),
        ("--metrics-host", "127.0.0.1"),
    ],
)
def test_bad_flags_are_refused_with_what_would_be_right(
    run_here: Callable[..., tuple[int, str, str]], flags: tuple[str, ...]
) -> None:
    status, _, said = run_here("stream", "--dry-run", *flags)
    assert status == 2
    assert flags[0] in said
    assert "give" in said


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An endless ``nascar …`` that serves metrics, and where; ended by Ctrl-C, as a person would."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nascar", *arguments, "--metrics-port", "0"],
        env={**os.environ, "ARC_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        while (found := re.search(r"Metrics at (http://\S+)/metrics", said)) is None:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield process, found[1]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def scrape(url: str, until: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """What is served, as soon as it is so, all labels added up."""
    for _ in range(200):
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
            text = response.read().decode()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for one in family.samples:
                found[one.name] = found.get(one.name, 0.0) + one.value
        if until(found):
            return found
        time.sleep(0.1)
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as response:
            assert response.status == 200
    raise AssertionError(f"it did not come about: {found}")


def test_metrics_are_served_while_it_runs_and_ctrl_c_ends_it(engine: Engine) -> None:
    stream = ("stream", "--url", engine.url, "--database", "served", "--rate", "6000", "--cars", "10")
    with running(*stream, "--duration", "0") as (process, url):
        found = scrape(url, lambda found: found.get("nascar_acknowledged_rows_total", 0) > 6_000)
    assert found["nascar_target_rows_per_second"] == 6_000
    settled = sum(found[f"nascar_{name}_rows_total"] for name in ("acknowledged", "failed", "missed"))
    assert found["nascar_scheduled_rows_total"] == settled + found["nascar_waiting_rows"]
    assert process.returncode == 0
    assert TOKEN not in str(found)


def test_a_dry_run_serves_metrics_too_and_knows_no_server() -> None:
    with running("stream", "--dry-run", "--duration", "0", "--rate", "6000", "--cars", "10") as (_, url):
        found = scrape(url, lambda found: found.get("nascar_acknowledged_rows_total", 0) > 0)
    assert not [name for name in found if "server" in name or "stored" in name]


def test_the_demo_watches_its_own_engine(tmp_path: Path) -> None:
    demo = ("demo", "--seconds", "0", "--rate", "6000", "--cars", "10", "--data-dir", str(tmp_path))
    with running(*demo) as (process, url):
        found = scrape(url, lambda found: "nascar_question_duration_seconds" in found)
        assert found["nascar_server_cpu_cores"] >= 0
        assert found["nascar_server_memory_bytes"] > 1e6
        assert found["nascar_server_files"] > 0
    assert process.returncode == 0
