"""Measure the embedded engine: rows stored, CPU for a row, memory, disk, how soon rows are seen, and the questions.

    python scripts/bench_engine.py --rate 612000 --window 300 --seconds 60
    python scripts/bench_engine.py --rate 1200000 --no-questions --json

Starts an engine on a free port in a temporary folder, fills the window with backdated rows as fast as the
engine takes them, then sends live rows at the rate while it asks all questions in turn, as published and as the
panels ask them. Bodies are encoded beforehand, so that the sender's cost stays out of the picture as far as one
machine allows. Ends by itself and removes what it wrote. Status 0: everything sent was stored, rows were seen
within two seconds, and every answer took less than one; 1: something of that did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from numpy.typing import NDArray

from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race
from nascar.questions import PUBLISHED_DATABASE as DATABASE
from nascar.questions import for_database, load_questions, queries_directory

TIME_HEADER = b"\xa4time\xdc"
CELL = np.dtype([("tag", "u1"), ("value", ">i8")])
TAPE_START_US = 1_000_000_000_000_000

SEEN_WITHIN_S = 2.0
ANSWERED_WITHIN_MS = 1000.0


@dataclass(slots=True)
class Body:
    """One request body; its time cells can be moved."""

    data: bytearray
    rows: int
    due_us: int
    """When it is complete, after the start of the tape."""
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
    length_us: int


def record(rate: int, seconds: float, from_s: float = 0.0) -> Tape:
    """`seconds` of a race that has run for `from_s`."""
    pipeline = Pipeline(packaged_race(), rate, 10_000, seed=1, duration_s=from_s + seconds)
    feed = pipeline.feed_at(TAPE_START_US)
    start_us = TAPE_START_US + round(from_s * 1e6)
    bodies = []
    for index in range(feed.batches or 0):
        head = feed.head(index)
        if head.due_us <= start_us:
            continue
        body = feed.encode(index)
        data = bytearray(body.data)
        body.release()
        at = data.index(TIME_HEADER) + len(TIME_HEADER) + 2
        times = np.frombuffer(data, dtype=CELL, count=head.rows, offset=at)
        offsets = times["value"].astype(np.int64) - start_us
        bodies.append(Body(data, head.rows, head.due_us - start_us, times, offsets))
    return Tape(bodies, round(seconds * 1e6))


@dataclass(slots=True)
class Run:
    """One engine under measurement."""

    url: str
    token: str
    process: psutil.Process
    data_dir: Path
    session: aiohttp.ClientSession
    lags_s: list[float] = field(default_factory=list)
    """How old the newest row was that a query saw."""
    rss: list[int] = field(default_factory=list)
    backlogs: list[int] = field(default_factory=list)
    """Rows taken and not yet stored."""
    writes_ms: list[float] = field(default_factory=list)
    answers_ms: dict[str, list[float]] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def write(self, data: bytes) -> None:
        headers = {**self.headers, "x-arc-database": DATABASE}
        begin = time.monotonic()
        url = f"{self.url}/api/v1/write/msgpack"
        async with self.session.post(url, data=data, headers=headers) as answer:
            if answer.status != 204:
                raise RuntimeError(f"write: {answer.status} {await answer.text()}")
        self.writes_ms.append((time.monotonic() - begin) * 1e3)

    async def ask(self, sql: str, database: str | None = None) -> dict[str, Any]:
        headers = self.headers if database is None else {**self.headers, "x-arc-database": database}
        async with self.session.post(
            f"{self.url}/api/v1/query", json={"sql": sql}, headers=headers
        ) as answer:
            found: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"query: {answer.status} {found}")
            return found

    async def counters(self) -> tuple[int, int]:
        """Rows taken and rows stored."""
        async with self.session.get(f"{self.url}/api/v1/write/msgpack/stats", headers=self.headers) as answer:
            buffer = (await answer.json())["buffer"]
            return buffer["total_records_buffered"], buffer["total_records_written"]

    async def flush(self) -> None:
        url = f"{self.url}/api/v1/write/line-protocol/flush"
        async with self.session.post(url, headers=self.headers) as answer:
            answer.raise_for_status()

    def cpu_s(self) -> float:
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def disk_bytes(self) -> int:
        return sum(path.stat().st_size for path in (self.data_dir / "segments").rglob("*") if path.is_file())


async def fill(run: Run, tape: Tape, window_s: float, start_us: int) -> dict[str, float]:
    """Send `window_s` of backdated rows as fast as they are taken."""
    rows = 0
    cpu, wall = run.cpu_s(), time.monotonic()
    pending: set[asyncio.Task[None]] = set()
    for turn in range(max(1, round(window_s * 1e6 / tape.length_us))):
        for body in tape.bodies:
            while len(pending) >= 4:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            pending.add(asyncio.create_task(run.write(body.stamp(start_us + turn * tape.length_us))))
            rows += body.rows
    await asyncio.gather(*pending)
    await run.flush()
    wall = time.monotonic() - wall
    return {
        "rows": rows,
        "stored_rows_per_s": round(rows / wall),
        "cpu_ns_per_row": round((run.cpu_s() - cpu) / rows * 1e9),
        "disk_bytes_per_row": round(run.disk_bytes() / rows, 2),
        "rss_mb": round(run.process.memory_info().rss / 2**20),
    }


async def send(run: Run, tape: Tape, start_us: int, stop: asyncio.Event) -> int:
    """Send the tape in real time until stopped; how many rows."""
    rows = turn = 0
    pending: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        base = start_us + turn * tape.length_us
        for body in tape.bodies:
            await asyncio.sleep(max(0.0, (base + body.due_us) / 1e6 - time.time()))
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


async def watch(run: Run, stop: asyncio.Event) -> None:
    """How old the newest row is that a query sees, the backlog and the memory, four times a second."""
    sql = f"SELECT epoch_us(max(time)) FROM {DATABASE}.engine_telemetry WHERE time >= now() - INTERVAL '20 seconds'"
    while not stop.is_set():
        newest = (await run.ask(sql))["data"][0][0]
        run.lags_s.append(time.time() - newest / 1e6 if newest is not None else 20.0)
        taken, stored = await run.counters()
        run.backlogs.append(taken - stored)
        run.rss.append(run.process.memory_info().rss)
        await asyncio.sleep(0.25)


def forms() -> Mapping[str, tuple[str, str | None]]:
    """SQL and database header of every question, as published and as the panels ask it."""
    asked: dict[str, tuple[str, str | None]] = {}
    for question in load_questions():
        asked[question.slug] = (question.sql, None)
    panels = queries_directory() / "panels"
    own = {question.slug: question for question in load_questions(panels)}
    for question in load_questions():
        sql = own.get(question.slug, question).sql
        asked[f"{question.slug} (panel)"] = (for_database(sql, ""), DATABASE)
    return asked


async def question(run: Run, stop: asyncio.Event) -> None:
    """Ask all questions one after another, again and again."""
    while True:
        for name, (sql, database) in forms().items():
            begin = time.monotonic()
            await run.ask(sql, database)
            run.answers_ms.setdefault(name, []).append((time.monotonic() - begin) * 1e3)
            await asyncio.sleep(0.02)
        if stop.is_set():
            return


async def measure(run: Run, args: argparse.Namespace) -> dict[str, Any]:
    tape = record(args.rate, args.tape, args.tape_from)
    results: dict[str, Any] = {"rate": args.rate, "seconds": args.seconds, "window_s": args.window}
    if args.window:
        results["fill"] = await fill(run, tape, args.window, int((time.time() - args.window) * 1e6))
    stop = asyncio.Event()
    run.writes_ms.clear()
    cpu, wall = run.cpu_s(), time.monotonic()
    before = (await run.counters())[1]
    async with asyncio.TaskGroup() as group:
        sender = group.create_task(send(run, tape, int(time.time() * 1e6), stop))
        await asyncio.sleep(3.0)  # before the first rows are seen there is nothing to look at
        group.create_task(watch(run, stop))
        if not args.no_questions:
            group.create_task(question(run, stop))
        await asyncio.sleep(args.seconds)
        stop.set()
    sent, wall, cpu = sender.result(), time.monotonic() - wall, run.cpu_s() - cpu
    await run.flush()
    results["live"] = {
        "sent_rows": sent,
        "stored_rows": (await run.counters())[1] - before,
        "sent_rows_per_s": round(sent / wall),
        "cores": round(cpu / wall, 3),
        "cpu_ns_per_row": round(cpu / sent * 1e9),
        "visible_s": spread(run.lags_s, 2),
        "write_ms": spread(run.writes_ms, 1),
        "most_waiting_rows": max(run.backlogs),
        "rss_mb": round(max(run.rss) / 2**20),
        "disk_mb": round(run.disk_bytes() / 2**20),
    }
    results["questions_ms"] = {
        name: {"asked": len(times), "first": round(times[0]), **spread(times, 0)}
        for name, times in run.answers_ms.items()
    }
    return results


def spread(values: Sequence[float], digits: int) -> dict[str, float]:
    median, p99, most = (round(float(v), digits) for v in np.percentile(values, [50, 99, 100]))
    return {"median": median, "p99": p99, "max": most}


def faults(results: Mapping[str, Any]) -> list[str]:
    """What did not hold."""
    live, found = results["live"], []
    if live["stored_rows"] != live["sent_rows"]:
        found.append(f"stored {live['stored_rows']:,} of {live['sent_rows']:,} rows")
    if live["visible_s"]["max"] > SEEN_WITHIN_S:
        found.append(f"a row was seen only after {live['visible_s']['max']:.2f} s")
    slow = [name for name, times in results["questions_ms"].items() if times["max"] >= ANSWERED_WITHIN_MS]
    if slow:
        found.append(f"a second or more for {', '.join(slow)}")
    return found


def show(results: Mapping[str, Any]) -> None:
    for part in ("fill", "live"):
        for name, value in results.get(part, {}).items():
            text = (
                "  ".join(f"{k} {v:g}" for k, v in value.items()) if isinstance(value, dict) else f"{value:,}"
            )
            print(f"{part:5} {name:20} {text}")
    for name, times in results["questions_ms"].items():
        print(f"ms    {name:28} " + "  ".join(f"{key} {value:g}" for key, value in times.items()))


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


async def main(args: argparse.Namespace) -> int:
    token = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="bench-engine-", dir=args.dir) as folder:
        engine, url = start_engine(Path(folder), token, args.engine)
        try:
            async with aiohttp.ClientSession() as session:
                run = Run(url, token, psutil.Process(engine.pid), Path(folder), session)
                results = await measure(run, args)
        finally:
            engine.terminate()
            engine.wait(60)
    if args.json:
        print(json.dumps(results, indent=1))
    else:
        show(results)
    found = faults(results)
    print("Not held: " + "; ".join(found) if found else "Held.", file=sys.stderr)
    return 1 if found else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rate", type=int, default=612_000, help="rows a second over all tables")
    made.add_argument("--seconds", type=float, default=30, help="how long live rows are watched")
    made.add_argument("--window", type=float, default=0, help="seconds of backdated rows to begin with")
    made.add_argument("--no-questions", action="store_true", help="ask nothing but what is newest")
    made.add_argument("--json", action="store_true", help="print the results as JSON")
    made.add_argument("--tape", type=float, default=2.0, help="seconds of race that are encoded")
    made.add_argument("--tape-from", type=float, default=300.0, help="seconds of race before them")
    made.add_argument("--dir", help="where the temporary folder is made")
    made.add_argument("engine", nargs="*", help="options for the engine, after --")
    return made


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parser().parse_args())))
