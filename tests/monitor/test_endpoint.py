"""The endpoint as Prometheus and a health check meet it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from nascar.errors import UsageError
from nascar.monitor.endpoint import SILENT_S, Address, Endpoint, add_routes
from nascar.monitor.monitor import Monitor
from nascar.monitor.settings import MonitorSettings
from nascar.stream.progress import Phase, Snapshot
from nascar.stream.settings import StreamSettings
from tests.monitor.conftest import START_US, sample


class FrozenClock:
    """A clock that is set."""

    now = START_US

    def now_us(self) -> int:
        return self.now


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def monitor(clock: FrozenClock) -> Monitor:
    stream = StreamSettings("http://localhost", "laps", 6_000, 1, 1, dry_run=True)
    return Monitor(MonitorSettings(), stream, clock=clock)


@pytest.fixture
async def served(monitor: Monitor) -> AsyncIterator[str]:
    app = web.Application()
    add_routes(app, monitor)
    async with Endpoint(app, Address("127.0.0.1", 0)) as endpoint:
        yield endpoint.url


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def test_metrics_are_prometheus_text_with_its_type(served: str, monitor: Monitor) -> None:
    newest = sample(3)
    monitor.newest = newest
    monitor.watch(lambda: newest.run)
    status, kind, text = await get(f"{served}/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=")
    assert "charset=utf-8" in kind
    assert "nascar_acknowledged_rows" in {family.name for family in text_string_to_metric_families(text)}


async def test_a_scrape_says_what_is_now(served: str, monitor: Monitor) -> None:
    for second in (1, 2):
        monitor.newest = sample(second)
        _, _, text = await get(f"{served}/metrics")
        (line,) = (line for line in text.splitlines() if line.startswith("nascar_sample_timestamp"))
        assert float(line.split()[1]) == pytest.approx(START_US / 1e6 + second)


async def test_health_is_the_phase_and_fails_when_nothing_is_seen_any_more(
    served: str, monitor: Monitor, clock: FrozenClock
) -> None:
    status, _, text = await get(f"{served}/healthz")
    assert (status, text) == (200, '{"phase": "waiting", "elapsed_s": 0.0}')
    run: Snapshot = sample().run
    monitor.newest = sample()
    monitor.watch(lambda: run)
    assert (await get(f"{served}/healthz"))[0] == 200
    clock.now = START_US + round((SILENT_S + 1) * 1e6)
    status, _, text = await get(f"{served}/healthz")
    assert (status, text) == (503, '{"phase": "running", "elapsed_s": 12.0}')
    monitor.watch(lambda: Snapshot(Phase.DONE, 12.0, 6_000))
    assert (await get(f"{served}/healthz"))[0] == 200, (
        "a run that is being counted has no more samples to take"
    )


async def test_nothing_else_is_served_and_nothing_can_be_sent(served: str) -> None:
    assert (await get(f"{served}/"))[0] == 404
    async with aiohttp.ClientSession() as session, session.post(f"{served}/metrics", data=b"x") as response:
        assert response.status == 405


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_that_is_taken_says_what_to_give(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"{host}:{port} .*--metrics-port"):
            async with Endpoint(web.Application(), Address(host, port)):
                raise AssertionError("it listens")


async def test_an_address_of_another_machine_says_what_to_give() -> None:
    # 192.0.2.0/24 is kept for documentation (RFC 5737): no machine has such an address.
    with pytest.raises(UsageError, match="--metrics-host"):
        async with Endpoint(web.Application(), Address("192.0.2.1", 0)):
            raise AssertionError("it listens")
