"""Routes of the query path."""

from __future__ import annotations

import time

from aiohttp import web

from embedded_arc.errors import QueryRefused, Refusal
from embedded_arc.server import ENGINE, answer, json_body


async def _sql_of(request: web.Request) -> object:
    given = (await json_body(request)).get("sql")
    if given is not None and not isinstance(given, str):
        kind = {bool: "bool", list: "array", dict: "object"}.get(type(given), "number")
        raise QueryRefused(
            400,
            f"Invalid request body: json: cannot unmarshal {kind} into Go struct field QueryRequest.sql of type string",
        )
    return given


def _database_of(request: web.Request) -> str:
    return request.headers.get("x-arc-database", "")


async def query(request: web.Request) -> web.Response:
    """``POST /api/v1/query``: rows as JSON."""
    body = await request.app[ENGINE].questions.json(await _sql_of(request), _database_of(request))
    return web.Response(body=body, content_type="application/json")


async def query_arrow(request: web.Request) -> web.Response:
    """``POST /api/v1/query/arrow``: rows as an Arrow stream."""
    sql = await _sql_of(request)
    try:
        body = await request.app[ENGINE].questions.arrow(sql, _database_of(request))
    except QueryRefused as refusal:
        return answer({"success": False, "error": refusal.message}, refusal.status)
    return web.Response(body=body, content_type="application/vnd.apache.arrow.stream")


async def estimate(request: web.Request) -> web.Response:
    """``POST /api/v1/query/estimate``: how many rows a query has, and whether that is many."""
    start = time.monotonic()
    rows = await request.app[ENGINE].questions.estimate(await _sql_of(request), _database_of(request))
    level, words = (
        ("high", "Large")
        if rows > 10_000_000
        else ("medium", "Medium")
        if rows > 1_000_000
        else ("none", "Small")
    )
    return answer(
        {
            "success": True,
            "estimated_rows": rows,
            "warning_level": level,
            "warning_message": f"{words} query: {rows:,} rows.",
            "execution_time_ms": (time.monotonic() - start) * 1e3,
        }
    )


async def measurements(request: web.Request) -> web.Response:
    """``GET /api/v1/measurements``: tables with the size of their files."""
    engine = request.app[ENGINE]
    start = time.monotonic()
    wanted = request.query.get("database")
    if wanted is not None and not engine.store.catalog.has_database(wanted):
        raise Refusal(404, f"Database '{wanted}' not found")
    found = [
        {
            "database": table.database,
            "measurement": table.name,
            "file_count": len(table.segments),
            "total_size_mb": table.size_bytes / 2**20,
            "storage_path": table.storage_path,
        }
        for table in engine.store.catalog.tables(wanted)
    ]
    return answer(
        {
            "success": True,
            "measurements": found,
            "count": len(found),
            "execution_time_ms": (time.monotonic() - start) * 1e3,
        }
    )
