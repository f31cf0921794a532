"""A table of several sealed files, and both ways to ask it: as it stands, and with what is kept of the files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import msgpack
import numpy as np

from embedded_arc.catalog import Table
from embedded_arc.partials import Partials
from embedded_arc.payload import PayloadReader
from embedded_arc.settings import Settings
from embedded_arc.sql_tree import parse
from embedded_arc.store import Store, segments_root

T0_S = 1_748_779_200
FILES = 6
FILE_S = 10
ROWS = 400
"""Rows of a file."""


@dataclass(slots=True)
class Bench:
    """A table of several files, all but the last of them sealed, and both ways to ask it."""

    store: Store
    partials: Partials

    @property
    def table(self) -> Table:
        found = self.store.catalog.find("db", "t")
        assert found is not None
        return found

    def plain(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        return answer(self.store.cursor().execute(sql))

    def shorter(self, sql: str) -> str | None:
        return self.shorter_on(self.store.cursor(), sql)

    def shorter_on(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> str | None:
        return self.partials.rewritten(cursor, sql, parse(cursor, sql), self.table)

    def kept(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = self.store.cursor()
        shorter = self.shorter_on(cursor, sql)
        assert shorter is not None, sql
        return answer(cursor.execute(shorter))

    def write(self, file: int) -> None:
        self.store.take("db", PayloadReader(lambda: 0).read(msgpack.packb(rows(file))))
        self.store.flush()


def rows(file: int) -> dict[str, Any]:
    rng = np.random.default_rng(file)
    start_us = (T0_S + file * FILE_S) * 10**6
    car = [i % 5 for i in range(ROWS)]
    speed = [None if i % 37 == 0 else round(float(v), 2) for i, v in enumerate(rng.normal(180, 20, ROWS))]
    columns: dict[str, list[Any]] = {
        "time": [start_us + i * FILE_S * 10**6 // ROWS for i in range(ROWS)],
        "car": car,
        "driver": [f"Driver {c}" if c != 4 else None for c in car],
        "speed": speed,
        "rpm": [int(v) for v in rng.integers(3000, 9500, ROWS)],
        "lap": [1 + file // 2] * ROWS,
        "pit": [i % 11 == 0 for i in range(ROWS)],
    }
    if file == 3:
        # Integers in one file, floats in the others.
        columns["speed"] = [0 if v is None else int(v) for v in speed]
    if file == 4:
        del columns["pit"]
    return {"m": "t", "columns": columns}


def answer(cursor: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Types and rows; floats to ten digits, for sums depend on their order."""
    table = cursor.to_arrow_table()
    found = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [f"{field.name} {field.type}" for field in table.schema], [
        tuple(float(f"{v:.10g}") if isinstance(v, float) and math.isfinite(v) else v for v in row)
        for row in found
    ]


@contextmanager
def filled(settings: Settings) -> Iterator[Bench]:
    """All files written, all but the last sealed."""
    segments_root(settings.data_dir).mkdir(parents=True)
    store = Store(settings)
    made = Bench(store, Partials(store))
    for file in range(FILES):
        made.write(file)
        if file < FILES - 1:
            store.tidy()
    yield made
    made.partials.close()
    store.close()


SINCE = f"time >= to_timestamp({T0_S + 14.3})"
