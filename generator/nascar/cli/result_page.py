"""``nascar bench page``: the page of a record or of a stream's report, made anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from nascar.bench import page
from nascar.errors import UsageError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``page`` to the commands of ``nascar bench``."""
    parser = commands.add_parser(
        "page",
        help="draw the page of a record, or of a stream's report",
        description="Draws the self-contained page of a record that `nascar bench` wrote, or of a report that "
        "`nascar stream --report` wrote. Needs no network, now or when it is opened.",
        epilog="Example: nascar bench page run.json",
    )
    parser.add_argument("file", type=Path, help="a record or a report", metavar="FILE.json")
    parser.add_argument(
        "--out", type=Path, help="the page (default: the file's name with .html)", metavar="FILE.html"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw the page."""
    page.check()
    out = args.out or args.file.with_suffix(".html")
    text = page.render_file(args.file)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written ({error.strerror}). Give another file with --out."
        ) from None
    print(f"Next: open {out} in a browser.")
    return 0
