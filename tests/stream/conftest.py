"""A small source of batches, and a real server on loopback that does what servers do on bad days."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb
import msgpack
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from aiohttp import web

from nascar.stream.settings import StreamSettings
from nascar.stream.source import BatchHead, BesideSource

TOKEN = "a-token-of-at-least-thirty-two-characters"
DATABASE = "laps"
BATCH_ROWS = 100
TABLES = ("pace", "grip", "heat")


class LentBody:
    """A body that knows whether it was given back, and refuses to be given back twice."""

    def __init__(self, source: FakeSource, data: bytes) -> None:
        self._source = source
        self._data = bytearray(data)
        self._lent = True

    @property
    def data(self) -> memoryview:
        assert self._lent, "read after release"
        return memoryview(self._data)

    def release(self) -> None:
        assert self._lent, "released twice"
        self._lent = False
        # What still points here would now send rows that nobody decodes.
        self._data[:] = b"\xc1" * len(self._data)
        self._source.live -= 1


class FakeSource:
    """`rate` rows a second in batches of `BATCH_ROWS`, taking turns over three tables.

    Every row is unique by (car_number, time). `padding` bytes make a body heavy.
    """

    def __init__(
        self,
        start_us: int,
        rate: int,
        duration_s: float | None,
        *,
        padding: int = 0,
        on_encode: Callable[[int], None] = lambda index: None,
        beside: BesideSource | None = None,
    ) -> None:
        self.start_us = start_us
        self.rate = rate
        self._batches = None if duration_s is None else round(duration_s * rate / BATCH_ROWS)
        self._padding = padding
        self._on_encode = on_encode
        self._beside = beside
        self.live = 0
        self.most_live = 0
        self.encoded: list[int] = []

    @property
    def tables(self) -> tuple[str, ...]:
        return TABLES

    @property
    def beside(self) -> BesideSource | None:
        return self._beside

    @property
    def batches(self) -> int | None:
        return self._batches

    @property
    def rows(self) -> int:
        assert self._batches is not None
        return self._batches * BATCH_ROWS

    def head(self, index: int) -> BatchHead:
        batch_us = BATCH_ROWS * 1_000_000 // self.rate
        first = self.start_us + index * batch_us
        return BatchHead(
            index=index,
            table=TABLES[index % len(TABLES)],
            rows=BATCH_ROWS,
            first_time_us=first,
            last_time_us=first + (BATCH_ROWS - 1) * batch_us // BATCH_ROWS,
            due_us=first + batch_us,
        )

    def encode(self, index: int) -> LentBody:
        assert not self.encoded or index > self.encoded[-1], "indices never go back"
        self._on_encode(index)
        self.encoded.append(index)
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        head = self.head(index)
        times = np.linspace(head.first_time_us, head.last_time_us, head.rows).astype(np.int64)
        columns: dict[str, Any] = {"time": times.tolist(), "car_number": list(range(head.rows))}
        if self._padding:
            columns["padding"] = ["x" * (self._padding // head.rows)] * head.rows
        return LentBody(self, msgpack.packb({"m": head.table, "columns": columns}))


Fault = Callable[[int], "Act"]
"""What the server does with write number n, counted from 0."""


@dataclass(frozen=True, slots=True)
class Act:
    """How one write is treated, in this order: wait, store, then answer or not."""

    delay_s: float = 0.0
    store: int = 1
    """How many times the rows are stored."""
    status: int | None = 204
    """None: no answer; the connection is reset."""
    close: bool = False
    """Close the connection properly, without an answer."""
    error: str = "a bad day"


GOOD = Act()


@dataclass
class Server:
    """Arc's contract as far as the stream needs it, with faults to order."""

    act: Fault = lambda number: GOOD
    act_of_table: Callable[[str], Act | None] = lambda table: None
    """What it does with a write of this table, whatever its number; None leaves it to `act`."""
    writes: list[int] = field(default_factory=list)
    """Bytes of every write with a body that arrived whole, in order."""
    empty_writes: int = 0
    database: str | None = None
    tokens: dict[str, int] = field(default_factory=lambda: {TOKEN: 204})
    """Status that a write with this token gets; 401 for any other."""
    rows: list[tuple[str, int, int]] = field(default_factory=list)
    """(table, car_number, time in µs) of all stored rows."""
    unflushed: list[tuple[str, int, int]] = field(default_factory=list)
    buffers: bool = False
    """Stored rows become visible by a flush only."""
    stats_status: int = 200
    stats_delay_s: float = 0.0
    flush_status: int = 200
    backlog: Callable[[int], int] = lambda accepted: 0
    """Rows in memory only, from rows accepted."""
    accepted: int = 0
    ready_status: int = 200
    queries: list[str] = field(default_factory=list)
    unanswered: int = 0
    """So many of the next queries get a 503."""
    requests: int = 0
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0
    _runner: web.AppRunner | None = None
    _dying: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._dying.clear()
        app = web.Application(client_max_size=2**30)
        app.router.add_get("/ready", self._ready)
        app.router.add_post("/api/v1/write/msgpack", self._write)
        app.router.add_get("/api/v1/write/msgpack/stats", self._stats)
        app.router.add_post("/api/v1/write/line-protocol/flush", self._flush)
        app.router.add_post("/api/v1/query", self._query)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Die: all connections break, and new ones are refused."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            self._dying.set()
            for connection in list(runner.server.connections if runner.server else []):
                if connection.transport is not None:
                    connection.transport.abort()
            await runner.cleanup()

    def stored(self, table: str | None = None) -> int:
        return sum(1 for row in self.rows if table is None or row[0] == table)

    @property
    def distinct(self) -> int:
        return len(set(self.rows))

    def _refusal(self, request: web.Request) -> web.Response | None:
        status = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), 401)
        self.requests += 1
        if status in (401, 403):
            message = "Permission denied: write required" if status == 403 else "Invalid or expired token"
            return web.json_response({"success": False, "error": message}, status=status)
        return None

    async def _ready(self, request: web.Request) -> web.Response:
        return web.Response(status=self.ready_status)

    async def _write(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._treat(request)
        finally:
            self.at_once -= 1

    async def _treat(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        assert request.headers.get("Content-Length") == str(len(body))
        if not body:
            self.empty_writes += 1
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if not body:
            return web.json_response({"error": "Empty payload"}, status=400)
        self.database = request.headers.get("x-arc-database")
        number = len(self.writes)
        self.writes.append(len(body))
        body = _plain(body)
        act = self.act_of_table(msgpack.unpackb(body)["m"]) or self.act(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._dying.wait(), act.delay_s)
            raise ConnectionAbortedError("the server dies")
        for _ in range(act.store):
            self._keep(body)
        if act.close:
            assert request.transport is not None
            request.transport.close()
            return web.Response(status=500)
        if act.status is None:
            reset(request)
            return web.Response(status=500)
        if act.status == 204:
            return web.Response(status=204)
        return web.json_response({"error": act.error}, status=act.status)

    def _keep(self, body: bytes) -> None:
        content = msgpack.unpackb(body)
        columns = content["columns"]
        times = columns["time"]
        # Not every table is about cars.
        cars = columns.get("car_number", [0] * len(times))
        rows = [(content["m"], c, t) for c, t in zip(cars, times, strict=True)]
        self.accepted += len(rows)
        (self.unflushed if self.buffers else self.rows).extend(rows)

    async def _stats(self, request: web.Request) -> web.Response:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._dying.wait(), self.stats_delay_s)
        if self.stats_status != 200:
            return web.json_response({"error": "no"}, status=self.stats_status)
        written = self.accepted - self.backlog(self.accepted)
        buffer = {"total_records_buffered": self.accepted, "total_records_written": written}
        return web.json_response({"buffer": buffer, "decoder": {}})

    async def _flush(self, request: web.Request) -> web.Response:
        if self.flush_status != 200:
            return web.json_response({"error": "Permission denied: admin required"}, status=self.flush_status)
        self.show()
        return web.json_response({"success": True})

    def show(self) -> None:
        """Make all stored rows visible, as a flush does."""
        self.rows += self.unflushed
        self.unflushed = []

    async def _query(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if self.unanswered:
            self.unanswered -= 1
            return web.json_response({"success": False, "error": "not now"}, status=503)
        sql = str((await request.json())["sql"])
        self.queries.append(sql)
        header = request.headers.get("x-arc-database")
        if header is not None and re.search(r"FROM \w+\.", sql):
            error = "db.table is not allowed with x-arc-database"
            return web.json_response({"success": False, "error": error}, status=400)
        try:
            columns, rows = self._answer(sql, "main" if header is not None else DATABASE)
        except duckdb.Error as error:
            return web.json_response({"success": False, "error": str(error)}, status=500)
        return web.json_response(
            {"success": True, "columns": columns, "data": rows, "execution_time_ms": 1.5}
        )

    def _answer(self, sql: str, schema: str) -> tuple[list[str], list[list[Any]]]:
        with duckdb.connect() as engine:
            engine.execute("SET TimeZone = 'UTC'")
            if schema != "main":
                engine.execute(f"CREATE SCHEMA {schema}")
            for table in sorted(
                {*TABLES, *(row[0] for row in self.rows), *re.findall(r"FROM (?:\w+\.)?(\w+)", sql)}
            ):
                found = [(car, time) for name, car, time in self.rows if name == table]
                if not found and re.search(rf"\b{table}\b", sql):
                    return [], []
                stored = pa.table(
                    {
                        "car_number": pa.array([car for car, _ in found], pa.int64()),
                        "time": pa.array([time for _, time in found], pa.timestamp("us", "UTC")),
                    }
                )
                engine.register("stored", stored)
                engine.execute(f"CREATE TABLE {schema}.{table} AS SELECT * FROM stored")
            answer = engine.execute(sql)
            columns = [str(column[0]) for column in answer.description or []]
            return columns, [list(row) for row in answer.fetchall()]


def _plain(body: bytes) -> bytes:
    """What was squeezed, told as Arc does by the first bytes."""
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    return zstandard.decompress(body) if body[:4] == b"\x28\xb5\x2f\xfd" else body


def reset(request: web.Request) -> None:
    """Break the connection with a RST."""
    transport = request.transport
    assert transport is not None
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def dead_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(server: Server) -> Callable[..., StreamSettings]:
    """Settings for short runs against the server, with any of them changed."""

    def make(**changes: Any) -> StreamSettings:
        chosen: dict[str, Any] = {
            "url": server.url,
            "database": DATABASE,
            "rate": 6_000,
            "workers": 20,
            "pregenerate_batches": 50,
            "token": TOKEN,
            "ahead_s": 0.2,
            "late_limit_s": 0.6,
            "request_timeout_s": 2.0,
            "drain_s": 3.0,
            "ready_timeout_s": 1.0,
        }
        return StreamSettings(**{**chosen, **changes})

    return make
