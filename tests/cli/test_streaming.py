"""A run as the commands do it, against a real server: counted while it lasts, stopped by a signal."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from nascar.cli import streaming
from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race
from nascar.cli.streaming import Streaming
from nascar.stream.settings import StreamSettings
from tests.cli.conftest import TOKEN as ENGINE_TOKEN
from tests.cli.conftest import Engine
from tests.stream.conftest import DATABASE, TOKEN, Server


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_long_run_is_counted_while_it_lasts(
    server: Server, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "PROVED_AT_ONCE_S", 1.0)
    monkeypatch.setattr(streaming, "LAG_S", 0.2)
    settings = StreamSettings(server.url, DATABASE, 6_000, 20, 50, TOKEN, late_limit_s=20, window_s=0.5)
    pipeline = Pipeline(packaged_race(cars=10), 6_000, 200, seed=1, duration_s=4)
    console = Console(file=io.StringIO())
    outcome = await Streaming(console, settings, pipeline, processes, prove_within_s=5).run()
    assert outcome.trouble is None
    assert outcome.verification is not None
    assert outcome.verification.windows > 0
    assert outcome.verification.ok, outcome.verification.text()
    stored = sum(table.stored for table in outcome.verification.tables)
    assert stored == outcome.result.ledger.total().acknowledged == 24_000
    assert {table.table for table in outcome.verification.beside} >= {"lap_times", "track_position"}


async def test_a_server_that_dies_before_the_counting_is_a_doubt_that_is_said(server: Server) -> None:
    settings = StreamSettings(server.url, DATABASE, 6_000, 20, 50, TOKEN)
    pipeline = Pipeline(packaged_race(cars=10), 6_000, 200, seed=1, duration_s=1)
    server.flush_status = 500
    server.tokens = {TOKEN: 204}
    server.unanswered = 10**6
    outcome = await Streaming(Console(file=io.StringIO()), settings, pipeline, prove_within_s=0.5).run()
    assert outcome.verification is None
    assert outcome.trouble
    assert outcome.result.ledger.total().acknowledged == 6_000


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_ends_with_the_ledger(
    engine: Engine, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nascar", "stream", "--url", engine.url, "--database", "ctrl_c"),
            *("--rate", "30000", "--duration", "0", "--processes", "2", "--report", str(report)),
        ],
        env={**os.environ, "ARC_TOKEN": ENGINE_TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    output = ""
    while "acknowledged" not in output:
        line = process.stdout.readline()
        assert line, output
        output += line
    time.sleep(1)
    # As a terminal does it: to every process of the group.
    os.killpg(process.pid, signal.SIGINT)
    output += process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert "Ledger" in output
    written = json.loads(report.read_text())
    assert written["stopped"]
    assert written["verification"]["ok"]
    for table in written["tables"].values():
        assert table["scheduled"] == table["acknowledged"] > 0


@pytest.mark.parametrize("after_s", [1.0, 1.4, 1.8])
def test_ctrl_c_while_processes_are_being_started_ends_them_all(engine: Engine, after_s: float) -> None:
    """Whatever is being loaded at that moment: nobody is left, and nobody waits for one that is gone."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nascar", "stream", "--url", engine.url, "--database", "early"),
            *("--rate", "30000", "--duration", "60", "--processes", "2"),
        ],
        env={**os.environ, "ARC_TOKEN": ENGINE_TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode != -signal.SIGKILL
