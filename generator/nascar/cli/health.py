"""``nascar health``: are rows of the last seconds queryable? For the health check of a container."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime, timedelta

from nascar.cli.arguments import add_server, token_of
from nascar.errors import ServerError
from nascar.stream.client import Client
from nascar.telemetry.schema import ENGINE

WINDOW_S = 10


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "health",
        help="exit 0 if rows of the last seconds can be queried",
        description=f"Counts the rows of the last {WINDOW_S} s in {ENGINE.name}: status 0 if there are any, "
        "1 if not. The compose file's health check of the generator.",
        epilog="Example: ARC_TOKEN=… nascar health --url http://localhost:8000",
    )
    add_server(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_run(args, token_of(args)))


async def _run(args: argparse.Namespace, token: str) -> int:
    # A literal bound: Arc answers `now() - INTERVAL …` with nothing for a minute after each full hour.
    since = datetime.now(UTC) - timedelta(seconds=WINDOW_S)
    async with Client(args.url, token, database=args.database) as client:
        rows = await client.count(ENGINE.name, f"time >= '{since:%Y-%m-%dT%H:%M:%SZ}'")
    if rows == 0:
        raise ServerError(
            f"No rows of the last {WINDOW_S} s in {args.database}.{ENGINE.name}. Look at the generator's log."
        )
    print(f"{rows:,} rows of the last {WINDOW_S} s in {args.database}.{ENGINE.name}")
    return 0
