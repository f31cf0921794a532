"""The low-rate tables from the race into the real engine and out of it again, with the published command."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nascar.race.entries import load_entries
from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.schema import LOW_RATE_TABLES
from tests.cli.conftest import Engine, Nascar

SECONDS = 10
CARS = 12
RATE = 10_800
QUOTED = 'Ana "Ace" O\'Brien; --'
ACCENTED = "Zoë Åström-Dvořák 赤 " + "x" * 40
DATABASE = "low_rate"

RANGED = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for table in LOW_RATE_TABLES
    for column in table.columns
    if column.range is not None
]
TABLES = [pytest.param(table, id=table.name) for table in LOW_RATE_TABLES]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A run of 10 s from the second lap of a half-mile on, in which race control is busy."""

    engine: Engine
    race: tuple[str, ...]
    """The flags that say which race it is."""
    report: Path

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.report.read_text())
        return facts

    def ask(self, sql: str) -> list[list[Any]]:
        return self.engine.ask(DATABASE, sql)


@pytest.fixture(scope="module")
def streamed(engine: Engine, nascar: Nascar, tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    folder = tmp_path_factory.mktemp("low_rate")
    with (folder / "entries.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("car_number", "driver", "team", "manufacturer"))
        for place, entry in enumerate(load_entries()[:CARS]):
            driver = {0: QUOTED, 1: ACCENTED}.get(place, entry.driver)
            writer.writerow((entry.car_number, driver, f"Équipe {entry.team}", entry.manufacturer))
    first, second = (entry.car_number for entry in load_entries()[:2])
    (folder / "commands.csv").write_text(
        f"race_time_s,command,car\n28,retire,{first}\n29,spin,{second}\n31,caution,\n"
    )
    race = (
        *("--cars", str(CARS), "--entries", str(folder / "entries.csv"), "--track", "half_mile"),
        *("--commands", str(folder / "commands.csv"), "--cautions", "none", "--start-lap", "2"),
        *("--seed", "5", "--rate", str(RATE)),
    )
    report = folder / "run.json"
    run = nascar(
        *("stream", "--url", engine.url, "--database", DATABASE, "--duration", str(SECONDS)),
        *(*race, "--report", str(report)),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "beside the rate" in run.stdout
    verified = nascar("verify", "--report", str(report), "--url", engine.url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    for table in LOW_RATE_TABLES:
        assert table.name in verified.stdout
    return Streamed(engine, race, report)


def test_every_row_that_was_acknowledged_is_stored_once(streamed: Streamed) -> None:
    beside = streamed.facts["beside"]
    assert list(beside) == [table.name for table in LOW_RATE_TABLES]
    assert beside["track_position"]["acknowledged"] == SECONDS * 10 * CARS
    for name, table in beside.items():
        assert table["scheduled"] == table["acknowledged"] > 0
        ((stored, distinct),) = streamed.ask(
            f"SELECT COUNT(*), COUNT(DISTINCT (car_number, time)) FROM {name}"
        )
        assert stored == distinct == table["acknowledged"]


def test_they_do_not_count_for_the_rate(streamed: Streamed) -> None:
    report = streamed.facts
    assert sum(table["scheduled"] for table in report["tables"].values()) == SECONDS * RATE
    assert report["achieved_rate"] == pytest.approx(RATE, rel=0.01)


def test_the_engine_holds_what_an_export_of_the_same_race_writes(
    streamed: Streamed, nascar: Nascar, tmp_path: Path
) -> None:
    run = nascar(
        *("export", str(tmp_path / "rows"), "--seconds", str(SECONDS), *streamed.race),
        *("--start-at", streamed.facts["started_at"]),
        token=None,
    )
    assert run.returncode == 0, run.stderr
    for table in LOW_RATE_TABLES:
        columns = ", ".join(
            "epoch_us(time)" if column.kind is Kind.TIME else column.name for column in table.columns
        )
        file = tmp_path / "rows" / f"{table.name}.parquet"
        written = duckdb.execute(
            f"SELECT {columns} FROM read_parquet(?) ORDER BY time, car_number", [str(file)]
        ).fetchall()
        stored = streamed.ask(f"SELECT {columns} FROM {table.name} ORDER BY time, car_number LIMIT 100000")
        assert [tuple(row) for row in stored] == written


@pytest.mark.parametrize(("table", "column"), RANGED)
def test_values_are_in_range(streamed: Streamed, table: Table, column: Column) -> None:
    assert column.range is not None
    ((least, most, unknown),) = streamed.ask(
        f"SELECT MIN({column.name}), MAX({column.name}), COUNT(*) - COUNT({column.name}) FROM {table.name}"
    )
    assert unknown == 0
    assert column.range[0] <= least <= most <= column.range[1]


@pytest.mark.parametrize("table", TABLES)
def test_columns_have_the_types_of_the_schema(streamed: Streamed, table: Table) -> None:
    types = {
        Kind.TIME: "TIMESTAMP WITH TIME ZONE",
        Kind.INT: "BIGINT",
        Kind.FLOAT: "DOUBLE",
        Kind.TEXT: "VARCHAR",
    }
    for column in table.columns:
        (found,) = streamed.ask(f"SELECT DISTINCT typeof({column.name}) FROM {table.name}")
        # The engine keeps text with few different values as an ENUM.
        assert found[0] == types[column.kind] or (column.kind is Kind.TEXT and found[0].startswith("ENUM"))


def test_texts_arrive_as_they_were_written(streamed: Streamed) -> None:
    for table in LOW_RATE_TABLES:
        drivers = {row[0] for row in streamed.ask(f"SELECT DISTINCT driver FROM {table.name}")}
        assert {QUOTED, ACCENTED} & drivers, table.name
    ((team,),) = streamed.ask(
        f"SELECT DISTINCT team FROM lap_times WHERE driver = '{ACCENTED}' AND team LIKE 'Équipe %'"
    )
    assert team.startswith("Équipe ")
    texts = [row[0] for row in streamed.ask("SELECT text FROM race_events ORDER BY time")]
    assert any(QUOTED in text for text in texts)


def test_the_latest_events_are_there_and_in_order(streamed: Streamed) -> None:
    rows = streamed.ask("SELECT time, kind, flag, text FROM race_events ORDER BY time DESC LIMIT 100")
    kinds = [row[1] for row in reversed(rows)]
    assert {"command", "caution", "incident"} <= set(kinds)
    assert kinds.index("command") < kinds.index("caution")
    assert rows[0][2] == "yellow"
    (last,) = streamed.ask("SELECT epoch_us(MAX(time)) FROM race_events")
    assert last[0] == streamed.facts["beside"]["race_events"]["last_time_us"]


def test_the_order_on_the_map_is_the_order_by_distance(streamed: Streamed) -> None:
    rows = streamed.ask(
        "SELECT time, COUNT(*), COUNT(DISTINCT position), MIN(position), MAX(position), MIN(gap_s) "
        "FROM track_position GROUP BY time ORDER BY time"
    )
    assert len(rows) == SECONDS * 10
    for _, cars, places, first, last, gap_s in rows:
        assert (cars, places, first, last, gap_s) == (CARS, CARS, 1, CARS, 0)


def test_tables_are_joined_by_their_car(streamed: Streamed) -> None:
    rows = streamed.ask(
        "SELECT p.car_number, p.driver, MAX(l.lap) AS laps, COUNT(*) FROM lap_times l "
        "JOIN (SELECT DISTINCT car_number, driver FROM track_position) p ON p.car_number = l.car_number "
        "GROUP BY p.car_number, p.driver ORDER BY laps DESC, p.car_number"
    )
    ((laps,),) = streamed.ask("SELECT COUNT(*) FROM lap_times")
    assert sum(row[3] for row in rows) == laps
    ((joined,),) = streamed.ask(
        "SELECT COUNT(*) FROM lap_times l JOIN engine_telemetry e "
        "ON e.car_number = l.car_number AND e.driver = l.driver"
    )
    assert joined > laps
    names = {entry.car_number for entry in load_entries()[:CARS]}
    assert {row[0] for row in rows} <= names


def test_the_place_on_the_map_moves_with_the_speed_of_the_car(streamed: Streamed) -> None:
    rows = streamed.ask(
        "SELECT step_m, v0, v1 FROM (SELECT "
        "sqrt(pow(x_m - lag(x_m) OVER w, 2) + pow(y_m - lag(y_m) OVER w, 2)) AS step_m, "
        "lag(speed_mph) OVER w AS v0, speed_mph AS v1 FROM track_position "
        "WINDOW w AS (PARTITION BY car_number ORDER BY time)) WHERE step_m IS NOT NULL"
    )
    assert len(rows) == (SECONDS * 10 - 1) * CARS
    for step_m, before_mph, now_mph in rows:
        driven_m = (before_mph + now_mph) / 2 * 0.44704 * 0.1
        # The way on a lane other than the centre line, and a move over to it.
        assert step_m == pytest.approx(driven_m, rel=0.2, abs=0.8)
