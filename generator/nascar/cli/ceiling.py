"""``nascar bench ceiling``: what the generator can do on this machine, before any database has a say."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from nascar.bench import page, record
from nascar.bench.ceiling import TITLES, Ceiling, Spread
from nascar.bench.ceiling_run import measure
from nascar.cli import arguments, send_flags
from nascar.cli.pipeline import add_rate, pipeline_of
from nascar.cli.race_format import add_race, add_start_lap
from nascar.cli.summary import output_console
from nascar.stream.usage import usable_cores

DEFAULT_SECONDS: Final = 0.5
DEFAULT_REPETITIONS: Final = 3

_DESCRIPTION = """\
Measures what the generator can do on this machine, stage by stage, in messages (rows) a second: the race
alone, rendering, encoding, both, a dry run with the whole race and with compression, and HTTP into a null sink
of our own. Beside it, in the same run, the way of the published demo (pooled batches, msgpack lists, gzip 9)
and TSBS's generator where it is on the PATH. Per core is by CPU time, one process alone; all cores is by the
clock, one process for every core at the same time. Nothing leaves this machine. Writes a dated record and one
page with pictures.
"""

_EPILOG = """\
Example: the table, and the medians alone for another program
  %(prog)s
  %(prog)s --json > ceiling.json
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``ceiling`` to the commands of ``nascar bench``."""
    parser = commands.add_parser(
        "ceiling",
        help="measure the generator alone, stage by stage",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_race(parser)
    add_start_lap(parser)
    add_rate(parser)
    send_flags.add_batch_size(parser)
    parser.add_argument(
        "--seconds",
        type=arguments.seconds(0.05, 600),
        default=DEFAULT_SECONDS,
        help="length of each measurement (default: %(default)g)",
        metavar="SECONDS",
    )
    parser.add_argument(
        "--repetitions",
        type=arguments.whole_number(1, 100),
        default=DEFAULT_REPETITIONS,
        help="how often every stage is measured; the median is shown (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--processes",
        type=arguments.whole_number(1, arguments.MOST_PROCESSES),
        help="processes that stand for all cores (default: one for each core)",
        metavar="N",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the medians in messages/s as JSON, and nothing else"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=record.DEFAULT_FOLDER,
        help="folder for the dated record and its page (default: %(default)s)",
        metavar="DIR",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, and print what was measured."""
    pipeline = pipeline_of(args, args.batch_size, None)
    page.check()
    record.check_folder(args.out)
    on = record.surroundings()
    console = output_console()
    # Beside what is printed, which a program may read; seldom drawn anew, for that takes from what is measured.
    with Console(stderr=True).status("measuring", refresh_per_second=2) as status:
        ceiling = asyncio.run(
            measure(
                pipeline,
                pipeline.race.track.length_m,
                seconds=args.seconds,
                repetitions=args.repetitions,
                cores=args.processes or usable_cores(),
                tell=lambda text: status.update(f"measuring: {text}"),
            )
        )
    made = record.build(
        "ceiling", {"ceiling": ceiling.record()}, arguments=sys.argv[1:], seed=args.seed, on=on
    )
    written = record.write(made, page.render(made), args.out)
    if args.json:
        json.dump(ceiling.summary(), sys.stdout, indent=2)
        print()
        return 0
    console.print(ceiling_table(ceiling))
    for note in ceiling.notes():
        console.print(note, soft_wrap=True, highlight=False)
    console.print(
        f"Next: open {written.page}, or see what a server makes of it with `nascar bench ladder`.",
        soft_wrap=True,
    )
    return 0


def ceiling_table(ceiling: Ceiling) -> Table:
    """All stages, in millions of messages a second."""
    table = Table(
        title=f"Ceiling at {ceiling.rate:,} messages/s of race time (millions of messages/s)",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("stage", no_wrap=True)
    for title in ("per core", "least–most", f"{ceiling.cores} cores", "least–most"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, title in TITLES.items():
        core, machine = ceiling.core(name), ceiling.machine(name)
        if core is not None:
            table.add_row(title, *_cells(core), *_cells(machine))
    return table


def _cells(spread: Spread | None) -> tuple[str, str]:
    if spread is None:
        return "", ""
    return _millions(spread.median), f"{_millions(spread.least)}–{_millions(spread.most)}"


def _millions(messages_per_s: float) -> str:
    """Three digits or so, whatever the size."""
    millions = messages_per_s / 1e6
    return f"{millions:.3f}" if millions < 1 else f"{millions:.1f}"
