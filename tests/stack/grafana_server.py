"""A small server in Grafana's place: it answers as Grafana is documented to, and asks the Arc that it is given."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from stack.panels import PanelQuestion
from stack.ports import DATASOURCE, ask_arc


@dataclass(slots=True)
class GrafanaServer:
    """What it is and has; `port` is known when it runs."""

    arc_url: str
    arc_token: str
    database: str
    has_plugin: bool = True
    has_datasource: bool = True
    is_well: bool = True
    port: int = 0

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"database": "ok" if self.is_well else "failing"}, status=200 if self.is_well else 503
        )

    async def query(self, request: web.Request) -> web.Response:
        body = await request.json()
        (query,) = body["queries"]
        if not self.has_plugin:
            missing = {
                "message": "Plugin not registered",
                "messageId": "plugin.notRegistered",
                "statusCode": 404,
            }
            return web.json_response(missing, status=404)
        if not self.has_datasource or query["datasource"] != DATASOURCE:
            return web.json_response({"message": "Data source not found"}, status=404)
        window_s = (int(body["to"]) - int(body["from"])) // 1000
        sql = PanelQuestion("", "", query["sql"], window_s).at(int(body["to"]) / 1000)
        reply = await asyncio.to_thread(ask_arc, self.arc_url, self.arc_token, sql, self.database)
        if reply.status != 200:
            result: dict[str, Any] = {"error": f"arc query failed: {reply.said()}", "status": reply.status}
            return web.json_response({"results": {"A": result}}, status=400)
        columns = [list(column) for column in zip(*reply.body["data"], strict=True)]
        frame = {
            "schema": {"fields": [{"name": name} for name in reply.body["columns"]]},
            "data": {"values": columns},
        }
        return web.json_response({"results": {"A": {"status": 200, "frames": [frame]}}})


@contextmanager
def serving(grafana: GrafanaServer) -> Iterator[None]:
    """Serve in a thread of its own: the doctor waits for its answers."""
    loop = asyncio.new_event_loop()
    runner: list[web.AppRunner] = []

    async def begin() -> None:
        app = web.Application()
        app.router.add_get("/api/health", grafana.health)
        app.router.add_post("/api/ds/query", grafana.query)
        runner.append(web.AppRunner(app, access_log=None))
        await runner[0].setup()
        await web.TCPSite(runner[0], "127.0.0.1", 0).start()
        grafana.port = runner[0].addresses[0][1]

    async def end() -> None:
        await runner[0].cleanup()
        await loop.shutdown_default_executor()

    loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(end())
        loop.close()
