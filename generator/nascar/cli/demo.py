"""``nascar demo``: the whole path on one machine. Embedded engine, race, stream, questions, proof."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from nascar.cli import arguments
from nascar.cli.engine import EngineProcess
from nascar.cli.pipeline import Pipeline, add_rate, pipeline_of
from nascar.cli.questions import QuestionBoard
from nascar.cli.race_format import add_race, add_start_lap
from nascar.cli.stream import DEFAULT_PREGENERATE, DEFAULT_WORKERS, stopping_on_signals
from nascar.cli.summary import output_console, print_summary
from nascar.cli.terminal import Screen
from nascar.errors import NascarError
from nascar.questions import load_questions
from nascar.stream import report as reports
from nascar.stream.client import Client
from nascar.stream.readback import Verification, verify
from nascar.stream.report import RunFacts
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.verdict import Verdict, verdict

DEFAULT_SECONDS: Final = 120.0
KEEP_MINUTES: Final = 20
COUNT_S: Final = 60.0
"""The engine has this long to store what it acknowledged."""
FIRST_QUESTION_S: Final = 4.0
"""The first rows are visible by then."""


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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    pipeline = pipeline_of(args, max(arguments.DEFAULT_BATCH_SIZE, args.cars), args.seconds or None)
    if args.report is not None:
        reports.check_writable(args.report)
    return asyncio.run(_run(args, pipeline))


async def _run(args: argparse.Namespace, pipeline: Pipeline) -> int:
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
            board = QuestionBoard(load_questions(), client, settings.database)
            result = await _race(console, settings, pipeline, board)
            judged = verdict(result)
            report = reports.build(
                result, judged, RunFacts(args.seed, args.cars, arguments=tuple(sys.argv[1:]))
            )
            if args.report is not None:
                reports.write(report, args.report)
            verification = None
            trouble: NascarError | None = None
            try:
                if result.ledger.total().scheduled and _is_all_kept(result):
                    console.print("The race is over; counting what is stored ...")
                    verification = await verify(report, client, deadline_s=COUNT_S)
                    if not result.stopped:
                        await board.ask_all()
            except NascarError as error:
                # The engine is gone: what is known of the run is printed all the same.
                trouble = error
    questions = board.picture()
    if questions is not None:
        console.print(questions)
    print_summary(console, result, judged, verification)
    if trouble is not None:
        console.print(Text(f"The stored rows could not be counted: {trouble}", style="bold red"))
        return 1
    return _conclude(console, result, judged, verification)


async def _race(
    console: Console, settings: StreamSettings, pipeline: Pipeline, board: QuestionBoard
) -> Result:
    """The run itself, with the questions asked beside it."""
    run = Run(settings, pipeline.feed_at)
    asking = asyncio.create_task(_ask_later(board))
    try:
        with stopping_on_signals(run):
            async with Screen(console, run, pipeline, board.picture):
                return await run.run()
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


async def _ask_later(board: QuestionBoard) -> None:
    await asyncio.sleep(FIRST_QUESTION_S)
    await board.keep_asking()


def _is_all_kept(result: Result) -> bool:
    """Whether the engine still holds the run from its first row on."""
    return result.covered_s < KEEP_MINUTES * 60


def _conclude(console: Console, result: Result, judged: Verdict, verification: Verification | None) -> int:
    if judged.suggested_rate is not None:
        console.print(f"Next: a rate that this machine holds: make demo RATE={judged.suggested_rate}")
    elif not result.ledger.total().scheduled:
        console.print("Nothing was sent: the run ended before the first row was due. Next: make demo")
    elif verification is None:
        console.print(
            f"Not counted: the engine keeps {KEEP_MINUTES} minutes and this run was longer. "
            "Next: a run within them ends with the stored rows counted."
        )
    elif verification.ok:
        stored = sum(table.stored for table in verification.tables)
        beside = sum(table.stored for table in verification.beside)
        console.print(
            f"Proved: {stored:,} rows acknowledged, the same number stored; so are {beside:,} beside the rate. "
            "Next: the real Arc and Grafana with `make up`, or another race with `make demo SEED=2`."
        )
    else:
        console.print("Next: this should not happen; run it again with --report FILE.json and keep the file.")
    return 0 if judged.ok and (verification is None or verification.ok) else 1
