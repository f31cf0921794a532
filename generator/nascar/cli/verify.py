"""``nascar verify``: read the stored rows back and compare them with the ledger of a run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from nascar.cli.arguments import add_server, seconds, token_of
from nascar.errors import UsageError
from nascar.stream import report as reports
from nascar.stream.client import Client
from nascar.stream.readback import verify


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="read the stored rows back and compare them with a run's ledger",
        description="Counts the stored rows of each table in the run's own time range and compares them with "
        "the acknowledged rows of its report: status 0 if they are equal, 1 if not.",
        epilog="Example: ARC_TOKEN=… nascar verify --report run.json --url http://localhost:8000",
    )
    parser.add_argument(
        "--report",
        type=Path,
        required=True,
        help="report written by `nascar stream --report`",
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
    report = reports.read(args.report)
    if report.get("dry_run"):
        raise UsageError(
            f"{args.report} is of a dry run: nothing was sent. Run `nascar stream` without --dry-run."
        )
    database = args.database or report["database"]
    async with Client(args.url, token, database=database, request_timeout_s=60) as client:
        await client.wait_ready(timeout_s=5)
        verification = await verify(
            report, client, args.deadline, tell=lambda text: print(text, file=sys.stderr)
        )
    print(verification.text())
    if verification.ok:
        print("Next: ask the eight questions with `nascar queries`.")
    return 0 if verification.ok else 1
