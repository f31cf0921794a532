"""A clock that runs ten times as fast, samples to order, and the server of bad days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from nascar.monitor.sample import Sample, ServerState
from nascar.monitor.use import UNKNOWN
from nascar.stream.ledger import TableLedger
from nascar.stream.progress import Phase, Snapshot
from nascar.stream.settings import StreamSettings
from tests.stream.conftest import DATABASE, TOKEN, Server, dead_port, server

__all__ = ["dead_port", "server"]
"""The stream's own fixtures serve here, too."""

TIMES_FASTER = 10
START_US = 1_795_530_000_000_000


@dataclass
class FastClock:
    """Wall time that goes by `TIMES_FASTER`; `sleep` sleeps by it."""

    origin_us: int = field(default_factory=lambda: time.time_ns() // 1000)
    begun_ns: int = field(default_factory=time.monotonic_ns)

    def now_us(self) -> int:
        return self.origin_us + (time.monotonic_ns() - self.begun_ns) * TIMES_FASTER // 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / TIMES_FASTER)


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def settings(server: Server) -> Callable[..., StreamSettings]:
    """Settings of a short run against the server, with any of them changed."""

    def make(**changes: Any) -> StreamSettings:
        chosen: dict[str, Any] = {
            "url": server.url,
            "database": DATABASE,
            "rate": 6_000,
            "workers": 20,
            "pregenerate_batches": 50,
            "token": TOKEN,
            "late_limit_s": 5.0,
            "request_timeout_s": 2.0,
            "drain_s": 3.0,
            "backlog_poll_s": 0.1,
        }
        return StreamSettings(**{**chosen, **changes})

    return make


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until `condition` holds."""
    for _ in range(round(within_s / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it did not come about in {within_s:g} s")


def snapshot(**changes: Any) -> Snapshot:
    """A run in the middle of things."""
    table = TableLedger(scheduled=1000, acknowledged=900, failed=30, missed=20, waiting=50, requests=10)
    beside = TableLedger(scheduled=7, acknowledged=7, requests=2)
    chosen: dict[str, Any] = {
        "phase": Phase.RUNNING,
        "elapsed_s": 12.0,
        "target_rate": 6_000,
        "offered_rate": 6_000.0,
        "acknowledged_rate": 5_400.0,
        "bytes_rate": 1.5e6,
        "scheduled": 1000,
        "acknowledged": 900,
        "failed": 30,
        "missed": 20,
        "waiting": 50,
        "late": 40,
        "in_flight": 3,
        "backlog": 400,
        "tables": {"engine_telemetry": table},
        "beside": {"race_events": beside},
    }
    return Snapshot(**{**chosen, **changes})


def sample(second: int = 0, server: ServerState | None = None, **changes: Any) -> Sample:
    """The sample of second number `second`, of a server that says nothing unless `server` does."""
    return Sample(START_US + second * 1_000_000, snapshot(**changes), server or ServerState(), UNKNOWN)
