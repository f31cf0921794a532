"""Routes of the write path: rows in, counters out."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from embedded_arc.columns import Rows
from embedded_arc.compression import decompressed, is_compressed
from embedded_arc.errors import WriteRefused
from embedded_arc.names import DEFAULT_DATABASE, check_database
from embedded_arc.server import ENGINE, Engine, answer, body_of, set_aside

INLINE_BYTES: Final = 4_000_000
"""Shorter plain bodies are read on the event loop: about half a millisecond for 10,000 rows."""


async def write_msgpack(request: web.Request) -> web.Response:
    """``POST /api/v1/write/msgpack``: 204 as soon as the rows are in memory."""
    engine = request.app[ENGINE]
    async with engine.budget.take(set_aside(request)):
        body = await body_of(request)
        if not body:
            raise WriteRefused(400, "Empty payload")
        engine.requests += 1
        engine.bytes_received += len(body)
        try:
            if len(body) <= INLINE_BYTES and not is_compressed(body):
                batches = engine.reader.read(body)
            else:
                # One at a time: what a body unfolds to is not in the budget.
                async with engine.heavy:
                    batches = await asyncio.to_thread(_read_heavy, engine, body)
        except WriteRefused:
            # Not given back: the refusal's traceback still looks into the body.
            engine.decode_errors += 1
            raise
        engine.buffers.give_back(body)
    database = request.headers.get("x-arc-database") or DEFAULT_DATABASE
    check_database(database)
    await engine.store.write(database, batches)
    engine.decoded += len(batches)
    return web.Response(status=204)


def _read_heavy(engine: Engine, body: bytearray) -> list[Rows]:
    return engine.reader.read(decompressed(body, engine.settings.body_limit_bytes))


async def write_stats(request: web.Request) -> web.Response:
    """``GET /api/v1/write/msgpack/stats``: rows taken and rows stored."""
    engine = request.app[ENGINE]
    counters = engine.store.counters
    tried = engine.decoded + engine.decode_errors
    stats: dict[str, Any] = {
        "buffer": {
            "active_buffers": engine.store.waiting_tables,
            "flush_queue_depth": 0,
            "flush_workers": 1,
            "total_errors": counters.flush_failures,
            "total_flushes": counters.flushes,
            "total_records_buffered": counters.buffered,
            "total_records_written": counters.written,
            "total_schema_churn_exceeded": counters.churn_refused,
            "total_wal_dropped": 0,
            "total_wal_errors": 0,
        },
        "decoder": {
            "error_rate": engine.decode_errors / tried if tried else 0,
            "total_decoded": engine.decoded,
            "total_errors": engine.decode_errors,
        },
    }
    return answer(stats)


async def flush(request: web.Request) -> web.Response:
    """``POST /api/v1/write/line-protocol/flush``: store all rows that wait, now."""
    await asyncio.to_thread(request.app[ENGINE].store.flush)
    return answer({"status": "success", "message": "All buffers flushed"})
