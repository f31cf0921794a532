"""The low-rate tables as a source of batches beside the schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from nascar.stream.compression import Compression, SqueezedBody
from nascar.stream.source import BatchHead, BesideSource, Body, TimedHead
from nascar.stream.wire import Cell, WireBody, WireColumn, WireTable
from nascar.telemetry.columns import Kind
from nascar.telemetry.low_rate import LowRateTables
from nascar.telemetry.rows import Rows

_KEEP_NOTHING: Final = 0
"""Bytes of buffers to keep for the next body: no two of these bodies are alike."""


class LowRateFeed(BesideSource):
    """Batches of what has happened since the last ones."""

    def __init__(self, rows: LowRateTables, *, compression: Compression = Compression.NONE) -> None:
        self._squeeze = compression.squeezer()
        self._rows = rows
        self._cars = rows.cars
        self._batches = 0

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self._rows.tables)

    def take(self, until_us: int) -> Sequence[tuple[BatchHead, Body]]:
        batches: list[tuple[BatchHead, Body]] = []
        for rows in self._rows.take(until_us):
            head = TimedHead(
                index=self._batches,
                table=rows.table.name,
                rows=rows.count,
                first_time_us=int(rows.times_us[0]),
                last_time_us=int(rows.times_us[-1]),
                due_us=until_us,
                times_us=rows.times_us,
            )
            self._batches += 1
            body = encode_rows(rows, period=self._cars, time_unit_us=self._rows.time_unit.us)
            batches.append((head, body if self._squeeze is None else SqueezedBody(body, self._squeeze)))
        return batches

    def close(self) -> None:
        self._rows.close()


def encode_rows(rows: Rows, *, period: int, time_unit_us: int = 1) -> WireBody:
    """A body of these rows. Texts that come round every `period` rows are encoded once."""
    columns = [WireColumn("time", Cell.INT64)]
    numbers = {"time": np.floor_divide(rows.times_us, time_unit_us)}
    for column in rows.table.columns:
        if column.kind is Kind.TIME:
            continue
        values = rows.columns[column.name]
        if isinstance(values, tuple):
            columns.append(WireColumn(column.name, _period(values, period)))
        else:
            cell = Cell.FLOAT64 if column.kind is Kind.FLOAT else Cell.INT64
            columns.append(WireColumn(column.name, cell))
            numbers[column.name] = values
    body = WireTable(rows.table.name, columns, _KEEP_NOTHING).lend(rows.count)
    for name, cells in numbers.items():
        body.fill(name, cells)
    return body


def _period(texts: tuple[str, ...], cars: int) -> tuple[str, ...]:
    """What comes round in `texts`: one text, those of all cars, or no less than the whole."""
    for length in (1, cars):
        turns, rest = divmod(len(texts), length)
        if not rest and texts[:length] * turns == texts:
            return texts[:length]
    return texts
