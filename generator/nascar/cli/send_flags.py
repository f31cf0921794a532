"""The flags that say how rows are sent, which the stream and the benchmarks that run it share."""

from __future__ import annotations

import argparse
from typing import Final

from nascar.cli import arguments
from nascar.stream.compression import Compression
from nascar.stream.proof import DEADLINE_S

DEFAULT_MAX_BACKLOG_S: Final = 5.0

Flags = argparse.ArgumentParser | argparse._ArgumentGroup


def add_batch_size(flags: Flags) -> None:
    """``--batch-size``."""
    flags.add_argument(
        "--batch-size",
        type=arguments.whole_number(1, arguments.MOST_BATCH_ROWS),
        default=arguments.DEFAULT_BATCH_SIZE,
        help="most messages in a batch, at least the number of cars (default: %(default)s)",
        metavar="N",
    )


def add_sending(flags: Flags) -> None:
    """``--compression``, ``--processes``, ``--max-backlog`` and ``--verify-deadline``."""
    flags.add_argument(
        "--compression",
        type=_compression,
        default=Compression.NONE,
        help="squeeze bodies, for a real network: it costs this machine and the server CPU (default: none)",
        metavar="none|gzip|zstd",
    )
    flags.add_argument(
        "--processes",
        type=arguments.whole_number(1, arguments.MOST_PROCESSES),
        help="processes that share the work (default: what the rate needs, by a quick measurement)",
        metavar="N",
    )
    flags.add_argument(
        "--max-backlog",
        type=arguments.seconds(0.1, 3600),
        default=DEFAULT_MAX_BACKLOG_S,
        help="hold new rows back, and count them as missed, while the server holds more than this many seconds of "
        "the rate that it has not stored (default: %(default)g)",
        metavar="SECONDS",
    )
    flags.add_argument(
        "--verify-deadline",
        type=arguments.seconds(0, 3600),
        default=DEADLINE_S,
        help="wait this long for the server to store what it acknowledged (default: %(default)g)",
        metavar="SECONDS",
    )


def _compression(text: str) -> Compression:
    try:
        return Compression(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no compression; give none, gzip or zstd") from None
