"""The embedded engine with ten minutes of a real race in it, and one with nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES
from tests.grafana.race_server import Server, fill, running_engine, write_row


@pytest.fixture(scope="session")
def race(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ten minutes of a race: a caution, a round of stops, a car that retires."""
    with running_engine(tmp_path_factory.mktemp("arc")) as url:
        server = Server(url, end_s=int(time.time()), variables=VARIABLES)
        fill(server)
        yield server


@pytest.fixture(scope="session")
def nothing(race: Server) -> Server:
    """The same server, asked about a database in which no table has been written yet."""
    return replace(race, database="nothing_yet")


@pytest.fixture(scope="session")
def partly(race: Server) -> dict[str, Server]:
    """The same server, asked about databases in which some tables have one row and the others none, by the name of
    the first that is there."""
    servers = {}
    for tables in (TABLES, LOW_RATE_TABLES):
        server = replace(race, database=f"only_{tables[0].name}")
        for table in tables:
            write_row(server, table)
        server.flush()
        servers[tables[0].name] = server
    return servers


VARIABLES = {"car": "24", "compare": "7", "team": "Ironwood Motorsports"}
"""What a viewer sees who has chosen nothing."""
