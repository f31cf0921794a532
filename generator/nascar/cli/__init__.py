"""The command line: one module for each command, none of which knows how the work is done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nascar import __version__
from nascar.cli import demo, export, health, queries, stream, verify
from nascar.errors import NascarError

COMMANDS = (demo, stream, verify, queries, export, health)


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
    return run(build_parser(), argv)


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse and run; an error of ours becomes one line on stderr and its exit status."""
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except NascarError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error of this command.
        sys.stderr.close()
        return 141
