"""Measure the embedded engine: CPU for a row, memory, disk, time to visible, and the eight queries while rows flow.

    python scripts/bench_engine.py --rate 612000 --seconds 30 --window 300

Starts an engine on a free port in a temporary folder, fills the window with backdated rows as fast as the
engine takes them, then sends live rows at the rate while it asks the eight questions in turn. Bodies are
encoded beforehand, so that the sender's cost stays out of the picture as far as one machine allows. Ends by
itself and removes what it wrote.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from numpy.typing import NDArray

from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "nascar_telemetry"
TIME_HEADER = b"\xa4time\xdc"
CELL = np.dtype([("tag", "u1"), ("value", ">i8")])


@dataclass(slots=True)
class Body:
    """One request body; its time cells can be moved."""

    data: bytearray
    rows: int
    times: NDArray[Any]
    offsets_us: NDArray[np.int64]
    """Instants of the rows after the start of the tape."""

    def stamp(self, start_us: int) -> bytes:
        self.times["value"] = self.offsets_us + start_us
        return bytes(self.data)


@dataclass(slots=True)
class Tape:
    """Some seconds of a race, encoded once and sent again and again with new times."""

    bodies: list[Body]
    due_us: list[int]
    length_us: int
    rows: int


def record(rate: int, seconds: float) -> Tape:
    pipeline = Pipeline(packaged_race(), rate, 10_000, seed=1, duration_s=seconds)
    feed = pipeline.feed_at(1_000_000_000_000_000)
    bodies, due = [], []
    for index in range(feed.batches or 0):
        head = feed.head(index)
        body = feed.encode(index)
        data = bytearray(body.data)
        body.release()
        at = data.index(TIME_HEADER) + len(TIME_HEADER) + 2
        times = np.frombuffer(data, dtype=CELL, count=head.rows, offset=at)
        offsets = times["value"].astype(np.int64) - 1_000_000_000_000_000
        bodies.append(Body(data, head.rows, times, offsets))
        due.append(head.due_us - 1_000_000_000_000_000)
    return Tape(bodies, due, int(seconds * 1e6), sum(body.rows for body in bodies))


@dataclass(slots=True)
class Run:
    """One engine under measurement."""

    url: str
    token: str
    process: psutil.Process
    data_dir: Path
    session: aiohttp.ClientSession
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def write(self, data: bytes) -> None:
        headers = {**self.headers, "x-arc-database": DATABASE}
        async with self.session.post(
            f"{self.url}/api/v1/write/msgpack", data=data, headers=headers
        ) as answer:
            if answer.status != 204:
                raise RuntimeError(f"write: {answer.status} {await answer.text()}")

    async def ask(self, sql: str) -> dict[str, Any]:
        async with self.session.post(
            f"{self.url}/api/v1/query", json={"sql": sql}, headers=self.headers
        ) as a:
            found: dict[str, Any] = await a.json()
            if a.status != 200:
                raise RuntimeError(f"query: {a.status} {found}")
            return found

    def cpu_s(self) -> float:
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def disk_bytes(self) -> int:
        return sum(path.stat().st_size for path in (self.data_dir / "segments").rglob("*") if path.is_file())


async def fill(run: Run, tape: Tape, window_s: float, start_us: int) -> int:
    """Send `window_s` of backdated rows as fast as they are taken; how many."""
    turns = max(1, round(window_s * 1e6 / tape.length_us))
    rows = 0
    cpu, wall = run.cpu_s(), time.monotonic()
    pending: set[asyncio.Task[None]] = set()
    for turn in range(turns):
        for body in tape.bodies:
            while len(pending) >= 4:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            pending.add(asyncio.create_task(run.write(body.stamp(start_us + turn * tape.length_us))))
            rows += body.rows
    await asyncio.gather(*pending)
    async with run.session.post(f"{run.url}/api/v1/write/line-protocol/flush", headers=run.headers) as answer:
        answer.raise_for_status()
    wall = time.monotonic() - wall
    run.results["fill"] = {
        "rows": rows,
        "stored_rows_per_s": round(rows / wall),
        "cpu_us_per_row": round((run.cpu_s() - cpu) / rows * 1e6, 3),
        "disk_bytes_per_row": round(run.disk_bytes() / rows, 2),
        "rss_mb": round(run.process.memory_info().rss / 2**20),
    }
    print(json.dumps(run.results), file=sys.stderr)
    return rows


async def send_live(run: Run, tape: Tape, start_us: int, stop: asyncio.Event) -> int:
    """Send the tape in real time until stopped; how many rows."""
    rows = turn = 0
    pending: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        base = start_us + turn * tape.length_us
        for body, due in zip(tape.bodies, tape.due_us, strict=True):
            await asyncio.sleep(max(0.0, (base + due) / 1e6 - time.time()))
            if stop.is_set():
                break
            task = asyncio.create_task(run.write(body.stamp(base)))
            pending.add(task)
            task.add_done_callback(pending.discard)
            rows += body.rows
            if len(pending) > 200:
                raise RuntimeError("the engine is 200 requests behind: it does not hold this rate here")
        turn += 1
    await asyncio.gather(*pending)
    return rows


async def watch(run: Run, stop: asyncio.Event, lags_s: list[float], rss: list[int]) -> None:
    """How old the newest row is that a query sees, and the memory, twice a second."""
    sql = f"SELECT epoch_us(max(time)) FROM {DATABASE}.engine_telemetry WHERE time >= now() - INTERVAL '10 seconds'"
    while not stop.is_set():
        newest = (await run.ask(sql))["data"][0][0]
        if newest is not None:
            lags_s.append(time.time() - newest / 1e6)
        rss.append(run.process.memory_info().rss)
        await asyncio.sleep(0.5)


async def measure(run: Run, args: argparse.Namespace) -> None:
    tape = record(args.rate, args.tape)
    if args.window:
        await fill(run, tape, args.window, int((time.time() - args.window) * 1e6))
    stop = asyncio.Event()
    lags_s: list[float] = []
    rss: list[int] = []
    idle_cpu, idle_wall = run.cpu_s(), time.monotonic()
    start_us = int(time.time() * 1e6)
    sender = asyncio.create_task(send_live(run, tape, start_us, stop))
    await asyncio.sleep(args.seconds)
    run.results["live"] = {
        "cores_without_queries": round((run.cpu_s() - idle_cpu) / (time.monotonic() - idle_wall), 3)
    }
    watcher = asyncio.create_task(watch(run, stop, lags_s, rss))
    queries: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        for path in sorted((ROOT / "queries").glob("*.sql")):
            begin = time.monotonic()
            answer = await run.ask(path.read_text())
            queries.setdefault(path.stem, []).append((time.monotonic() - begin) * 1e3)
            if not answer["row_count"]:
                print(f"{path.stem} has no rows", file=sys.stderr)
            await asyncio.sleep(0.2)
    stop.set()
    sent = await sender
    await watcher
    wall = time.monotonic() - idle_wall
    run.results["live"] |= {
        "sent_rows_per_s": round(sent / wall),
        "cores_with_queries": round((run.cpu_s() - idle_cpu) / wall, 3),
        "visible_s_median": round(statistics.median(lags_s), 2),
        "visible_s_max": round(max(lags_s), 2),
        "rss_mb_max": round(max(rss) / 2**20),
        "disk_mb": round(run.disk_bytes() / 2**20),
    }
    run.results["queries_ms"] = {
        name: {"first": round(times[0]), "median": round(statistics.median(times)), "max": round(max(times))}
        for name, times in queries.items()
    }


def start_engine(data_dir: Path, token: str, extra: Sequence[str]) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "embedded_arc", "--port", "0", "--data-dir", str(data_dir), *extra]
    engine = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "ARC_AUTH_BOOTSTRAP_TOKEN": token}
    )
    assert engine.stdout is not None
    match = re.search(r"http://\S+", engine.stdout.readline())
    if match is None:
        raise SystemExit("the engine did not start; its message is above")
    return engine, match[0]


async def main(args: argparse.Namespace) -> None:
    token = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="bench-engine-", dir=args.dir) as folder:
        engine, url = start_engine(Path(folder), token, args.engine)
        try:
            async with aiohttp.ClientSession() as session:
                run = Run(url, token, psutil.Process(engine.pid), Path(folder), session)
                await measure(run, args)
                print(json.dumps(run.results, indent=1))
        finally:
            engine.terminate()
            engine.wait(60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=612_000, help="rows a second over all tables")
    parser.add_argument("--seconds", type=float, default=20, help="live rows before the first question")
    parser.add_argument("--window", type=float, default=0, help="seconds of backdated rows to begin with")
    parser.add_argument("--rounds", type=int, default=3, help="times that each question is asked")
    parser.add_argument("--tape", type=float, default=2.0, help="seconds of race that are encoded")
    parser.add_argument("--dir", help="where the temporary folder is made")
    parser.add_argument("engine", nargs="*", help="options for the engine, after --")
    asyncio.run(main(parser.parse_args()))
