#!/usr/bin/env python3
"""Measure the generator and the embedded engine on this machine, and write docs/measurements.md.

    make bench                      all of it: a dry run, then MINUTES=10 at RATE=612000
    scripts/measure.py --minutes 1  a short one, printed and kept as JSON, without touching the document

CPU and memory are read from outside, by process, once a second. The document is written from the JSON that
lies beside it in docs/measurements/, never by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from nascar.engine import EngineProcess
from nascar.questions import for_database, load_questions
from nascar.stream import report as reports
from nascar.stream.client import Client
from nascar.stream.readback import verify
from nascar.telemetry.schema import TABLES

ROOT = Path(__file__).parents[1]
DATABASE = "nascar_telemetry"


@dataclass
class Process:
    """One process, watched from outside: CPU-seconds and memory once a second."""

    pid: int
    cpu_s: list[float] = field(default_factory=list)
    rss_bytes: list[int] = field(default_factory=list)

    def look(self) -> None:
        try:
            process = psutil.Process(self.pid)
            times = process.cpu_times()
            self.rss_bytes.append(process.memory_info().rss)
            self.cpu_s.append(times.user + times.system)
        except psutil.NoSuchProcess:
            return

    def cores(self, from_s: int, to_s: int) -> float:
        """Mean cores used between two seconds of the run."""
        part = self.cpu_s[from_s : to_s + 1]
        return (part[-1] - part[0]) / (len(part) - 1) if len(part) > 1 else float("nan")

    def most_mb(self, from_s: int, to_s: int) -> float:
        return max(self.rss_bytes[from_s : to_s + 1], default=0) / 1e6


def machine() -> dict[str, Any]:
    """What this is measured on; no name, no address."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or "unknown",
    }


def dry_run(seconds: int, rate: int) -> dict[str, Any]:
    """Everything but the network, in one process."""
    report = _stream(["--dry-run", "--duration", str(seconds), "--rate", str(rate)])
    rows = sum(table["acknowledged"] for table in report["tables"].values())
    return {
        "rows": rows,
        "cpu_s": report["cpu_s"],
        "rows_per_cpu_s": rows / report["cpu_s"],
        "max_rss_mb": report["max_rss_bytes"] / 1e6,
    }


def _stream(arguments: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "report.json"
        subprocess.run(
            [sys.executable, "-m", "nascar", "stream", *arguments, "--report", str(file)],
            stdout=subprocess.DEVNULL,
            check=False,
        )
        return dict(json.loads(file.read_text()))


async def engine_run(rate: int, seconds: int) -> dict[str, Any]:
    """The generator into the embedded engine, with the eight questions asked every ten seconds."""
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".demo-") as directory:
        async with EngineProcess(Path(directory), 20, rate, seconds) as engine:
            file = Path(directory) / "report.json"
            generator = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "nascar", "stream", "--url", engine.url, "--rate", str(rate)),
                *("--duration", str(seconds), "--report", str(file)),
                env={**os.environ, "ARC_TOKEN": engine.token},
                stdout=asyncio.subprocess.DEVNULL,
            )
            client_side, server_side = Process(generator.pid), Process(engine.pid)
            disk_mb: list[float] = []
            behind_s: list[float] = []
            times_ms: dict[str, list[float]] = {}
            async with Client(engine.url, engine.token, database=DATABASE, request_timeout_s=60) as client:
                asking = asyncio.create_task(_ask(client, times_ms, behind_s))
                next_look = time.monotonic()
                while generator.returncode is None:
                    client_side.look()
                    server_side.look()
                    disk_mb.append(_size_mb(Path(directory)))
                    next_look += 1.0
                    try:
                        await asyncio.wait_for(generator.wait(), max(0.0, next_look - time.monotonic()))
                    except TimeoutError:
                        continue
                asking.cancel()
                # A question that failed ended the asking, and must not end in silence.
                with contextlib.suppress(asyncio.CancelledError):
                    await asking
                report = reports.read(file)
                verification = await verify(report, client, deadline_s=60)
    steady, end = 10, len(client_side.cpu_s) - 5
    first_minute = min(60, end)
    return {
        "rate": rate,
        "seconds": seconds,
        "verdict": report["verdict_text"],
        "tables": report["tables"],
        "verified": verification.ok,
        "stored": {table.table: table.stored for table in verification.tables},
        "latency_ms": report["latency_ms"],
        "generator": {
            "cores": client_side.cores(steady, end),
            "max_rss_mb_first_minute": client_side.most_mb(0, first_minute),
            "max_rss_mb": client_side.most_mb(0, end),
            "cores_last_minute": client_side.cores(max(steady, end - 60), end),
        },
        "engine": {
            "cores": server_side.cores(steady, end),
            "max_rss_mb": server_side.most_mb(0, end),
            "max_disk_mb": max(disk_mb),
            "behind_s_median": statistics.median(behind_s) if behind_s else None,
            "behind_s_max": max(behind_s, default=None),
        },
        "queries_ms": {
            slug: {"median": statistics.median(ms), "max": max(ms), "asked": len(ms)}
            for slug, ms in times_ms.items()
        },
    }


async def _ask(client: Client, times_ms: dict[str, list[float]], behind_s: list[float]) -> None:
    """Every ten seconds: how old is the newest visible row, and how long do the questions take?"""
    while True:
        await asyncio.sleep(10)
        for table in TABLES:
            answer = await client.query(f"SELECT epoch(MAX(time)) FROM {DATABASE}.{table.name}")
            if answer.rows and answer.rows[0][0] is not None:
                behind_s.append(time.time() - float(answer.rows[0][0]))
        for question in load_questions():
            answer = await client.query(for_database(question.sql, DATABASE))
            times_ms.setdefault(question.slug, []).append(answer.elapsed_s * 1000)


def _size_mb(directory: Path) -> float:
    total = 0
    for folder, _, files in os.walk(directory):
        for file in files:
            try:
                total += (Path(folder) / file).stat().st_size
            except OSError:
                continue
    return total / 1e6


def document(found: dict[str, Any], name: str) -> str:
    """docs/measurements.md, written from what was found."""
    on, dry, run = found["machine"], found["dry_run"], found["engine_run"]
    generator, engine = run["generator"], run["engine"]
    acknowledged = sum(table["acknowledged"] for table in run["tables"].values())
    lost = sum(table["missed"] + table["failed"] for table in run["tables"].values())
    due, send = run["latency_ms"]["due"], run["latency_ms"]["send"]
    lines = [
        "# Measurements",
        "",
        "Written by `scripts/measure.py`; the raw numbers are in "
        f"[`measurements/{name}`](measurements/{name}). Nothing here says how fast Arc is: the server is the "
        "embedded engine.",
        "",
        f"Machine: {on['cores']} cores ({on['cpu']}), {on['memory_gb']} GB, Linux {on['kernel']}, Python "
        f"{on['python']}. Date: {found['date']}. Commit: {on['commit']}. Command: `{found['command']}`. "
        "Generator, engine and questions share the cores, and so does whatever else the machine runs.",
        "",
        "| what | measured |",
        "|---|---|",
        f"| dry run: race, rows and encoding, one process | {dry['rows_per_cpu_s'] / 1e6:.1f} M messages per "
        f"CPU-second ({dry['rows']:,} in {dry['cpu_s']:.1f} s), {dry['max_rss_mb']:.0f} MB |",
        f"| run | {run['rate']:,} messages/s for {run['seconds']} s: {run['verdict']} |",
        f"| rows acknowledged / missed or failed / stored | {acknowledged:,} / {lost:,} / "
        f"{sum(run['stored'].values()):,}, {'equal' if run['verified'] else 'NOT equal'} |",
        f"| write latency from the due time, P50 / P95 / P99 / max | {_four(due)} ms |",
        f"| write latency from the send, P50 / P95 / P99 / max | {_four(send)} ms |",
        f"| generator: CPU, whole run / last minute | {generator['cores']:.2f} / "
        f"{generator['cores_last_minute']:.2f} cores |",
        f"| generator: most memory, first minute / whole run | {generator['max_rss_mb_first_minute']:.0f} / "
        f"{generator['max_rss_mb']:.0f} MB |",
        f"| engine: CPU, questions included | {engine['cores']:.2f} cores |",
        f"| engine: most memory | {engine['max_rss_mb']:,.0f} MB |",
        f"| engine: most disk | {engine['max_disk_mb']:,.0f} MB |",
        f"| newest visible row is behind the clock by, median / most | {engine['behind_s_median']:.2f} / "
        f"{engine['behind_s_max']:.2f} s |",
        "",
        "The eight questions, asked every ten seconds while the rows flow (as published, by the client's clock):",
        "",
        "| question | asked | median ms | most ms |",
        "|---|---|---|---|",
    ]
    for slug, ms in run["queries_ms"].items():
        lines.append(f"| {slug} | {ms['asked']} | {ms['median']:,.0f} | {ms['max']:,.0f} |")
    return "\n".join(lines) + "\n"


def _four(ms: dict[str, float]) -> str:
    return " / ".join(f"{ms[name]:,.1f}" for name in ("p50", "p95", "p99", "max"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=612_000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--write", action="store_true", help="write docs/measurements.md and its JSON")
    args = parser.parse_args()
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": f"scripts/measure.py --rate {args.rate} --minutes {args.minutes:g}",
        "machine": machine(),
        "dry_run": dry_run(60, args.rate),
        "engine_run": asyncio.run(engine_run(args.rate, int(args.minutes * 60))),
    }
    name = f"{found['date']}.json"
    print(json.dumps(found, indent=2))
    if args.write:
        folder = ROOT / "docs" / "measurements"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(found, indent=2) + "\n")
        (ROOT / "docs" / "measurements.md").write_text(document(found, name))
        print("Next: read docs/measurements.md", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
