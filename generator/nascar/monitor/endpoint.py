"""What a run shows over HTTP: ``GET /metrics`` for Prometheus, ``GET /healthz`` for whoever keeps it running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from aiohttp import web

from nascar.errors import UsageError
from nascar.monitor.exposition import CONTENT_TYPE, MetricsText
from nascar.monitor.monitor import Monitor

DEFAULT_HOST: Final = "127.0.0.1"
SILENT_S: Final = 10.0
"""A process that has taken no sample for so long does not do its work."""


def add_routes(app: web.Application, monitor: Monitor) -> None:
    """Add ``/metrics`` and ``/healthz`` to `app`."""
    metrics = MetricsText(monitor)

    async def answer_metrics(request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def answer_health(request: web.Request) -> web.Response:
        silent_s = monitor.silent_s
        elapsed_s = 0.0 if monitor.newest is None else monitor.newest.run.elapsed_s
        return web.json_response(
            {"phase": monitor.phase.name.lower(), "elapsed_s": round(elapsed_s, 1)},
            status=200 if silent_s <= SILENT_S else 503,
        )

    app.router.add_get("/metrics", answer_metrics)
    app.router.add_get("/healthz", answer_health)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 is any that is free."""

    host: str
    port: int


class Endpoint:
    """Listens from entering to leaving. Entering raises `UsageError` if it cannot listen there."""

    def __init__(self, app: web.Application, address: Address) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        self._address = address
        self.url = ""

    async def __aenter__(self) -> Self:
        host, port = self._address.host, self._address.port
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UsageError(
                f"Metrics cannot be served at {host}:{port} ({why.lower()}). "
                "Give another port with --metrics-port, or another address of this machine with --metrics-host."
            ) from None
        bound = self._runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in str(bound[0]) else bound[0]
        self.url = f"http://{shown}:{bound[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()
