"""What a query answers with: names, kinds and units of its columns, without a row being stored.

The kinds are those that the engine itself works out, asked of empty tables made from the schema. The unit comes from the
schema where the column is one of its, else from the end of its name: ``gap_s``, ``used_gal_per_lap``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import duckdb

from nascar.monitor.table import PIPELINE_METRICS
from nascar.race.entries import load_entries
from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES

STORED: Final[tuple[Table, ...]] = (*TABLES, *LOW_RATE_TABLES, PIPELINE_METRICS)
"""Every table that a panel may read."""

SUFFIXES: Final = {
    "rows_per_s": "rows/s",
    "gal_per_lap": "gal/lap",
    "s_per_lap": "s/lap",
    "mb_s": "MB/s",
    "mph": "mph",
    "psi": "psi",
    "pct": "%",
    "gal": "gal",
    "rpm": "rpm",
    "deg": "°",
    "rows": "rows",
    "cores": "cores",
    "laps": "lap",
    "lap": "lap",
    "ms": "ms",
    "mb": "MB",
    "in": "in",
    "s": "s",
    "f": "°F",
    "g": "g",
    "m": "m",
}
"""The schema's unit by the end of a column's name, the longer ends first."""

_TYPES: Final = {Kind.TIME: "TIMESTAMPTZ", Kind.INT: "BIGINT", Kind.FLOAT: "DOUBLE", Kind.TEXT: "VARCHAR"}
_KINDS: Final = {
    "TIMESTAMP WITH TIME ZONE": Kind.TIME,
    "BIGINT": Kind.INT,
    "INTEGER": Kind.INT,
    "DOUBLE": Kind.FLOAT,
    "FLOAT": Kind.FLOAT,
    "VARCHAR": Kind.TEXT,
}
"""Only types that a panel draws: a HUGEINT (the sum of integers) or a DECIMAL arrives as text."""


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column of an answer."""

    name: str
    kind: Kind
    unit: str | None
    """As the schema spells it; "" for a plain number, None where neither schema nor name tells."""
    decimals: int | None = None
    """Digits that the sensor has; None where the unit decides."""
    range: tuple[float, float] | None = None
    """Least and greatest value, where the schema knows them."""


def answer_of(sql: str) -> tuple[AnswerColumn, ...]:
    """What `sql`, in Grafana's form, answers with. Raises ValueError where it cannot run or cannot be drawn."""
    try:
        described = _engine().execute(f"DESCRIBE {example_of(sql)}").fetchall()
    except duckdb.Error as error:
        raise ValueError(f"{error} in:\n{sql}") from error
    columns = []
    for name, kind, *_ in described:
        if kind not in _KINDS:
            raise ValueError(f"{name} is a {kind}, which no panel draws; cast it to DOUBLE in:\n{sql}")
        columns.append(answer_column(name, _KINDS[kind]))
    return tuple(columns)


def answer_column(name: str, kind: Kind) -> AnswerColumn:
    """A column of this name, with what schema or name tell about it."""
    known = _schema_columns().get(name)
    if known is not None and (known.kind is Kind.TEXT) == (kind is Kind.TEXT):
        decimals = known.sensor.decimals if known.sensor else known.decimals
        return AnswerColumn(name, kind, known.unit, 0 if kind is Kind.INT else decimals or None, known.range)
    unit = unit_of_name(name)
    return AnswerColumn(name, kind, unit, 0 if kind is Kind.INT else None)


def unit_of_name(name: str) -> str | None:
    """The unit that a name ends in; None where it ends in none."""
    for suffix, unit in SUFFIXES.items():
        if name == suffix or name.endswith(f"_{suffix}"):
            return unit
    return None


def example_of(sql: str) -> str:
    """`sql` with macros and variables replaced by the values that a dashboard starts with."""
    for macro, instant in (
        ("$__timeFrom()", "2026-01-01T00:00:00Z"),
        ("$__timeTo()", "2026-01-01T00:15:00Z"),
    ):
        sql = sql.replace(macro, f"'{instant}'")
    first = load_entries()[0]
    return re.sub(r"\$[a-z]\w*", str(first.car_number), sql.replace("$team", first.team))


@cache
def _schema_columns() -> dict[str, Column]:
    """The columns of all tables by their name, the published tables first."""
    columns: dict[str, Column] = {}
    for table in STORED:
        for column in table.columns:
            columns.setdefault(column.name, column)
    return columns


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(config={"threads": 1})
    engine.execute("SET TimeZone = 'UTC'")
    for table in STORED:
        cells = ", ".join(f'"{column.name}" {_TYPES[column.kind]}' for column in table.columns)
        engine.execute(f"CREATE TABLE {table.name} ({cells})")
    return engine
