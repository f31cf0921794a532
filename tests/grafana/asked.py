"""A panel's question, and rows as they are stored, as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana.panel_files import PanelQuery
from tests.grafana.race_server import Server

Row = dict[str, Any]


def answered(race: Server, query: PanelQuery, **variables: str) -> list[Row]:
    """The rows that the panel of `query` draws, over the window that it says for itself."""
    assert query.window
    return as_rows(race.ask(query.target_sql, query.window, **variables))


def stored(race: Server, table: str, condition: str, window: str) -> list[Row]:
    """All rows of a table within a window that ends where the race's rows end, oldest first."""
    return as_rows(
        race.ask(
            f"SELECT * FROM {table} WHERE time >= $__timeFrom() AND time < $__timeTo() AND {condition} ORDER BY time",
            window,
        )
    )


def as_rows(answer: tuple[list[str], list[list[Any]]]) -> list[Row]:
    columns, rows = answer
    return [dict(zip(columns, row, strict=True)) for row in rows]


def by_lap(rows: list[Row]) -> Mapping[tuple[int, int], Row]:
    """Rows of `lap_times` by car and lap."""
    return {(row["car_number"], row["lap"]): row for row in rows}
