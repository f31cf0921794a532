#!/usr/bin/env python3
"""Record the terminal of a real run as docs/terminal.svg, for the README.

    scripts/record_terminal.py --seconds 45 --rate 612000

Runs the demo's own parts (engine, stream, questions), draws the screen as it is after the given time, then
ends the run. Nothing in the picture is drawn by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from nascar.asking import QuestionRounds
from nascar.cli.arguments import DEFAULT_DATABASE
from nascar.cli.demo import QUESTION_PAUSE_S
from nascar.cli.pipeline import Pipeline
from nascar.cli.questions import QuestionBoard
from nascar.cli.race_format import packaged_race
from nascar.cli.terminal import Screen
from nascar.engine import EngineProcess
from nascar.questions import load_questions
from nascar.stream.client import Client
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings

ROOT = Path(__file__).parents[1]
WIDTH = 132


async def record(seconds: float, rate: int, seed: int) -> None:
    console = Console(
        record=True, width=WIDTH, force_terminal=True, color_system="truecolor", file=io.StringIO()
    )
    pipeline = Pipeline(packaged_race(), rate, 10_000, seed)
    async with EngineProcess(ROOT / ".demo", 20, rate, seconds) as engine:
        settings = StreamSettings(engine.url, DEFAULT_DATABASE, rate, 300, 500, token=engine.token)
        run = Run(settings, pipeline.feed_at)
        async with Client(
            engine.url, engine.token, database=DEFAULT_DATABASE, request_timeout_s=60
        ) as client:
            rounds = QuestionRounds(load_questions(), client, DEFAULT_DATABASE)
            board = QuestionBoard(rounds)
            streaming = asyncio.create_task(run.run())
            await asyncio.sleep(5)
            asking = asyncio.create_task(rounds.keep_asking(QUESTION_PAUSE_S))
            await asyncio.sleep(seconds - 5)
            console.print(Screen(console, run, pipeline.entries, pipeline.standings, board.picture).picture())
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            run.stop()
            await streaming
    (ROOT / "docs").mkdir(exist_ok=True)
    # The picture needs no network: the fonts that rich would fetch are left to the reader's machine.
    own_fonts = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    title = f"make demo RATE={rate}"
    console.save_svg(str(ROOT / "docs" / "terminal.svg"), title=title, code_format=own_fonts)
    print("Wrote docs/terminal.svg")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--rate", type=int, default=612_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    asyncio.run(record(args.seconds, args.rate, args.seed))


if __name__ == "__main__":
    main()
