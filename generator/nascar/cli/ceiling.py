"""``nascar bench ceiling``: what the generator can do on this machine, before any database has a say."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Final

from rich.console import Console
from rich.table import Table

from nascar.bench.ceiling import TSBS, Ceiling, Spread, measure, usable_cores
from nascar.bench.stages import Stage
from nascar.bench.tsbs import PROGRAM
from nascar.cli import arguments
from nascar.cli.pipeline import add_rate, pipeline_of
from nascar.cli.race_format import add_race, add_start_lap
from nascar.cli.summary import output_console

DEFAULT_SECONDS: Final = 0.5
DEFAULT_REPETITIONS: Final = 3

TITLES: Final = {
    Stage.RACE.value: "race only",
    Stage.RENDER.value: "render only",
    Stage.ENCODE.value: "encode only",
    Stage.RENDER_ENCODE.value: "render and encode",
    Stage.DRY_RUN.value: "dry run: with the whole race",
    Stage.DRY_RUN_GZIP.value: "dry run with gzip",
    Stage.DRY_RUN_ZSTD.value: "dry run with zstd",
    Stage.HTTP_SINK.value: "HTTP into the null sink",
    Stage.PUBLISHED_WAY.value: "published way: making its pool",
    Stage.PUBLISHED_REPLAY.value: "published way: sending its pool again",
    TSBS: f"TSBS: {PROGRAM}",
}

_DESCRIPTION = """\
Measures what the generator can do on this machine, stage by stage, in messages (rows) a second: the race
alone, rendering, encoding, both, a dry run with the whole race and with compression, and HTTP into a null sink
of our own. Beside it, in the same run, the way of the published demo (pooled batches, msgpack lists, gzip 9)
and TSBS's generator where it is on the PATH. Per core is by CPU time, one process alone; all cores is by the
clock, one process for every core at the same time. Nothing leaves this machine.
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
    parser.add_argument(
        "--batch-size",
        type=arguments.whole_number(1, arguments.MOST_BATCH_ROWS),
        default=arguments.DEFAULT_BATCH_SIZE,
        help="most messages in a batch, at least the number of cars (default: %(default)s)",
        metavar="N",
    )
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
        type=arguments.whole_number(1, 256),
        default=usable_cores(),
        help="processes that stand for all cores (default: one for each core, here %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the medians in messages/s as JSON, and nothing else"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, and print what was measured."""
    pipeline = pipeline_of(args, args.batch_size, None)
    console = output_console()
    progress = Console(stderr=True)
    with progress.status("measuring") as status:
        ceiling = asyncio.run(
            measure(
                pipeline,
                pipeline.race.track.length_m,
                seconds=args.seconds,
                repetitions=args.repetitions,
                cores=args.processes,
                tell=lambda text: status.update(f"measuring: {text}"),
            )
        )
    if args.json:
        json.dump(ceiling.summary(), sys.stdout, indent=2)
        print()
        return 0
    console.print(ceiling_table(ceiling))
    for line in ceiling_lines(ceiling):
        console.print(line, soft_wrap=True, highlight=False)
    console.print(
        "Next: see what a server makes of it with `nascar bench ladder`, which brings one along.",
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


def ceiling_lines(ceiling: Ceiling) -> list[str]:
    """What follows from the table, and what must be known to read it."""
    lines = []
    ticks = ceiling.race_ticks_per_core
    if ticks is not None:
        lines.append(f"The race alone: {ticks:,.0f} ticks in a second of one core.")
    sink = ceiling.core(Stage.HTTP_SINK)
    if sink is not None:
        lines.append(
            f"{ceiling.rate:,} messages/s, made and sent, take {ceiling.rate / sink.median:.1%} of a core."
        )
    published, squeezed = (
        ceiling.ratio(stage, Stage.PUBLISHED_WAY) for stage in (Stage.DRY_RUN, Stage.DRY_RUN_GZIP)
    )
    if published is not None and squeezed is not None:
        lines.append(
            f"To the published way (pooled batches, msgpack lists, gzip 9): {_times(published)}, "
            f"with gzip on our side too {_times(squeezed)}."
        )
        lines.append(
            "Its pool is made before the clock starts and then sent again and again: that costs little, and makes "
            "no new value and no new time."
        )
    tsbs = ceiling.ratio(Stage.DRY_RUN, TSBS)
    lines.append(
        f"To TSBS ({PROGRAM}): {_times(tsbs)}."
        if tsbs is not None
        else f"To TSBS: {PROGRAM} is not on the PATH: not measured."
    )
    lines.append("All processes run the whole race: more of them make it no faster.")
    if ceiling.is_shared:
        lines.append(
            f"Others use this machine: {_mean(ceiling.cores_got):.1f} of {ceiling.cores} cores were given to what "
            "could use all. The figures for all cores are too low; per core counts CPU time and suffers less."
        )
    return lines


def _cells(spread: Spread | None) -> tuple[str, str]:
    if spread is None:
        return "", ""
    return _millions(spread.median), f"{_millions(spread.least)}–{_millions(spread.most)}"


def _millions(messages_per_s: float) -> str:
    """Three digits or so, whatever the size."""
    millions = messages_per_s / 1e6
    return f"{millions:.3f}" if millions < 1 else f"{millions:.1f}"


def _times(ratio: Spread) -> str:
    return f"{ratio.median:,.0f} times as much on a core ({ratio.least:,.0f}–{ratio.most:,.0f})"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
