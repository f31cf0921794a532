"""A real engine for the commands, and the commands as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nascar.cli.main import main
from nascar.cli.race_format import packaged_race
from nascar.telemetry import sampler
from tests.stream.conftest import Server

TOKEN = "a-token-for-tests-of-more-than-32-characters"

Nascar = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class Engine:
    """The embedded engine as a process of its own."""

    url: str
    process: subprocess.Popen[str]

    def ask(self, database: str, sql: str) -> list[list[Any]]:
        """The rows that a query of bare table names answers with."""
        request = urllib.request.Request(
            self.url + "/api/v1/query",
            data=json.dumps({"sql": sql}).encode(),
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Content-Type": "application/json",
                "x-arc-database": database,
            },
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert answer["success"], answer
        rows: list[list[Any]] = answer["data"]
        return rows


def start_engine(directory: Path) -> Engine:
    """Start an engine with `TOKEN` on a free port; the caller ends it."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "embedded_arc",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--data-dir",
            str(directory),
        ],
        env={**os.environ, "ARC_AUTH_BOOTSTRAP_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert " at http://" in line, line
    return Engine(line.rpartition(" at ")[2].strip(), process)


def end_engine(engine: Engine) -> None:
    engine.process.terminate()
    engine.process.wait(timeout=30)
    if engine.process.stdout is not None:
        engine.process.stdout.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    started = start_engine(tmp_path_factory.mktemp("engine"))
    yield started
    end_engine(started)


@pytest.fixture(scope="session")
def nascar() -> Nascar:
    """Run ``nascar …`` to its end; `token` goes into ARC_TOKEN."""
    # What compiles here, for as long as it takes, is there for the commands, which have a time limit.
    packaged_race(cars=1).race(1).advance(1)
    sampler.prepare()

    def run(
        *arguments: str, token: str | None = TOKEN, timeout: float = 90
    ) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "ARC_TOKEN"}
        if token is not None:
            environment["ARC_TOKEN"] = token
        return subprocess.run(
            [sys.executable, "-m", "nascar", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def run_here(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run ``nascar …`` in this process: status, stdout and stderr. For what ends before anything is sent."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that does what servers do on bad days."""
    server = Server()
    await server.start()
    yield server
    await server.stop()
