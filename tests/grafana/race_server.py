"""A server that speaks Arc's API, and ten minutes of a real race to fill it with."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack

from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race
from nascar.monitor.table import PIPELINE_METRICS
from nascar.stream.source import BesideSource
from nascar.telemetry.columns import Kind, Table
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES

TOKEN = "grafana-tests-token-of-32-characters-or-more"
DATABASE = "nascar_telemetry"
SECONDS = 600
RATE = 40 * len(TABLES)
"""One reading of each published table for each of forty cars a second."""
SEED, START_LAP = 1, 61
"""A car crashes a minute later, is out, and the field comes to the pits under yellow."""

Rows = list[list[Any]]


@dataclass(frozen=True, slots=True)
class Server:
    """Asked as Grafana's datasource asks: the database in a header, macros and variables replaced."""

    url: str
    database: str = DATABASE
    end_s: int = 0
    """Rows lie in the ten minutes before this instant, whole seconds since 1970."""
    variables: Mapping[str, str] = field(default_factory=dict)

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": content_type,
            "x-arc-database": self.database,
        }
        request = urllib.request.Request(f"{self.url}{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.code}: {error.read().decode()}") from error

    def query(self, sql: str) -> tuple[list[str], Rows]:
        body = json.dumps({"sql": sql}).encode()
        answer = json.loads(self.post("/api/v1/query", body, "application/json"))
        assert answer["success"] is True
        return answer["columns"], answer["data"]

    def ask(self, sql: str, time_from: str = "15m", **variables: str) -> tuple[list[str], Rows]:
        """Columns and rows of a panel's SQL over its range, such as 5m; `variables` as a viewer chose them."""
        return self.query(self.sent(sql, time_from, **variables))

    def sent(self, sql: str, time_from: str = "15m", **variables: str) -> str:
        """`sql` as it leaves the datasource: Grafana has put the variables in, the plugin the macros."""
        for name, value in {**self.variables, **variables}.items():
            quoted = value.replace("'", "''")
            sql = sql.replace(f"${{{name}:raw}}", value).replace(f"${{{name}:sqlstring}}", f"'{quoted}'")
        seconds = int(time_from[:-1]) * {"s": 1, "m": 60, "h": 3600}[time_from[-1]]
        for macro, instant in (("$__timeFrom()", self.end_s - seconds), ("$__timeTo()", self.end_s)):
            sql = sql.replace(macro, f"'{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}'")
        return sql

    def flush(self) -> None:
        self.post("/api/v1/write/line-protocol/flush", b"", "text/plain")


@contextmanager
def running_engine(folder: Path) -> Iterator[str]:
    """The embedded engine as a process of its own; its address."""
    command = [sys.executable, "-m", "embedded_arc", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder)],
        env={**os.environ, "ARC_AUTH_BOOTSTRAP_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert " at http://" in line, line
        yield line.rpartition(" at ")[2].strip()
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def fill(server: Server) -> None:
    """Ten minutes of the race that end at the server's `end_s`, as the ordinary feed writes them."""
    race = replace(packaged_race(), start_lap=START_LAP)
    pipeline = Pipeline(race, rate=RATE, batch_size=RATE * 10, seed=SEED, duration_s=SECONDS)
    feed = pipeline.feed_at((server.end_s - SECONDS) * 1_000_000)
    beside = feed.beside
    assert beside is not None
    assert feed.batches is not None
    for index in range(feed.batches):
        body = feed.encode(index)
        server.post("/api/v1/write/msgpack", bytes(body.data), "application/msgpack")
        body.release()
        if index % 300 == 299:
            _write_beside(server, beside, feed.head(index).due_us)
    _write_beside(server, beside, server.end_s * 1_000_000)
    content = {"m": PIPELINE_METRICS.name, "columns": pipeline_columns(server.end_s)}
    server.post("/api/v1/write/msgpack", msgpack.packb(content), "application/msgpack")
    server.flush()
    for table in (*TABLES, *LOW_RATE_TABLES, PIPELINE_METRICS):
        _wait_stored(server, table.name)


def pipeline_columns(end_s: int) -> dict[str, list[Any]]:
    """A run at the published rate: all goes well but for a second in which the server stands still."""
    seconds = range(SECONDS)
    stall = SECONDS // 2
    columns: dict[str, list[Any]] = {"time": [(end_s - SECONDS + second) * 1_000_000 for second in seconds]}
    for column in PIPELINE_METRICS.columns:
        if column.kind is Kind.TIME:
            continue
        match column.name:
            case "target_rate":
                values = [612_000.0 for _ in seconds]
            case "offered_rate" | "acknowledged_rate" | "stored_rate":
                values = [612_000.0 + 900 * math.sin(second / 7) for second in seconds]
            case "scheduled_rows" | "acknowledged_rows" | "stored_rows":
                values = [612_000.0 * (second + 1) for second in seconds]
            case "late_rows" | "missed_rows" | "failed_rows" | "waiting_rows":
                values = [0.0 if second < stall else 1200.0 for second in seconds]
            # Nobody knows it in this run.
            case "server_read_mb_s":
                values = [math.nan for _ in seconds]
            case _:
                values = [
                    20.0 + 3 * math.sin(second / 11) + (40 if second == stall else 0) for second in seconds
                ]
        columns[column.name] = values
    return columns


def write_row(server: Server, table: Table, age_s: int = 30, **given: Any) -> None:
    """A row `age_s` before the server's `end_s`: what is `given`, else car 24 with the least value of each range."""
    plain = {Kind.TEXT: "24", Kind.TIME: (server.end_s - age_s) * 1_000_000}
    row: dict[str, Any] = {}
    for column in table.columns:
        low = (column.range or (0, 0))[0]
        number = 24 if column.name == "car_number" else int(low) if column.kind is Kind.INT else float(low)
        row[column.name] = given.get(column.name, plain.get(column.kind, number))
    content = {"m": table.name, "columns": {name: [value] for name, value in row.items()}}
    server.post("/api/v1/write/msgpack", msgpack.packb(content), "application/msgpack")


def _write_beside(server: Server, beside: BesideSource, until_us: int) -> None:
    for _, body in beside.take(until_us):
        server.post("/api/v1/write/msgpack", bytes(body.data), "application/msgpack")
        body.release()


def _wait_stored(server: Server, table: str) -> None:
    end = time.monotonic() + 30
    while not (server.query(f"SELECT COUNT(*) AS n FROM {table}")[1] or [[0]])[0][0]:
        assert time.monotonic() < end, f"the rows of {table} did not become visible"
        time.sleep(0.1)
