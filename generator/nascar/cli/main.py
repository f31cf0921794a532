"""``nascar``: the installed command with all its subcommands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from nascar import __version__
from nascar.cli import bench, demo, export, health, queries, race, stream, verify
from nascar.cli.command import run_command

COMMANDS = (demo, stream, race, verify, queries, export, bench, health)


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``nascar`` with all its commands."""
    parser = argparse.ArgumentParser(
        prog="nascar",
        description="A 40-car race as 612,000 telemetry rows a second, streamed into Arc.",
        epilog="Example: nascar demo --seconds 60",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    return run_command(build_parser(), argv)
