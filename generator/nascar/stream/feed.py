"""The race's telemetry as a source of batches: renders the rows and puts them on the wire."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.stream.compression import Compression, SqueezedBody
from nascar.stream.source import BatchHead, BesideSource
from nascar.stream.wire import Cell, WireBody, WireColumn, WireTable
from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler

STOCK_BYTES: Final = 64 * 2**20
"""Most bytes of buffers that lie ready for use, over all tables."""

RECENT_BATCHES: Final = 128
"""Batches of which it is remembered what they are."""


class TelemetryFeed:
    """A `BatchSource`: batch `index` of the plan, rendered by the sampler and encoded."""

    def __init__(
        self,
        sampler: Sampler,
        stock_bytes: int = STOCK_BYTES,
        *,
        beside: BesideSource | None = None,
        compression: Compression = Compression.NONE,
    ) -> None:
        """`beside` is what comes about as the sampler moves the race on; it has a compression of its own."""
        self._squeeze = compression.squeezer()
        self._sampler = sampler
        self._beside = beside
        self._plan: RowPlan = sampler.plan
        tables = self._plan.tables
        self._wire = {
            table.name: WireTable(
                table.name, [self._wire_column(table, c) for c in table.columns], stock_bytes // len(tables)
            )
            for table in tables
        }
        # The sender asks for a batch three times: as it comes due, and before and for its encoding.
        self._batch = lru_cache(RECENT_BATCHES)(self._plan.batch)
        self._head = lru_cache(RECENT_BATCHES)(self._describe)
        # Where the rendered columns go: for each table and number of rows, of which there are two at most.
        self._places: dict[tuple[str, int], NDArray[np.int64]] = {}

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self._plan.tables)

    @property
    def beside(self) -> BesideSource | None:
        return self._beside

    @property
    def batches(self) -> int | None:
        return self._plan.batches

    def head(self, index: int) -> BatchHead:
        return self._head(index)

    def _describe(self, index: int) -> BatchHead:
        batch = self._batch(index)
        return BatchHead(
            index=index,
            table=batch.table.name,
            rows=batch.rows,
            first_time_us=batch.first_time_us,
            last_time_us=batch.last_time_us,
            due_us=batch.due_us,
        )

    def encode(self, index: int) -> WireBody | SqueezedBody:
        batch = self._batch(index)
        wire = self._wire[batch.table.name]
        places = self._places.get((batch.table.name, batch.rows))
        if places is None:
            of_name, columns = wire.places(batch.rows), self._sampler.rendered(batch.table)
            places = np.array([of_name[column.name] for column in columns], np.int64)
            self._places[batch.table.name, batch.rows] = places
        body = wire.lend(batch.rows)
        self._sampler.render(batch, body.memory, places, is_tagged=True)
        return body if self._squeeze is None else SqueezedBody(body, self._squeeze)

    def _wire_column(self, table: Table, column: Column) -> WireColumn:
        if column.kind is Kind.TEXT:
            return WireColumn(column.name, self._sampler.texts(table)[column.name])
        if _is_carried(column):
            return WireColumn(column.name, self._sampler.car_numbers())
        return WireColumn(column.name, Cell.FLOAT64 if column.kind is Kind.FLOAT else Cell.INT64)


def _is_carried(column: Column) -> bool:
    """Whether every row of a car has the same value."""
    return column.sensor is None and column.kind is not Kind.TIME
