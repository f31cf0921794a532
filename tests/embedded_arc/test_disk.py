"""A disk that is full, or slow: no row is lost or counted that is not there, and memory stays bounded."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from embedded_arc.segments import SegmentFiles
from embedded_arc.settings import Settings

Cols = Callable[..., dict[str, Any]]
Engine = Callable[[Settings], AbstractAsyncContextManager[Any]]


@contextlib.contextmanager
def no_file_longer_than(size_bytes: int) -> Iterator[None]:
    """The system refuses to make any file longer than this, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def counters(arc: Any) -> tuple[int, int, int]:
    """Rows taken, rows stored, flushes that failed."""
    _, stats = await arc.send("GET", "/api/v1/write/msgpack/stats")
    buffer = stats["buffer"]
    return buffer["total_records_buffered"], buffer["total_records_written"], buffer["total_errors"]


async def until(reached: Callable[[int, int, int], bool], arc: Any, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not reached(*(found := await counters(arc))):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


def noise(turn: int, count: int = 50_000) -> list[float]:
    """Values that no compression makes small."""
    return [((turn * count + i) * 0.6180339887498949) % 1.0 for i in range(count)]


@pytest.mark.parametrize("stored_before", [True, False])
async def test_rows_wait_while_the_disk_is_full_and_are_stored_once_when_it_is_not(
    engine: Engine, settings: Settings, cols: Cols, stored_before: bool
) -> None:
    async with engine(replace(settings, flush_age_s=0.05)) as arc:
        first = 1000 if stored_before else 0
        if first:
            await arc.stored(cols("t", turn=[0] * first, v=noise(0, first)))
        with no_file_longer_than(200_000):
            for turn in (1, 2, 3):
                assert (await arc.write(cols("t", turn=[turn] * 50_000, v=noise(turn))))[0] == 204
            await until(lambda taken, stored, failed: failed > 1, arc)
            taken, stored, _ = await counters(arc)
            assert (taken, stored) == (first + 150_000, first)
            if first:
                assert await arc.rows("SELECT count(*) FROM db.t") == [[first]]
        await until(lambda taken, stored, failed: taken == stored, arc)
        assert await arc.rows(
            "SELECT turn, count(*), count(DISTINCT v) FROM db.t WHERE turn > 0 GROUP BY 1 ORDER BY 1"
        ) == [[turn, 50_000, 50_000] for turn in (1, 2, 3)]
    async with engine(settings) as arc:
        assert await arc.rows("SELECT count(*) FROM db.t") == [[first + 150_000]]


async def test_with_a_slow_disk_writers_wait_and_the_counters_say_what_waits(
    engine: Engine, settings: Settings, cols: Cols, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = SegmentFiles.append

    def slowly(*given: Any) -> bool:
        time.sleep(0.1)
        return append(*given)

    monkeypatch.setattr(SegmentFiles, "append", slowly)
    rows, body_bytes = 1000, 24_000
    limit_bytes = 4 * body_bytes
    async with engine(replace(settings, flush_age_s=0.02, buffered_limit_bytes=limit_bytes)) as arc:
        seen = [(0, 0, 0)]

        async def watch() -> None:
            while seen[-1][1] < 60 * rows:
                taken, stored, failed = await counters(arc)
                assert failed == 0
                found = await arc.rows("SELECT count(*) FROM db.t")
                # What is counted as stored can be seen.
                assert (found[0][0] if found else 0) >= stored
                seen.append((taken, stored, taken - stored))
                await asyncio.sleep(0.01)

        async def write() -> None:
            for turn in range(60):
                assert (await arc.write(cols("t", turn=[turn] * rows, v=[turn + 0.5] * rows)))[0] == 204

        await asyncio.wait_for(asyncio.gather(watch(), write()), 60)
        taken, stored, waiting = zip(*seen, strict=True)
        assert list(taken) == sorted(taken) and list(stored) == sorted(stored)
        # One limit's worth waits for its turn, another is on its way to the disk.
        assert 0 < max(waiting) <= 2 * (limit_bytes / body_bytes + 1) * rows
        assert min(waiting) == waiting[-1] == 0
