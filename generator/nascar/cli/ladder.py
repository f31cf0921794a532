"""``nascar bench ladder``: the published load levels, one after the other, with all six published measures."""

from __future__ import annotations

import argparse
import asyncio
import textwrap
from typing import Any

from rich.text import Text

from nascar.bench.amounts import rate
from nascar.bench.ladder import PUBLISHED, climb, loads
from nascar.bench.load import Stopper
from nascar.bench.pace import RULE
from nascar.bench.record import Record
from nascar.bench.table import ladder_table, level_line
from nascar.bench.target import Target
from nascar.cli import arguments, levels
from nascar.cli.streaming import on_signals
from nascar.cli.summary import output_console

_DESCRIPTION = f"""\
Runs the published load levels one after the other: 612,000, 1,200,000, 2,400,000 and 3,000,000 rows a second,
for 300, 300, 300 and 60 seconds. At each level it measures the ingest rate (offered, acknowledged, stored), the
write latency, the times of the eight questions while rows flow, memory, disk and CPU of server and client. Every
level finds an empty database, and a server of our own is started anew for it. A level that is not held, or cannot
begin, says why, and the next is run.
The server's storage must keep pace, where its counters show it:
{textwrap.fill(RULE, 116)}.
Writes a dated record and one page with pictures. Status 0: every level was held; 1: not.
"""

_EPILOG = """\
Example: two levels of 20 seconds into the embedded engine
  %(prog)s --levels 100000,612000 --seconds 20
Example: the whole ladder, as published, into an Arc in a container
  export ARC_TOKEN=…
  %(prog)s --url http://localhost:8000 --server-container arc
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``ladder`` to the commands of ``nascar bench``."""
    parser = commands.add_parser(
        "ladder",
        help="run the published load levels with the six published measures",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--levels",
        type=_rates,
        help=f"rows a second of each level (default: {','.join(str(rung.rate) for rung in PUBLISHED)})",
        metavar="N,N,…",
    )
    parser.add_argument(
        "--seconds",
        type=arguments.seconds(1),
        help="length of every level (default: as published, 300 and for the last 60)",
        metavar="SECONDS",
    )
    parser.add_argument(
        "--repetitions",
        type=arguments.whole_number(1, 100),
        default=1,
        help="run each level so often; the median is shown with the least and the most (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument("--stop-on-miss", action="store_true", help="end at the first level that is not held")
    levels.add_target(parser)
    levels.add_load(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Climb, print what was measured, and write the record; status 0 if every level was held."""
    target, token = levels.target_of(args)
    return asyncio.run(_run(args, target, token, levels.before(args, target)))


async def _run(args: argparse.Namespace, target: Target, token: str, on: Record) -> int:
    console, stopper = output_console(), Stopper()
    wanted = loads(levels.load_of(args), args.levels, args.seconds, args.workers)
    rates = ", ".join(rate(load.rate) for load in wanted)
    times = f", {args.repetitions} times each" if args.repetitions > 1 else ""
    console.print(f"The ladder {rates}{times}, against the {target.name}.", soft_wrap=True)
    measured: list[dict[str, Any]] = []
    with on_signals(stopper.stop), levels.telling(console) as tell:
        async for result in climb(
            wanted,
            levels.runner(target, levels.manner_of(args), stopper, tell),
            stopper,
            repetitions=args.repetitions,
            stop_on_miss=args.stop_on_miss,
        ):
            measured.append(result.as_json())
            console.print(level_line(measured[-1]), soft_wrap=True)
    # Ctrl-C after the last stream had ended came too late to end anything.
    is_short = len(measured) < len(wanted) * args.repetitions or any(level["stopped"] for level in measured)
    ended = "stopped" if stopper.is_asked and is_short else None
    if not measured:
        console.print("Nothing was measured: it was stopped before the first level. Next: run it again.")
        return 1
    all_held = ended is None and all(level["held"] for level in measured)
    body = {
        "levels": measured,
        "wanted": [load.as_json() for load in wanted],
        "repetitions": args.repetitions,
        "ended": ended,
        "held": all_held and len(measured) == len(wanted) * args.repetitions,
    }
    written = levels.keep(args, "ladder", target, token, on, body)
    console.print()
    console.print(ladder_table(measured))
    _conclude(body, len(wanted) * args.repetitions)
    levels.conclude(console, target, args.warm_up, written)
    return 0 if body["held"] else 1


def _conclude(body: dict[str, Any], wanted: int) -> None:
    held = sum(level["held"] for level in body["levels"])
    style = "bold green" if body["held"] else "bold red"
    stopped = ", then it was stopped" if body["ended"] == "stopped" else ""
    output_console().print(Text(f"Held {held} of {wanted} levels{stopped}.", style=style))


def _rates(text: str) -> tuple[int, ...]:
    convert = arguments.whole_number(1, arguments.MOST_RATE)
    return tuple(convert(part) for part in text.split(","))
