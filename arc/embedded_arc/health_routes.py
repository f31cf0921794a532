"""Routes for health checks and for Prometheus; none of them asks for a token."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from aiohttp import web

from embedded_arc.server import ENGINE, Engine, answer


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


async def ready(request: web.Request) -> web.Response:
    uptime_s = int(request.app[ENGINE].uptime_s)
    return answer({"status": "ready", "time": _now(), "uptime_sec": uptime_s})


async def health(request: web.Request) -> web.Response:
    uptime_s = int(request.app[ENGINE].uptime_s)
    hours, rest = divmod(uptime_s, 3600)
    minutes, seconds = divmod(rest, 60)
    uptime = (
        f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
    )
    return answer({"status": "ok", "time": _now(), "uptime": uptime, "uptime_sec": uptime_s})


def _metrics(engine: Engine) -> Iterator[tuple[str, str, str, float]]:
    """Name, type, help, value."""
    counters, queries = engine.store.counters, engine.questions.counters
    yield "arc_uptime_seconds", "gauge", "Seconds since the start", engine.uptime_s
    yield "arc_ingest_records_total", "counter", "Payloads taken (as in Arc, not rows)", engine.decoded
    yield "arc_ingest_bytes_total", "counter", "Bytes of write requests", engine.bytes_received
    yield "arc_ingest_errors_total", "counter", "Payloads refused", engine.decode_errors
    yield "arc_rows_buffered_total", "counter", "Rows taken", counters.buffered
    yield "arc_rows_written_total", "counter", "Rows stored", counters.written
    yield "arc_rows_lost_total", "counter", "Rows taken that could not be stored", counters.lost
    yield "arc_buffer_flushes_total", "counter", "Flushes of one table", counters.flushes
    yield (
        "arc_buffer_flush_failures_total",
        "counter",
        "Flushes that failed; the rows wait for the next one",
        counters.flush_failures,
    )
    yield "arc_wal_records_preserved_total", "counter", "Always 0: there is no queue to overflow", 0
    yield "arc_storage_writes_total", "counter", "Files begun", counters.segments_made
    yield "arc_storage_deletes_total", "counter", "Files dropped by age", counters.segments_dropped
    yield (
        "arc_storage_bytes",
        "gauge",
        "Bytes of all files",
        sum(table.size_bytes for table in list(engine.store.catalog.tables())),
    )
    yield "arc_storage_errors_total", "counter", "Flushes that failed on the disk", counters.flush_failures
    yield "arc_query_requests_total", "counter", "Queries asked", queries.asked
    yield "arc_query_success_total", "counter", "Queries answered", queries.answered
    yield "arc_query_errors_total", "counter", "Queries refused or failed", queries.errors
    yield "arc_query_timeouts_total", "counter", "Queries that took too long", queries.timeouts
    yield "arc_query_rows_total", "counter", "Rows of all answers", queries.rows
    yield "arc_query_seconds_total", "counter", "Time of the answered queries", queries.seconds
    yield "arc_query_running", "gauge", "Queries that run now", queries.running
    yield "arc_auth_requests_total", "counter", "Requests with or without a token", engine.auth_requests
    yield "arc_auth_failures_total", "counter", "Requests without a good token", engine.auth_failures
    yield "arc_bodies_bytes", "gauge", "Memory set aside for bodies", engine.budget.taken_bytes
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield "process_cpu_seconds_total", "counter", "CPU time", usage.ru_utime + usage.ru_stime
    yield "process_resident_memory_max_bytes", "gauge", "Most memory so far", usage.ru_maxrss * 1024


async def metrics(request: web.Request) -> web.Response:
    """``GET /metrics``: Prometheus text, or JSON for those who ask for it."""
    found = list(_metrics(request.app[ENGINE]))
    if "application/json" in request.headers.get("Accept", "") or request.path.startswith("/api/"):
        return answer(
            {name.removeprefix("arc_"): value for name, _, _, value in found} | {"timestamp": time.time()}
        )
    text = "".join(
        f"# HELP {name} {words}\n# TYPE {name} {kind}\n{name} {value:.17g}\n"
        for name, kind, words, value in found
    )
    return web.Response(
        body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )
