"""``nascar verify``: read the stored rows back and compare them with the ledger of a run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from nascar.cli.arguments import add_server, seconds, token_of
from nascar.errors import UsageError
from nascar.stream import report as reports
from nascar.stream.client import Client
from nascar.stream.readback import verify
from nascar.stream.report import Report


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="read the stored rows back and compare them with a run's ledger",
        description="Counts the stored rows of each table in the run's own time range and compares them with "
        "the acknowledged rows of its report: status 0 if they are equal, 1 if not. `nascar stream` does the same at "
        "its end; this is for later, and for runs whose shards were sent by several machines.",
        epilog="Example: ARC_TOKEN=… nascar verify --report run.json --url http://localhost:8000",
    )
    parser.add_argument(
        "--report",
        type=Path,
        required=True,
        action="append",
        help="report written by `nascar stream --report`; give it once for each shard of a run",
        metavar="FILE",
    )
    add_server(parser)
    parser.set_defaults(database=None)
    next(
        action for action in parser._actions if action.dest == "database"
    ).help = "database name (default: the report's)"
    parser.add_argument(
        "--deadline",
        type=seconds(0, 3600),
        default=30.0,
        help="wait this long for the server to store what it acknowledged (default: %(default)g)",
        metavar="SECONDS",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_run(args, token_of(args)))


async def _run(args: argparse.Namespace, token: str) -> int:
    report = together(args.report)
    database = args.database or report["database"]
    async with Client(args.url, token, database=database, request_timeout_s=60) as client:
        await client.wait_ready(timeout_s=5)
        verification = await verify(
            report, client, args.deadline, tell=lambda text: print(text, file=sys.stderr)
        )
    print(verification.text())
    if verification.ok:
        print(f"Next: ask the eight questions with `nascar queries --url {args.url} --database {database}`.")
    return 0 if verification.ok else 1


def together(paths: Sequence[Path]) -> Report:
    """The report of a run from those of all its shards. Raises `UsageError` if some are missing, or twice."""
    whole = [reports.read(path) for path in paths]
    for path, report in zip(paths, whole, strict=True):
        if report.get("dry_run"):
            raise UsageError(
                f"{path} is of a dry run: nothing was sent. Run `nascar stream` without --dry-run."
            )
    shards = [report.get("shard") or {"index": 1, "count": 1} for report in whole]
    count = shards[0]["count"]
    found = sorted(shard["index"] for shard in shards)
    if any(shard["count"] != count for shard in shards) or found != list(range(1, count + 1)):
        given = ", ".join(f"{shard['index']}/{shard['count']}" for shard in shards)
        raise UsageError(
            f"These are the reports of the shards {given}; a run is counted as a whole. "
            f"Give --report for each of 1/{count} to {count}/{count}, and for no other run."
        )
    for name in ("database", "started_at", "target_rate", "seed", "cars", "time_unit"):
        if len({report.get(name) for report in whole}) > 1:
            raise UsageError(
                f"These reports differ in {name}: they are of different runs. Give those of one."
            )
    return reports.joined(whole)
