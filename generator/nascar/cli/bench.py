"""``nascar bench``: what is measured, and how two measurements compare."""

from __future__ import annotations

import argparse

from nascar.cli import ceiling, compare, knee, ladder, result_page

COMMANDS = (ceiling, ladder, knee, compare, result_page)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bench`` to the commands of ``nascar``."""
    parser = commands.add_parser(
        "bench",
        help="measure the generator, and what a server makes of it",
        description="Measures: the generator alone (ceiling), the published load levels (ladder), the highest rate "
        "that a server sustains (knee). Each writes a dated record and one page with pictures that needs no network; "
        "compare sets two records beside each other.",
        epilog="Example: nascar bench ladder --levels 100000,612000 --seconds 20",
    )
    benches = parser.add_subparsers(metavar="WHAT", required=True, help="what to measure")
    for command in COMMANDS:
        command.add_parser(benches)
