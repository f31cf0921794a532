"""An engine in the test's own event loop, one as a process of its own, and clients for both."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import msgpack
import pytest

from embedded_arc.run import running
from embedded_arc.settings import Settings
from tests.embedded_arc.sealed import Bench, filled

TOKEN = "0123456789abcdef0123456789abcdef"
T0_US = 1_748_779_200_000_000
"""2025-06-01T12:00:00Z."""


@dataclass(slots=True)
class Client:
    """A client that says what it wants to see: statuses and bodies, no exceptions."""

    url: str
    session: aiohttp.ClientSession
    token: str | None = TOKEN

    def as_(self, token: str | None) -> Client:
        return replace(self, token=token)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **given: Any
    ) -> tuple[int, Any]:
        """Status, and the answer as JSON where it is some."""
        head = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        async with self.session.request(
            method, self.url + path, headers={**head, **(headers or {})}, **given
        ) as answer:
            body = await answer.read()
            if answer.content_type == "application/json" and body:
                return answer.status, await answer.json()
            return answer.status, body

    async def write(
        self, body: object, database: str | None = "db", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        data = bytes(body) if isinstance(body, bytes | bytearray) else msgpack.packb(body)
        given = {} if database is None else {"x-arc-database": database}
        return await self.send("POST", "/api/v1/write/msgpack", {**given, **(headers or {})}, data=data)

    async def query(self, sql: object, database: str | None = None) -> tuple[int, Any]:
        head = {} if database is None else {"x-arc-database": database}
        return await self.send("POST", "/api/v1/query", head, json={"sql": sql})

    async def rows(self, sql: str, database: str | None = None) -> list[list[Any]]:
        """The rows of a query that must succeed."""
        status, answer = await self.query(sql, database)
        assert status == 200, answer
        rows: list[list[Any]] = answer["data"]
        return rows

    async def flush(self) -> None:
        status, answer = await self.send("POST", "/api/v1/write/line-protocol/flush")
        assert (status, answer) == (200, {"status": "success", "message": "All buffers flushed"})

    async def stored(self, body: object, database: str = "db") -> None:
        """Write and flush."""
        assert await self.write(body, database) == (204, b"")
        await self.flush()


def columns(table: str, /, **values: list[Any]) -> dict[str, Any]:
    """A map of columns, with a time for each row."""
    count = len(next(iter(values.values())))
    return {"m": table, "columns": {"time": [T0_US + i for i in range(count)], **values}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An engine that flushes only when asked to."""
    return Settings(
        data_dir=tmp_path / "data", bootstrap_token=TOKEN, port=0, flush_age_s=3600.0, keep_s=None
    )


@contextlib.asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[Client]:
    async with running(settings) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)


@contextlib.asynccontextmanager
async def client_at(url: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(url, session)


@pytest.fixture
def client() -> Callable[[str], contextlib.AbstractAsyncContextManager[Client]]:
    """A client for an engine that runs already: ``async with client(url) as arc``."""
    return client_at


@pytest.fixture
def engine() -> Callable[[Settings], contextlib.AbstractAsyncContextManager[Client]]:
    """Start an engine with given settings: ``async with engine(settings) as arc``."""
    return client_of


@pytest.fixture
async def arc(settings: Settings) -> AsyncIterator[Client]:
    """A running engine that flushes only when asked to."""
    async with client_of(settings) as client:
        yield client


@pytest.fixture
def cols() -> Callable[..., dict[str, Any]]:
    return columns


@dataclass(slots=True)
class Process:
    """An engine as a process."""

    process: subprocess.Popen[str]
    url: str
    errors: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://").split(":")[0]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def end(self, number: int) -> int:
        """Send a signal and wait for the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


Launch = Callable[..., Process]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start ``python -m embedded_arc``; what still runs at the end of the test is stopped."""
    started: list[Process] = []

    def begin(*arguments: str, data_dir: Path = tmp_path / "data", token: str = TOKEN) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded_arc", "--port", "0", "--data-dir", str(data_dir), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "ARC_AUTH_BOOTSTRAP_TOKEN": token},
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.fullmatch(r"embedded_arc ready at (http://\S+)\n", line)
        if match is None:
            process.kill()
            raise AssertionError(f"no address: {line!r} {process.communicate()[1]}")
        made = Process(process, match[1])
        assert process.stderr is not None
        # Read on, or a full pipe stops the engine.
        threading.Thread(target=made.errors.extend, args=(process.stderr,), daemon=True).start()
        started.append(made)
        return made

    yield begin
    for made in started:
        if made.process.poll() is None:
            made.end(signal.SIGTERM)
        for stream in (made.process.stdin, made.process.stdout, made.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def bench(settings: Settings) -> Iterator[Bench]:
    with filled(replace(settings, segment_s=0.0, segment_rows=1)) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The same for tests that only read."""
    folder = tmp_path_factory.mktemp("shared")
    with filled(Settings(folder, "x" * 32, keep_s=None, segment_s=0.0, segment_rows=1)) as made:
        yield made
