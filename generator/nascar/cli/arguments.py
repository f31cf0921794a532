"""Arguments that several commands share, each checked where it enters.

A converter raises `argparse.ArgumentTypeError` with a sentence that names what would be right; argparse
prints it with the flag's name and ends with status 2, before anything is sent.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from nascar.errors import UsageError
from nascar.stream.shard import Shard

MOST_CARS: Final = 128
MOST_RATE: Final = 100_000_000
MOST_BATCH_ROWS: Final = 250_000
MOST_WORKERS: Final = 10_000
MOST_PROCESSES: Final = 256
DAY_S: Final = 24 * 3600
MOST_DURATION_S: Final = 31 * 24 * 3600
FULL_RACE_S: Final = 3 * 3600
"""Three hours of green, white and checkered: 6.61 billion messages at the default rate."""
LEAST_TOKEN_CHARACTERS: Final = 32
"""Arc takes no shorter bootstrap token, and the tokens that it makes are longer."""

DEFAULT_URL: Final = "http://localhost:8000"
DEFAULT_DATABASE: Final = "nascar_telemetry"
DEFAULT_RATE: Final = 612_000
DEFAULT_CARS: Final = 40
DEFAULT_BATCH_SIZE: Final = 10_000


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A converter for whole numbers from `least` to `most`, thousands separators allowed."""

    def convert(text: str) -> int:
        try:
            value = int(text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", text) else text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number; give {least:,} to {most:,}"
            ) from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value:,} is out of range; give {least:,} to {most:,}")
        return value

    return convert


def number(least: float, most: float) -> Callable[[str], float]:
    """A converter for numbers from `least` to `most`."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is out of range; give {least:g} to {most:g}")
        return value

    return convert


def seconds(least: float, most: float = MOST_DURATION_S) -> Callable[[str], float]:
    """A converter for a length of time in seconds from `least` to `most`."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a number of seconds; give {least:g} to {most:,.0f}"
            )
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value:g} s is out of range; give {least:g} to {most:,.0f}")
        return value

    return convert


def shard(text: str) -> Shard:
    """A converter for a part of a run, ``2/5`` for the second of five."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError(f"{text!r} is no part of a run; give 1/3, 2/3 or 3/3 for a third")
    return Shard(index - 1, count)


def future_us(text: str) -> int:
    """A converter for an instant within the next day, in µs since 1970."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no instant with a time zone; give one such as "
            f"{datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:00Z')}"
        )
    ahead_s = at.timestamp() - time.time()
    if not 0 < ahead_s <= DAY_S:
        raise argparse.ArgumentTypeError(
            f"{text} is not within the next 24 hours; it is now {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        )
    return round(at.timestamp() * 1e6)


def server_url(text: str) -> str:
    """A converter for the address of a server: scheme, host and port, nothing else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; give one such as {DEFAULT_URL}")
    if parts.username or parts.password:
        raise argparse.ArgumentTypeError(
            "an address with a password in it; give the token with --token or ARC_TOKEN"
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(
            f"{text!r} goes past the host; give scheme, host and port: {DEFAULT_URL}"
        )
    return f"{parts.scheme}://{parts.netloc}"


def database_name(text: str) -> str:
    """A converter for the name of a database, by Arc's own rule."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is refused by Arc; give 1 to 64 letters, digits, _ or -, beginning with a letter"
        )
    return text


def add_server(parser: argparse.ArgumentParser) -> None:
    """The flags that say which server, which database, and with which token."""
    parser.add_argument(
        "--url", type=server_url, default=DEFAULT_URL, help="Arc server (default: %(default)s)", metavar="URL"
    )
    parser.add_argument("--token", help="Arc API token (default: $ARC_TOKEN, which no process list shows)")
    parser.add_argument(
        "--database",
        type=database_name,
        default=DEFAULT_DATABASE,
        help="database name (default: %(default)s)",
        metavar="NAME",
    )


def token_of(args: argparse.Namespace) -> str:
    """The token from ``--token``, else from ``ARC_TOKEN``. Never shown, only measured."""
    token = args.token if args.token is not None else os.environ.get("ARC_TOKEN", "")
    where = "--token" if args.token is not None else "ARC_TOKEN"
    if not token:
        raise UsageError("No token. Set it in the environment, export ARC_TOKEN=…, or give --token.")
    if token == "YOUR_ARC_TOKEN":
        raise UsageError("YOUR_ARC_TOKEN stands for your own token. Give that, or set ARC_TOKEN.")
    if len(token) < LEAST_TOKEN_CHARACTERS:
        raise UsageError(
            f"The token in {where} has {len(token)} characters; Arc's have at least {LEAST_TOKEN_CHARACTERS}. "
            "Give the whole token, as printed when it was made."
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"The token in {where} has blanks or characters that no header carries. Copy it again."
        )
    return str(token)
