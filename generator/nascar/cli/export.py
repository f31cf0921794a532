"""``nascar export``: the same rows as Parquet files, without a server."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from nascar.cli import arguments
from nascar.cli.pipeline import add_rate, pipeline_of
from nascar.cli.race_format import add_race, add_start_lap
from nascar.telemetry.export import export_parquet


def instant(text: str) -> int:
    """A converter for an instant in ISO 8601; without an offset it is UTC. µs since 1970."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an instant; give one such as 2026-05-24T18:00:00Z"
        ) from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if not 1971 <= at.year <= 2200:
        raise argparse.ArgumentTypeError(f"{text!r} lies outside the years 1971 to 2200")
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "export",
        help="write the same rows as Parquet files, without a server",
        description="Writes the rows that a stream with the same seed, rate and start would send into DIR, "
        "one Parquet file for each table, the low-rate tables included.",
        epilog="Example: nascar export ./rows --seconds 10 --rate 612000 --seed 7 --start-at 2026-05-24T18:00:00Z",
    )
    parser.add_argument(
        "directory", type=Path, help="folder to write into: empty, or made if it is not there", metavar="DIR"
    )
    parser.add_argument(
        "--seconds",
        type=arguments.seconds(0.001),
        default=10.0,
        help="seconds of race (default: %(default)g)",
        metavar="N",
    )
    add_rate(parser)
    add_race(parser)
    add_start_lap(parser)
    parser.add_argument(
        "--start-at",
        type=instant,
        help="instant of the first row, ISO 8601, UTC (default: now)",
        metavar="ISO8601",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    start_us = time.time_ns() // 1000 if args.start_at is None else args.start_at
    pipeline = pipeline_of(args, max(arguments.DEFAULT_BATCH_SIZE, args.cars), args.seconds)
    sampler = pipeline.sampler_at(start_us)
    rows = export_parquet(args.directory, sampler, sampler.plan, pipeline.low_rate)
    for table, count in rows.items():
        print(f"{args.directory / (table + '.parquet')}: {count:,} rows")
    print(f"Next: read them with DuckDB: SELECT * FROM '{args.directory}/*_telemetry.parquet' LIMIT 10;")
    return 0
