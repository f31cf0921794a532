"""``nascar demo``: the whole path on one machine. Embedded engine, race, stream, questions, proof."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from nascar.asking import QuestionRounds
from nascar.cli import arguments, monitor_flags
from nascar.cli.pipeline import Pipeline, add_rate, pipeline_of
from nascar.cli.processes import processes_for
from nascar.cli.questions import QuestionBoard
from nascar.cli.race_format import add_race, add_start_lap
from nascar.cli.stream import DEFAULT_PREGENERATE, DEFAULT_WORKERS
from nascar.cli.streaming import Outcome, Streaming
from nascar.cli.summary import output_console, print_summary
from nascar.engine import EngineProcess
from nascar.errors import NascarError
from nascar.monitor.endpoint import Address
from nascar.monitor.settings import MonitorSettings
from nascar.questions import load_questions
from nascar.stream import report as reports
from nascar.stream.client import Client
from nascar.stream.report import RunFacts
from nascar.stream.settings import StreamSettings
from nascar.stream.verdict import Verdict, verdict

DEFAULT_SECONDS: Final = 120.0
KEEP_MINUTES: Final = 20
FIRST_QUESTION_S: Final = 4.0
"""The first rows are visible by then."""
QUESTION_PAUSE_S: Final = 1.0
"""Between two questions: the stream has the machine first."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="the whole demo on this machine: engine, race, stream, questions, proof",
        description="Starts the embedded engine on a free loopback port, streams a race into it, asks the eight "
        "questions while it runs, counts the stored rows at the end and prints the ledger. The engine speaks "
        "Arc's API but is not Arc: nothing here says how fast Arc is.",
        epilog="Example: nascar demo --seconds 60 --rate 300000",
    )
    parser.add_argument(
        "--seconds",
        type=arguments.seconds(0),
        default=DEFAULT_SECONDS,
        help="length of the run, 0 until stopped (default: %(default)g)",
        metavar="N",
    )
    add_rate(parser)
    add_race(parser)
    add_start_lap(parser)
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".demo"),
        help="folder on a disk with room for the engine's data (default: %(default)s)",
        metavar="DIR",
    )
    parser.add_argument(
        "--report", type=Path, help="write the ledger and the measurements as JSON", metavar="FILE"
    )
    monitor_flags.add_metrics(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    pipeline = pipeline_of(args, max(arguments.DEFAULT_BATCH_SIZE, args.cars), args.seconds or None)
    if args.report is not None:
        reports.check_writable(args.report)
    metrics = monitor_flags.metrics_address(args)
    processes = processes_for(pipeline)
    if processes == 1:
        pipeline.prepare()
    return asyncio.run(_run(args, pipeline, processes, metrics))


async def _run(args: argparse.Namespace, pipeline: Pipeline, processes: int, metrics: Address | None) -> int:
    console = output_console()
    console.print(
        f"{len(pipeline.entries)} cars, {args.rate:,} messages/s, "
        + (f"{args.seconds:g} s." if args.seconds else "until stopped with Ctrl-C.")
    )
    async with EngineProcess(args.data_dir, KEEP_MINUTES, args.rate, args.seconds or None) as engine:
        console.print(f"The embedded engine (it speaks Arc's API, it is not Arc) listens at {engine.url}")
        settings = StreamSettings(
            url=engine.url,
            database=arguments.DEFAULT_DATABASE,
            rate=args.rate,
            workers=DEFAULT_WORKERS,
            pregenerate_batches=DEFAULT_PREGENERATE,
            token=engine.token,
        )
        async with Client(
            engine.url, engine.token, database=settings.database, request_timeout_s=60
        ) as client:
            rounds = QuestionRounds(load_questions(), client, settings.database)
            board = QuestionBoard(rounds)
            streaming = Streaming(
                console,
                settings,
                pipeline,
                processes,
                below=board.picture,
                monitor=MonitorSettings(server_pid=engine.pid, server_data=engine.data_dir),
                metrics=metrics,
                question_ms=rounds.times_ms,
            )
            outcome = await _race(streaming, rounds)
            judged = verdict(outcome.result, outcome.verification, outcome.trouble)
            facts = RunFacts(
                args.seed, args.cars, arguments=tuple(sys.argv[1:]), monitor=outcome.monitor_counts
            )
            report = reports.build(outcome.result, judged, facts, outcome.verification)
            if args.report is not None:
                reports.write(report, args.report)
            if outcome.verification is not None and not outcome.result.stopped:
                # The engine is gone: what is known of the run is printed all the same.
                with contextlib.suppress(NascarError):
                    await rounds.ask_all()
    questions = board.picture()
    if questions is not None:
        console.print(questions)
    print_summary(console, outcome.result, judged, outcome.verification, outcome.monitored)
    return _conclude(console, outcome, judged)


async def _race(streaming: Streaming, rounds: QuestionRounds) -> Outcome:
    """The run itself, with the questions asked beside it."""
    asking = asyncio.create_task(_ask_later(rounds))
    try:
        return await streaming.run()
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


async def _ask_later(rounds: QuestionRounds) -> None:
    await asyncio.sleep(FIRST_QUESTION_S)
    await rounds.keep_asking(QUESTION_PAUSE_S)


def _conclude(console: Console, outcome: Outcome, judged: Verdict) -> int:
    verification = outcome.verification
    if judged.suggested_rate is not None:
        console.print(f"Next: a rate that this machine holds: make demo RATE={judged.suggested_rate}")
    elif not outcome.result.ledger.total().scheduled:
        console.print("Nothing was sent: the run ended before the first row was due. Next: make demo")
    elif verification is None:
        console.print("Next: run it to its end, and the stored rows are counted: make demo")
    elif verification.ok:
        stored = sum(table.stored for table in verification.tables)
        beside = sum(table.stored for table in verification.beside)
        more = f"; so are {beside:,} beside the rate" if verification.beside else ""
        console.print(
            f"Proved: {stored:,} rows acknowledged, the same number stored{more}. "
            "Next: the real Arc and Grafana with `make up`, or another race with `make demo SEED=2`."
        )
    else:
        console.print("Next: this should not happen; run it again with --report FILE.json and keep the file.")
    return 0 if judged.ok else 1
