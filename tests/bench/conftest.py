"""A race to measure, and a short ladder that was really climbed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nascar.bench import record
from nascar.bench.record import Record
from nascar.bench.sink import HOST
from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race


@pytest.fixture
def pipeline() -> Callable[[], Pipeline]:
    """Makes the rows of eight cars at 96,000 a second, the same each time."""

    def make() -> Pipeline:
        return Pipeline(packaged_race(8), rate=96_000, batch_size=2_000, seed=7)

    return make


@pytest.fixture
async def refusing() -> AsyncIterator[str]:
    """Address of a server that is ready, and refuses all rows."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /ready"):
            status = "200 OK"
        elif b"Content-Length: 0" in head:
            status = "400 Bad Request"
        else:
            status = "422 Unprocessable Content"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.write_eof()
        while await reader.read(65536):
            pass
        writer.close()

    async with await asyncio.start_server(refuse, HOST, 0) as server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"


Bench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Run ``nascar bench …`` to its end; `token` goes into ARC_TOKEN."""
    # What compiles here, for as long as it takes, is there for the commands, which have a time limit.
    packaged_race(cars=1).race(1).advance(1)

    def run(*arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "ARC_TOKEN"}
        if token is not None:
            environment["ARC_TOKEN"] = token
        return subprocess.run(
            [sys.executable, "-m", "nascar", "bench", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@dataclass(frozen=True, slots=True)
class Climbed:
    """A ladder that was climbed, and what it left."""

    status: int
    output: str
    record: Record
    json: Path
    page: Path


@pytest.fixture(scope="session")
def climbed(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Climbed:
    """Two short levels into the embedded engine, with the questions asked as fast as they are answered."""
    folder = tmp_path_factory.mktemp("ladder")
    ended = bench(
        *("ladder", "--levels", "6000,12000", "--seconds", "3", "--ask-every", "0", "--warm-up", "0"),
        *("--cars", "10", "--processes", "1", "--data-dir", str(folder / "data"), "--out", str(folder)),
    )
    assert ended.returncode in (0, 1), ended.stderr
    (file,) = folder.glob("*.json")
    return Climbed(ended.returncode, ended.stdout, record.read(file), file, file.with_suffix(".html"))
