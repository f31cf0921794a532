"""The eight published questions, as they stand, on rows of the published tables."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.schema import TABLES

FILES = sorted((Path(__file__).parents[2] / "queries").glob("*.sql"))
QUESTIONS = {int(path.stem[:2]): path.read_text() for path in FILES}
CARS = 40
INSTANTS = 50


def value(column: Column, car: int, instant: int) -> Any:
    """A cell within the column's range, different for each car and instant."""
    if column.name == "car_number":
        return car
    if column.kind is Kind.TEXT:
        return {"driver": f"Driver {car}", "team": f"Team {car % 16}"}.get(
            column.name, ("Chevrolet", "Ford", "Toyota")[car % 3]
        )
    low, high = column.range or (0, 1)
    if column.name == "lap":
        return 1 + instant // 25
    part = (car * 13 + instant * 7) % 101 / 100
    cell = low + (high - low) * part
    return round(cell) if column.kind is Kind.INT else cell


def body(table: Table, start_us: int) -> dict[str, Any]:
    rows = [(car, instant) for instant in range(INSTANTS) for car in range(1, CARS + 1)]
    columns = {
        column.name: [value(column, car, instant) for car, instant in rows]
        for column in table.columns
        if column.kind is not Kind.TIME
    }
    return {"m": table.name, "columns": {"time": [start_us + i for i in range(len(rows))], **columns}}


@pytest.fixture
async def race(arc: Any) -> Any:
    """An engine with two seconds' worth of rows of all three tables, stored in two flushes."""
    now_us = int(time.time() * 1e6)
    for start_us in (now_us - 2_000_000, now_us - 1_000_000):
        for table in TABLES:
            assert (await arc.write(body(table, start_us), "nascar_telemetry"))[0] == 204
        await arc.flush()
    return arc


async def test_an_engine_that_prepares_them_all_and_the_panels_starts(launch: Any, client: Any) -> None:
    async with client(launch("--prepare", str(FILES[0].parent)).url) as arc:
        assert await arc.rows("SELECT 1") == [[1]]


def test_there_are_eight() -> None:
    assert sorted(QUESTIONS) == list(range(1, 9))


@pytest.mark.parametrize("sql", QUESTIONS.values(), ids=[path.stem for path in FILES])
async def test_a_question_as_published_and_as_a_panel_asks_it(race: Any, sql: str) -> None:
    status, published = await race.query(sql)
    assert status == 200, published
    assert published["row_count"] > 0
    # Grafana's plugin names the database in a header.
    status, panel = await race.query(sql.replace("nascar_telemetry.", ""), "nascar_telemetry")
    assert (status, panel["columns"], panel["data"]) == (200, published["columns"], published["data"])


async def ask(race: Any, number: int) -> list[dict[str, Any]]:
    _, answer = await race.query(QUESTIONS[number])
    return [dict(zip(answer["columns"], row, strict=True)) for row in answer["data"]]


def cells(table: str, column: str, car: int | None = None) -> list[Any]:
    """What was sent, from the same rule."""
    (found,) = (t for t in TABLES if t.name == table)
    cars = range(1, CARS + 1) if car is None else [car]
    return [value(found.column(column), c, i) for c in cars for i in range(INSTANTS)]


async def test_the_answers_are_those_of_the_rows_sent(race: Any) -> None:
    board = await ask(race, 1)
    average = {c: sum(cells("engine_telemetry", "speed_mph", c)) / INSTANTS for c in range(1, CARS + 1)}
    assert [row["avg_speed"] for row in board] == pytest.approx(sorted(average.values(), reverse=True)[:10])
    assert all(row["driver"] == f"Driver {row['car_number']}" for row in board)

    trace = await ask(race, 2)
    assert len(trace) == 2 * INSTANTS
    times = [datetime.fromisoformat(row["time"]) for row in trace]
    assert times == sorted(times, reverse=True)
    assert [row["rpm"] for row in trace[:INSTANTS]] == cells("engine_telemetry", "rpm", 24)[::-1]

    makes = await ask(race, 3)
    assert sum(row["samples"] for row in makes) == 2 * INSTANTS * CARS
    assert max(row["max_speed"] for row in makes) == max(cells("engine_telemetry", "speed_mph"))

    tires = await ask(race, 4)
    assert [row["lap"] for row in tires] == [2, 1]
    assert tires[0]["driver"] == "Driver 24"

    forces = await ask(race, 5)
    most = sorted((max(cells("chassis_telemetry", "lateral_g", c)) for c in range(1, CARS + 1)), reverse=True)
    assert [row["max_lateral_g"] for row in forces] == most[:10]

    fuel = await ask(race, 6)
    assert all(row["samples"] == 2 * INSTANTS for row in fuel)

    teams = await ask(race, 7)
    assert sum(row["cars"] for row in teams) == CARS

    braking = await ask(race, 8)
    hard = {
        c: 2 * sum(p > 500 for p in cells("chassis_telemetry", "brake_pressure_psi", c))
        for c in range(1, CARS + 1)
    }
    assert [row["heavy_brake_events"] for row in braking] == sorted(hard.values(), reverse=True)[:10]
