"""``nascar stream``: the published command line. Streams a race into a server and accounts for every row."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from nascar.cli import arguments
from nascar.cli.command import run_command
from nascar.cli.pipeline import Pipeline, add_rate, pipeline_of
from nascar.cli.race_format import add_race, add_start_lap
from nascar.cli.summary import output_console, print_summary
from nascar.cli.terminal import Screen
from nascar.errors import UsageError
from nascar.stream import report as reports
from nascar.stream.report import RunFacts
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.verdict import Verdict, verdict
from nascar.telemetry.sampler import TimeUnit

DEFAULT_DURATION_S = 60.0
DEFAULT_PREGENERATE = 500
DEFAULT_WORKERS = 300

_DESCRIPTION = """\
Simulates a race of 40 cars and streams its telemetry into Arc at a fixed rate: three tables, one message is
one row. Every row is scheduled at its own time; what was acknowledged, failed or missed is in the ledger at
the end. Beside them, and not counted in the rate, go three low-rate tables: race_events, lap_times and
track_position. Status 0: the rate was held within 1 % and no row failed or was missed, beside it neither.
Status 1: not. Status 2: wrong input, nothing was sent.
"""

_EPILOG = """\
Example: a minute at the rate of a real race, with a report to verify afterwards
  export ARC_TOKEN=…
  %(prog)s --url http://localhost:8000 --rate 612000 --duration 60 --report run.json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a stream; the first ten are the published ones."""
    arguments.add_server(parser)
    add_race(parser)
    add_start_lap(parser)
    add_rate(parser)
    parser.add_argument(
        "--duration",
        type=arguments.seconds(0),
        help=f"duration in seconds, 0 until stopped (default: {DEFAULT_DURATION_S:g})",
        metavar="SECONDS",
    )
    parser.add_argument(
        "--batch-size",
        type=arguments.whole_number(1, arguments.MOST_BATCH_ROWS),
        default=arguments.DEFAULT_BATCH_SIZE,
        help="most messages in a batch, at least the number of cars (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--pregenerate-batches",
        type=arguments.whole_number(1, 1_000_000),
        default=DEFAULT_PREGENERATE,
        help="most encoded batches that wait to be sent; never more than a quarter of a second or 64 MB ahead of "
        "the schedule, for live rows cannot be made long before their time (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--workers",
        type=arguments.whole_number(1, arguments.MOST_WORKERS),
        default=DEFAULT_WORKERS,
        help="most requests in flight (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--full-race",
        action="store_true",
        help=f"stream a whole race of three hours: --duration {arguments.FULL_RACE_S}",
    )
    parser.add_argument(
        "--report", type=Path, help="write the ledger and the measurements as JSON", metavar="FILE"
    )
    parser.add_argument(
        "--time-unit",
        type=_time_unit,
        default=TimeUnit.US,
        help="unit of the column time; ms is the published form and merges samples of 5,100 Hz (default: us)",
        metavar="us|ms",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="everything but the network, as fast as it goes: no server and no token needed",
    )
    parser.set_defaults(run=run)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    configure(
        commands.add_parser(
            "stream",
            help="stream a race into a server and account for every row",
            description=_DESCRIPTION,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The published script: ``nascar stream`` under its own name."""
    parser = argparse.ArgumentParser(
        prog="nascar_telemetry.py",
        description=_DESCRIPTION,
        epilog=_EPILOG.replace("%(prog)s", "python3 %(prog)s"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configure(parser)
    return run_command(parser, argv)


def run(args: argparse.Namespace) -> int:
    settings = StreamSettings(
        url=args.url,
        database=args.database,
        rate=args.rate,
        workers=args.workers,
        pregenerate_batches=args.pregenerate_batches,
        token="" if args.dry_run else arguments.token_of(args),
        dry_run=args.dry_run,
    )
    duration_s = _duration_s(args)
    pipeline = pipeline_of(args, args.batch_size, duration_s, args.time_unit)
    if args.report is not None:
        reports.check_writable(args.report)
    console = output_console()
    result = asyncio.run(stream(console, settings, pipeline))
    judged = verdict(result)
    facts = RunFacts(args.seed, args.cars, args.time_unit.value, tuple(sys.argv[1:]))
    report = reports.build(result, judged, facts)
    if args.report is not None:
        # Before anything is printed: a reader of the output that goes away must not cost the report.
        reports.write(report, args.report)
    print_summary(console, result, judged)
    _say_what_next(console, args, result, judged)
    return 0 if judged.ok else 1


async def stream(console: Console, settings: StreamSettings, pipeline: Pipeline) -> Result:
    """Run until the end or until Ctrl-C, with the screen beside it."""
    run = Run(settings, pipeline.feed_at)
    with stopping_on_signals(run):
        async with Screen(console, run, pipeline):
            return await run.run()


class stopping_on_signals:  # noqa: N801 - a context manager that reads as a sentence
    """Ctrl-C and SIGTERM end `run` by draining, so that the ledger is printed."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._run.stop)

    def __exit__(self, *exc: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _time_unit(text: str) -> TimeUnit:
    try:
        return TimeUnit(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no unit of the times; give us or ms") from None


def _duration_s(args: argparse.Namespace) -> float | None:
    if args.full_race:
        if args.duration is not None:
            raise UsageError(
                f"--full-race lasts {arguments.FULL_RACE_S:,} s. Give it or --duration, not both."
            )
        return float(arguments.FULL_RACE_S)
    duration_s = DEFAULT_DURATION_S if args.duration is None else float(args.duration)
    return None if duration_s == 0 else duration_s


def _say_what_next(console: Console, args: argparse.Namespace, result: Result, judged: Verdict) -> None:
    if result.settings.dry_run:
        console.print("Next: the same with a server, without --dry-run.")
    elif not result.ledger.total().acknowledged:
        console.print("Next: look at the server's log, then try again.")
    elif args.report is not None:
        console.print(
            f"Next: count what is stored with `nascar verify --report {args.report} --url {args.url}`, "
            f"ask with `nascar queries --url {args.url}`.",
            soft_wrap=True,
        )
    else:
        console.print(
            f"Next: ask the eight questions with `nascar queries --url {args.url}`; "
            "add --report FILE.json to have the stored rows verified.",
            soft_wrap=True,
        )
