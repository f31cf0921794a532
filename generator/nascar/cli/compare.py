"""``nascar bench compare``: two records beside each other, as ratios."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.table import Table
from rich.text import Text

from nascar.bench import record
from nascar.bench.amounts import amount
from nascar.bench.compare import Line, compare
from nascar.bench.measures import Better
from nascar.cli.summary import output_console

_NOTABLE = 0.05
"""A ratio closer to 1 than this is not coloured: machines breathe."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``compare`` to the commands of ``nascar bench``."""
    parser = commands.add_parser(
        "compare",
        help="set two records beside each other, as ratios",
        description="Shows for all that both records measured the two numbers and their ratio, second over first, and "
        "says where machine, versions or settings differ. Records of different kinds are refused with status 2.",
        epilog="Example: nascar bench compare bench-results/ladder-A.json bench-results/ladder-B.json",
    )
    parser.add_argument("first", type=Path, help="record that `nascar bench` wrote", metavar="A.json")
    parser.add_argument("second", type=Path, help="record of the same kind", metavar="B.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare two records, and print their ratios."""
    comparison = compare(record.read(args.first), record.read(args.second))
    console = output_console()
    for difference in comparison.differences:
        console.print(Text(f"differs: {difference}", style="yellow"), soft_wrap=True)
    table = Table(title="B over A", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("measure")
    for title in ("A", "B", "B/A"):
        table.add_column(title, justify="right")
    part = ""
    for line in comparison.lines:
        if line.part != part:
            part = line.part
            table.add_row(Text(part, "dim"))
        table.add_row(f"  {line.label}", amount(line.a, line.unit), amount(line.b, line.unit), _ratio(line))
    console.print(table)
    for lacking in comparison.only_in_one:
        console.print(Text(f"only in one: {lacking}", style="dim"), soft_wrap=True)
    console.print(
        "Next: repeat both on one quiet machine in turn; a ratio of two single runs is a hint, not a proof."
    )
    return 0


def _ratio(line: Line) -> Text:
    if line.ratio is None:
        return Text("–")
    text = f"{line.ratio:.2f}"
    if line.better is Better.NEITHER or abs(line.ratio - 1) < _NOTABLE:
        return Text(text)
    return Text(text, "green" if (line.ratio > 1) == (line.better is Better.HIGHER) else "red")
