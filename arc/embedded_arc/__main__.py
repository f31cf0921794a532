"""``python -m embedded_arc --host H --port P --data-dir D``; the token comes from the environment, as in Arc."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from embedded_arc.errors import EngineError
from embedded_arc.memory import keep_what_is_used_again
from embedded_arc.prepared import statements
from embedded_arc.run import check_token, serve
from embedded_arc.settings import Settings


def _between(least: float, most: float, what: str) -> argparse._ActionType:
    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}; give {least:g} to {most:,.0f}")
        return value

    return convert


def _memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?\s*(MB|GB|MiB|GiB)", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory; give for example 512MB or 2GB")
    return text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m embedded_arc",
        description="A small engine that speaks Arc's HTTP API, with DuckDB inside. It is not Arc.",
        epilog="The admin token is read from ARC_AUTH_BOOTSTRAP_TOKEN (at least 32 characters).",
    )
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    made.add_argument(
        "--port",
        type=_between(0, 65535, "port"),
        default=8000,
        help="port to listen on; 0 takes a free one (default: %(default)s)",
    )
    made.add_argument(
        "--data-dir", type=Path, required=True, help="folder for rows and tokens; made if need be"
    )
    made.add_argument(
        "--flush-age-ms",
        type=_between(10, 3_600_000, "time in milliseconds"),
        default=1000,
        help="rows are stored, and seen by queries, after this long (default: %(default)s)",
    )
    made.add_argument(
        "--keep-minutes",
        type=_between(0, 10_000_000, "time in minutes"),
        default=20,
        help="rows are dropped this long after they came in; 0 keeps all (default: %(default)s)",
    )
    made.add_argument(
        "--keep-all",
        action="append",
        default=[],
        metavar="TABLE",
        help="a table whose rows are never dropped; may be given more than once",
    )
    made.add_argument(
        "--memory-limit", type=_memory, default="400MB", help="what DuckDB may take (default: %(default)s)"
    )
    made.add_argument(
        "--threads",
        type=_between(1, 256, "number of threads"),
        default=1,
        help="threads for one query (default: %(default)s)",
    )
    made.add_argument(
        "--prepare",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a .sql file, or a folder of them: what these questions compute is ready before they are asked",
    )
    made.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="stop cleanly when standard input ends: with whatever started the engine",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the engine; the exit status."""
    args = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="embedded_arc: %(message)s", stream=sys.stderr)
    keep_what_is_used_again()
    try:
        token = os.environ.get("ARC_AUTH_BOOTSTRAP_TOKEN", "")
        check_token(token)
        settings = Settings(
            data_dir=args.data_dir.absolute(),
            bootstrap_token=token,
            host=args.host,
            port=int(args.port),
            flush_age_s=args.flush_age_ms / 1e3,
            keep_s=args.keep_minutes * 60 or None,
            keep_all=frozenset(args.keep_all),
            memory_limit=args.memory_limit,
            threads=int(args.threads),
            prepare=statements(args.prepare),
        )
        if args.until_stdin_closes:
            threading.Thread(target=_stop_with_stdin, daemon=True).start()
        asyncio.run(serve(settings, _announce))
    except EngineError as error:
        print(f"embedded_arc: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _stop_with_stdin() -> None:
    # Not through sys.stdin: whoever waits in there holds a lock that the interpreter needs at its end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(address: str) -> None:
    print(f"embedded_arc ready at {address}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
