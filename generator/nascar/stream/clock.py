"""The run's clock: wall time that never jumps."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the stream gets the time from. Tests may give another."""

    def now_us(self) -> int:
        """Now, µs since 1970; never goes back."""
        ...


class SteadyClock:
    """Wall time read once, carried on by the monotonic clock.

    A step of the system's clock in the middle of a run would make batches wait or turn late at once; the
    schedule must not know of it.
    """

    __slots__ = ("_origin_ns",)

    def __init__(self) -> None:
        self._origin_ns = time.time_ns() - time.monotonic_ns()

    def now_us(self) -> int:
        return (self._origin_ns + time.monotonic_ns()) // 1000


def iso_utc(time_us: int) -> str:
    """µs since 1970 as ``2026-11-24T18:30:00.123456Z``."""
    whole_s, rest_us = divmod(time_us, 1_000_000)
    return datetime.fromtimestamp(whole_s, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest_us:06d}Z"
