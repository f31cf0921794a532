"""``nascar bench knee``: the highest rate that a server sustains, searched for."""

from __future__ import annotations

import argparse
import asyncio
import textwrap

from rich.console import Console
from rich.text import Text

from nascar.bench import measures
from nascar.bench.knee import LEAST_RATE, Plan
from nascar.bench.knee_run import KneeRun, Limits, Tried
from nascar.bench.load import Stopper
from nascar.bench.pace import RULE
from nascar.bench.record import Record
from nascar.bench.table import level_line
from nascar.bench.target import Target
from nascar.cli import arguments, levels
from nascar.cli.streaming import on_signals
from nascar.cli.summary import output_console
from nascar.errors import NascarError

_DESCRIPTION = f"""\
Raises the rate in geometric steps until a trial is not held: rows are lost, not stored, or the 99th percentile of
the write latency from the due time passes a limit. Then halves the gap, and confirms the highest rate that was held
for --sustain seconds, stepping down while it does not hold. Every trial finds an empty database. Writes a dated
record and one page with pictures. The server's storage must keep pace, where its counters show it:
{textwrap.fill(RULE, 116)}.
Status 0: a sustained rate was found; 1: not.
"""

_EPILOG = """\
Example: what the embedded engine sustains for half a minute on this machine
  %(prog)s --from 300000 --trial-seconds 10 --sustain 30
Example: an Arc that runs already
  export ARC_TOKEN=…
  %(prog)s --url http://localhost:8000 --from 1000000 --precision 0.02
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``knee`` to the commands of ``nascar bench``."""
    parser = commands.add_parser(
        "knee",
        help="search the highest rate that is sustained",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rate = arguments.whole_number(LEAST_RATE, arguments.MOST_RATE)
    parser.add_argument(
        "--from",
        dest="from_rate",
        type=rate,
        default=Plan().from_rate,
        help="rows a second of the first trial (default: %(default)s)",
        metavar="N",
    )
    # Not --to: where a token may be given, that is short for it.
    parser.add_argument(
        "--most",
        dest="most_rate",
        type=rate,
        default=Plan().most_rate,
        help="try no rate above this (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--growth",
        type=arguments.number(1.05, 10),
        default=Plan().growth,
        help="factor of a step up (default: %(default)g)",
        metavar="FACTOR",
    )
    parser.add_argument(
        "--precision",
        type=arguments.number(0.01, 0.5),
        default=Plan().precision,
        help="how close the answer comes to a rate that was not held, as a share (default: %(default)g)",
        metavar="SHARE",
    )
    parser.add_argument(
        "--trial-seconds",
        type=arguments.seconds(1),
        default=Limits().trial_s,
        help="length of a trial (default: %(default)g)",
        metavar="SECONDS",
    )
    parser.add_argument(
        "--sustain",
        type=arguments.seconds(1),
        default=Limits().sustain_s,
        help="how long the answer must hold (default: %(default)g)",
        metavar="SECONDS",
    )
    parser.add_argument(
        "--p99-limit",
        type=arguments.number(1, 60_000),
        default=Limits().p99_ms,
        help="milliseconds that the 99th percentile from the due time may reach (default: %(default)g)",
        metavar="MS",
    )
    levels.add_target(parser)
    levels.add_load(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search, print the answer, and write the record; status 0 if there is one."""
    target, token = levels.target_of(args)
    return asyncio.run(_run(args, target, token, levels.before(args, target)))


async def _run(args: argparse.Namespace, target: Target, token: str, on: Record) -> int:
    console, stopper = output_console(), Stopper()
    plan = Plan(args.from_rate, max(args.most_rate, args.from_rate), args.growth, args.precision)
    limits = Limits(args.trial_seconds, args.sustain, args.p99_limit)
    console.print(f"The knee of the {target.name}, from {plan.from_rate:,} rows/s.", soft_wrap=True)
    tried: list[Tried] = []
    trouble = None
    with on_signals(stopper.stop), levels.telling(console) as tell:
        searching = KneeRun(
            plan,
            limits,
            levels.load_of(args),
            levels.runner(target, levels.manner_of(args), stopper, tell),
            stopper,
            args.workers,
        )
        try:
            async for one in searching.trials():
                tried.append(one)
                console.print(_line(one), soft_wrap=True)
        except NascarError as error:
            if not tried:
                raise
            trouble = str(error)
    if not tried:
        console.print("Nothing was measured: it was stopped before the first trial. Next: run it again.")
        return 1
    body = {
        **searching.as_json(tried),
        "ended": None if searching.knee else "stopped" if stopper.is_asked else trouble,
    }
    written = levels.keep(args, "knee", target, token, on, body)
    if trouble is not None:
        console.print(Text(f"The search ended early: {trouble}", style="bold red"), soft_wrap=True)
    found = _conclude(console, searching, tried)
    levels.conclude(console, target, args.warm_up, written)
    return 0 if found else 1


def _line(tried: Tried) -> Text:
    text = Text(f"{tried.probe.phase.value:>7} ", "dim") + level_line(tried.result.as_json())
    if tried.result.held and not tried.held:
        text.append(f"\n          counts as not held: {'; '.join(tried.misses)}", "red")
    return text


def _conclude(console: Console, searching: KneeRun, tried: list[Tried]) -> bool:
    knee = searching.knee
    if knee is None:
        console.print(Text("The search was ended before it had an answer.", style="bold red"))
        return False
    if knee.rate is None:
        console.print(Text(f"Not even {LEAST_RATE:,} rows/s were held.", style="bold red"))
        return False
    text = f"The highest rate sustained for {searching.limits.sustain_s:g} s: {knee.rate:,} rows/s."
    if knee.missed_rate is None:
        text += " Nothing above it was tried: give a higher --most."
    else:
        limit, why = _miss(tried, knee.missed_rate)
        by = f"limited by the {limit}; " if limit else ""
        text += f" {knee.missed_rate:,} rows/s were not held: {by}{why}."
        if limit == "client":
            text += (
                " That limit is the generator's, not the server's: give more --processes, or more machines."
            )
    console.print(Text(text, style="bold green"), soft_wrap=True)
    return True


def _miss(tried: list[Tried], rate: int) -> tuple[str, str]:
    """What limited `rate`, if that is known, and why it was not held, by the last trial of it."""
    last = next(one for one in reversed(tried) if one.probe.rate == rate and not one.held)
    return measures.bound(last.result.as_json()), last.misses[0]
