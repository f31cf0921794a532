"""The embedded engine with ten minutes of plausible rows in it, asked as Grafana's datasource asks."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import pytest

from nascar.telemetry.schema import TABLES, Column, Kind, Table

TOKEN = "grafana-tests-token-of-32-characters-or-more"
DATABASE = "nascar_telemetry"
CARS = 40
SECONDS = 600
TEAMS = 12
MANUFACTURERS = ("Chevrolet", "Ford", "Toyota")


Ask = Callable[[str, str], tuple[list[str], list[list[Any]]]]
"""Columns and rows that a panel's SQL answers with over its range, such as "5m"."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that speaks Arc's API; every request names the database in a header, as the plugin does."""

    url: str
    end_s: int
    """Rows lie in the ten minutes before this instant, whole seconds since 1970."""

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=body,
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Content-Type": content_type,
                "x-arc-database": DATABASE,
            },
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: bytes = response.read()
            return answer

    def query(self, sql: str) -> tuple[list[str], list[list[Any]]]:
        body = json.dumps({"sql": sql}).encode()
        answer = json.loads(self.post("/api/v1/query", body, "application/json"))
        assert answer["success"] is True
        return answer["columns"], answer["data"]

    def ask(self, sql: str, time_from: str) -> tuple[list[str], list[list[Any]]]:
        """`sql` with its macros replaced as the datasource and Grafana replace them, over `time_from`."""
        seconds = int(time_from[:-1]) * {"s": 1, "m": 60}[time_from[-1]]
        for macro, instant in (("$__timeFrom()", self.end_s - seconds), ("$__timeTo()", self.end_s)):
            sql = sql.replace(macro, f"'{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}'")
        return self.query(sql.replace("$car", "24"))


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("arc")
    command = [sys.executable, "-m", "embedded_arc", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--data-dir", str(folder / "data")],
            env={**os.environ, "ARC_AUTH_BOOTSTRAP_TOKEN": TOKEN},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(f"http://127.0.0.1:{port}", int(time.time()))
        _wait_ready(server, process, folder / "log")
        for table in TABLES:
            body = {"m": table.name, "columns": {c.name: _values(c, server.end_s) for c in table.columns}}
            server.post("/api/v1/write/msgpack", msgpack.packb(body), "application/msgpack")
        server.post("/api/v1/write/line-protocol/flush", b"", "text/plain")
        _wait_stored(server, TABLES[-1])
        yield server.ask
    finally:
        process.terminate()
        process.wait(30)


def _wait_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"{server.url}/ready", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)


def _wait_stored(server: Server, table: Table) -> None:
    end = time.monotonic() + 30
    while not (server.query(f"SELECT COUNT(*) AS n FROM {table.name}")[1] or [[0]])[0][0]:
        assert time.monotonic() < end, "the rows did not become visible"
        time.sleep(0.1)


def _values(column: Column, end_s: int) -> list[Any]:
    """One value per car and second, oldest first: names by car, laps of 30 s, sensors over their range."""
    return [_value(column, end_s, second, car) for second in range(SECONDS) for car in range(1, CARS + 1)]


def _value(column: Column, end_s: int, second: int, car: int) -> Any:
    if column.kind is Kind.TIME:
        return (end_s - SECONDS + second) * 1_000_000 + car
    if column.kind is Kind.TEXT:
        names = {
            "driver": f"Driver {car}",
            "team": f"Team {car % TEAMS}",
            "manufacturer": MANUFACTURERS[car % 3],
        }
        return names[column.name]
    if column.name == "car_number":
        return car
    if column.name == "lap":
        return 1 + second // 30
    assert column.range is not None
    low, high = column.range
    value = low + (high - low) * (0.5 + 0.5 * math.sin(second / 5 + car))
    return round(value) if column.kind is Kind.INT else value
