"""The rows as Parquet files, one for each table: the race without a server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from nascar.errors import NascarError, UsageError
from nascar.telemetry.columns import Kind, Table
from nascar.telemetry.low_rate import LowRateTables
from nascar.telemetry.plan import Batch, RowPlan
from nascar.telemetry.sampler import Sampler

ROW_GROUP_ROWS: Final = 122_880
"""A row group is written when so many rows have come together: DuckDB's own size, about 15 MB in memory."""


def export_parquet(
    directory: Path, sampler: Sampler, plan: RowPlan, low_rate: LowRateTables | None = None
) -> dict[str, int]:
    """Write ``<table>.parquet`` for each table of `plan` into `directory` and return the rows in each.

    With `low_rate`, which the sampler must read the race through, its tables are written as well.
    `directory` is made if need be and must be empty. A file gets its name when all tables are complete;
    whatever goes wrong, nothing half-written is left.
    """
    _load_pyarrow()
    batches = plan.batches
    if batches is None:
        raise UsageError("An export needs an end. Give the length of the race in seconds.")
    made = _make_empty(directory)
    tables = plan.tables if low_rate is None else (*plan.tables, *low_rate.tables)
    files = {table.name: directory / f"{table.name}.parquet" for table in tables}
    parts = {name: file.with_suffix(".parquet.part") for name, file in files.items()}
    try:
        rows = _write(parts, sampler, plan, batches, low_rate)
        for name, part in parts.items():
            part.replace(files[name])
    except BaseException as error:
        for path in (*parts.values(), *files.values()):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if made:
            with suppress(OSError):
                directory.rmdir()
        if isinstance(error, OSError):
            raise NascarError(
                f"Cannot write to {directory}: {error.strerror or error}. "
                "Free some space there, or give another directory or fewer seconds."
            ) from error
        raise
    return rows


def _write(
    parts: dict[str, Path], sampler: Sampler, plan: RowPlan, batches: int, low_rate: LowRateTables | None
) -> dict[str, int]:
    with ExitStack() as open_files:
        files = {
            table.name: open_files.enter_context(_SampledFile(parts[table.name], table, sampler))
            for table in plan.tables
        }
        beside: dict[str, _TableFile] = {}
        if low_rate is not None:
            beside = {
                table.name: open_files.enter_context(_TableFile(parts[table.name], table))
                for table in low_rate.tables
            }
        for index in range(batches):
            batch = plan.batch(index)
            files[batch.table.name].add_batch(batch)
            # Once for each turn of the tables is often enough to keep few rows waiting.
            if low_rate is not None and batch.table is plan.tables[-1]:
                _add_rows(beside, low_rate)
    return {name: file.rows for name, file in (files | beside).items()}


def _add_rows(files: dict[str, _TableFile], low_rate: LowRateTables) -> None:
    for rows in low_rate.take():
        unit_us = low_rate.time_unit.us
        times_us = np.floor_divide(rows.times_us, unit_us) * unit_us
        files[rows.table.name].add(rows.count, {"time": times_us, **rows.columns})


class _TableFile:
    """One Parquet file while it grows. Left by an error, it is closed as it is."""

    def __init__(self, path: Path, table: Table) -> None:
        pa, pq = _load_pyarrow()
        types = {
            Kind.TIME: pa.timestamp("us", "UTC"),
            Kind.INT: pa.int64(),
            Kind.FLOAT: pa.float64(),
            Kind.TEXT: pa.string(),
        }
        self.rows = 0
        self._pa = pa
        self._schema = pa.schema([(column.name, types[column.kind]) for column in table.columns])
        self._pending: list[Any] = []
        self._pending_rows = 0
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self._flush()
            self._writer.close()
        else:
            # The error that brought us here is the one to tell.
            with suppress(OSError):
                self._writer.close()

    def add(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add so many rows, a column as an array or as a sequence of values."""
        arrays = [self._pa.array(columns[field.name]).cast(field.type) for field in self._schema]
        self._pending.append(self._pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._pending_rows += rows
        self.rows += rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            table = self._pa.Table.from_batches(self._pending)
            self._writer.write_table(table, row_group_size=self._pending_rows)
            self._pending, self._pending_rows = [], 0


class _SampledFile(_TableFile):
    """The file of a table that the sampler reads."""

    def __init__(self, path: Path, table: Table, sampler: Sampler) -> None:
        super().__init__(path, table)
        self._sampler = sampler
        self._texts = sampler.texts(table)
        self._text_columns: dict[int, dict[str, Any]] = {}

    def add_batch(self, batch: Batch) -> None:
        columns = dict(self._texts_of(batch.instants))
        for column, values in self._sampler.numbers(batch):
            if column.kind is Kind.TIME:
                values = values * self._sampler.time_unit.us
            # The sampler's arrays are on loan; Arrow keeps its own.
            columns[column.name] = values.copy()
        self.add(batch.rows, columns)

    def _texts_of(self, instants: int) -> dict[str, Any]:
        if instants not in self._text_columns:
            self._text_columns[instants] = {
                name: self._pa.array(texts * instants, self._pa.string())
                for name, texts in self._texts.items()
            }
        return self._text_columns[instants]


def _load_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise NascarError(
            "Parquet files are written by pyarrow, which is not installed. "
            "Install it with: python3 -m pip install pyarrow"
        ) from error
    return pa, pq


def _make_empty(directory: Path) -> bool:
    """Make `directory` or see that it is empty; True if it was made."""
    try:
        if not directory.exists():
            directory.mkdir(parents=True)
            return True
        taken = not directory.is_dir() or any(directory.iterdir())
    except OSError as error:
        raise UsageError(
            f"Cannot use {directory}: {error.strerror or error}. Give a directory that you may write to."
        ) from error
    if taken:
        raise UsageError(f"{directory} is not an empty directory. Give a new one, or empty it first.")
    return False
