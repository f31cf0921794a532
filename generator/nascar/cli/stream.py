"""``nascar stream``: the published command line. Streams a race into a server and accounts for every row."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from nascar.cli import arguments, monitor_flags, send_flags
from nascar.cli.command import run_command
from nascar.cli.pipeline import add_rate, pipeline_of
from nascar.cli.processes import check_batches, processes_for
from nascar.cli.race_format import add_race, add_start_lap
from nascar.cli.streaming import Outcome, Streaming
from nascar.cli.summary import output_console, print_summary
from nascar.errors import UsageError
from nascar.stream import report as reports
from nascar.stream.report import RunFacts
from nascar.stream.settings import StreamSettings
from nascar.stream.shard import WHOLE
from nascar.stream.verdict import Verdict, verdict
from nascar.telemetry.sampler import TimeUnit

DEFAULT_DURATION_S = 60.0
DEFAULT_PREGENERATE = 500
DEFAULT_WORKERS = 300

_DESCRIPTION = """\
Simulates a race of 40 cars and streams its telemetry into Arc at a fixed rate: three tables, one message is
one row. Every row is scheduled at its own time; what was acknowledged, failed or missed is in the ledger at
the end, and then the stored rows are counted (of a long run while it lasts, window by window). Beside them, and
not counted in the rate, go three low-rate tables: race_events, lap_times and track_position. Status 0: the rate
was held within 1 %, no row failed or was missed, beside it neither, and what was acknowledged is stored.
Status 1: not. Status 2: wrong input, nothing was sent.
"""

_EPILOG = """\
Example: a minute at the rate of a real race
  export ARC_TOKEN=…
  %(prog)s --url http://localhost:8000 --rate 612000 --duration 60

Example: the same run from two machines, the second with --shard 2/2; afterwards count what both sent
  %(prog)s --url http://arc:8000 --rate 6000000 --shard 1/2 --start-at 2027-02-21T19:30:00Z --report one.json
  nascar verify --url http://arc:8000 --report one.json --report two.json
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
    send_flags.add_batch_size(parser)
    parser.add_argument(
        "--pregenerate-batches",
        type=arguments.whole_number(1, 1_000_000),
        default=DEFAULT_PREGENERATE,
        help="most encoded batches that wait to be sent; never more than a tenth of a second or 32 MB ahead of "
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
    send_flags.add_sending(parser)
    parser.add_argument(
        "--shard",
        type=arguments.shard,
        default=WHOLE,
        help="send part I of N of the run; the other parts are sent by other machines with the same flags",
        metavar="I/N",
    )
    parser.add_argument(
        "--start-at",
        type=arguments.future_us,
        help="instant of the first row, the same for all shards (default: as soon as all is ready)",
        metavar="TIME",
    )
    parser.add_argument(
        "--no-verify",
        action="store_true",
        help="do not count what the server has stored of the run",
    )
    monitor_flags.add_metrics(parser)
    monitor_flags.add_monitor(parser)
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
        max_backlog_s=args.max_backlog,
        shard=args.shard,
    )
    duration_s = _duration_s(args)
    pipeline = pipeline_of(args, args.batch_size, duration_s, args.time_unit, args.compression)
    if args.report is not None:
        reports.check_writable(args.report)
    monitor, metrics = monitor_flags.monitor_settings(args), monitor_flags.metrics_address(args)
    processes = args.processes or (1 if args.dry_run else processes_for(pipeline))
    if not args.dry_run:
        check_batches(pipeline, processes * args.shard.count)
    if processes == 1:
        pipeline.prepare()
    console = output_console()
    streaming = Streaming(
        console,
        settings,
        pipeline,
        processes,
        args.start_at,
        prove=not args.no_verify and args.shard.is_whole,
        prove_within_s=args.verify_deadline,
        monitor=monitor,
        metrics=metrics,
    )
    outcome = asyncio.run(_run(streaming))
    judged = verdict(outcome.result, outcome.verification, outcome.trouble)
    facts = RunFacts(
        args.seed,
        args.cars,
        args.time_unit.value,
        tuple(sys.argv[1:]),
        args.compression.value,
        monitor=outcome.monitor_counts,
    )
    report = reports.build(outcome.result, judged, facts, outcome.verification)
    if args.report is not None:
        # Before anything is printed: a reader of the output that goes away must not cost the report.
        reports.write(report, args.report)
    print_summary(console, outcome.result, judged, outcome.verification, outcome.monitored)
    _say_what_next(console, args, outcome, judged)
    return 0 if judged.ok else 1


async def _run(streaming: Streaming) -> Outcome:
    return await streaming.run()


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


def _say_what_next(console: Console, args: argparse.Namespace, outcome: Outcome, judged: Verdict) -> None:
    verification = outcome.verification
    named = "" if args.database == arguments.DEFAULT_DATABASE else f" --database {args.database}"
    if args.dry_run:
        text = "the same with a server, without --dry-run."
    elif outcome.result.stopped and not outcome.result.ledger.total().scheduled:
        text = "it was stopped before its first row was due; run it again."
    elif not outcome.result.ledger.total().acknowledged:
        text = "look at the server's log, then try again."
    elif verification is None and args.report is not None:
        others = "" if args.shard.is_whole else " --report OTHER.json …"
        text = (
            f"count what is stored with `nascar verify --report {args.report}{others} --url {args.url}`, "
            f"ask with `nascar queries --url {args.url}{named}`."
        )
    elif verification is None:
        text = (
            f"ask the eight questions with `nascar queries --url {args.url}{named}`; "
            "with --report FILE.json the stored rows can be counted later."
        )
    elif not verification.ok:
        text = "look at the server's log; was it restarted, or does it delete rows that young?"
    else:
        text = f"ask the eight questions with `nascar queries --url {args.url}{named}`."
    console.print(f"Next: {text}", soft_wrap=True)
