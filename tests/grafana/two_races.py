"""Two races in one database: the end of one, and right after it the first laps of the next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import msgpack

from nascar.telemetry.columns import Kind, Table
from nascar.telemetry.schema import LAP_TIMES, TRACK_POSITION
from tests.grafana.race_server import Server

DRIVER: Final = "Marlow Tennant"
TEAM: Final = "Ironwood Motorsports"
CAR: Final = 24
OLD_LAPS: Final = (1, 2, 3, 4, 5, 6, 7)
NEW_LAPS: Final = (1, 2, 3, 4)
LAP_S: Final = 30
"""Seconds from line to line; the new race's first lap ends two such after the old one's last."""


def two_races(race: Server, database: str) -> Server:
    """The same server, asked about a `database` with laps of one car: first a race that it leads all the way and
    that ends with much fuel, and in the next one, where it is second, faster laps with every lap.
    """
    server = replace(race, database=database)
    laps = (*OLD_LAPS, 0, *NEW_LAPS)
    begin_s = server.end_s - LAP_S * len(laps)
    rows = [
        {
            "time": (begin_s + LAP_S * (place + 1) - 1) * 1_000_000,
            "lap": lap,
            "position": 9 if old else 2,
            "laps_led": lap if old else 0,
            "lap_time_s": 30.5 if old else 31.0 - 0.1 * lap,
            "best_lap_s": 30.5 if old else 31.0 - 0.1 * lap,
            "tire_age_laps": lap,
            "fuel_gal": 20.0 - 0.2 * lap if old else 18.0 - 0.3 * lap,
            "pit": int(old and lap == 6),
            "pit_road_s": 40.0 if old and lap == 6 else 0.0,
            "box_s": 9.0 if old and lap == 6 else 0.0,
            "rf_temp_f": 150.0 if old else 200.0 + lap,
        }
        for place, lap in enumerate(laps)
        if lap
        for old in (place < len(OLD_LAPS),)
    ]
    _write(server, LAP_TIMES, rows)
    _write(server, TRACK_POSITION, [{"time": (server.end_s - 2) * 1_000_000, "lap": 5, "position": 3}])
    return server


def _write(server: Server, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """`rows` with whatever they do not say filled up."""
    always = {"car_number": CAR, "driver": DRIVER, "team": TEAM, "manufacturer": "Chevrolet", "flag": "green"}
    nothing = {Kind.INT: 0, Kind.FLOAT: 0.0, Kind.TEXT: ""}
    columns = {
        column.name: [row.get(column.name, always.get(column.name, nothing.get(column.kind))) for row in rows]
        for column in table.columns
    }
    body = msgpack.packb({"m": table.name, "columns": columns})
    server.post("/api/v1/write/msgpack", body, "application/msgpack")
    server.flush()
    end = time.monotonic() + 30
    while len(server.query(f"SELECT lap FROM {table.name}")[1]) < len(rows):
        assert time.monotonic() < end, f"the rows of {table.name} did not become visible"
        time.sleep(0.05)
