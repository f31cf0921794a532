"""The rows as Parquet files, one for each table: the race without a server."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from nascar.errors import NascarError, UsageError
from nascar.telemetry.plan import Batch, RowPlan
from nascar.telemetry.sampler import Sampler
from nascar.telemetry.schema import Kind, Table

ROW_GROUP_ROWS: Final = 122_880
"""A row group is written when so many rows have come together: DuckDB's own size, about 15 MB in memory."""


def export_parquet(directory: Path, sampler: Sampler, plan: RowPlan) -> dict[str, int]:
    """Write ``<table>.parquet`` for each table of `plan` into `directory` and return the rows in each.

    `directory` is made if need be and must be empty. A file gets its name when all tables are complete;
    whatever goes wrong, nothing half-written is left.
    """
    _load_pyarrow()
    batches = plan.batches
    if batches is None:
        raise UsageError("An export needs an end. Give the length of the race in seconds.")
    made = _make_empty(directory)
    files = {table.name: directory / f"{table.name}.parquet" for table in plan.tables}
    parts = {name: file.with_suffix(".parquet.part") for name, file in files.items()}
    try:
        rows = _write(parts, sampler, plan, batches)
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


def _write(parts: dict[str, Path], sampler: Sampler, plan: RowPlan, batches: int) -> dict[str, int]:
    with ExitStack() as open_files:
        files = {
            table.name: open_files.enter_context(_TableFile(parts[table.name], table, sampler))
            for table in plan.tables
        }
        for index in range(batches):
            batch = plan.batch(index)
            files[batch.table.name].add(batch)
    return {name: file.rows for name, file in files.items()}


class _TableFile:
    """One Parquet file while it grows. Left by an error, it is closed as it is."""

    def __init__(self, path: Path, table: Table, sampler: Sampler) -> None:
        pa, pq = _load_pyarrow()
        types = {
            Kind.TIME: pa.timestamp("us", "UTC"),
            Kind.INT: pa.int64(),
            Kind.FLOAT: pa.float64(),
            Kind.TEXT: pa.string(),
        }
        self.rows = 0
        self._pa = pa
        self._sampler = sampler
        self._schema = pa.schema([(column.name, types[column.kind]) for column in table.columns])
        self._texts = sampler.texts(table)
        self._text_columns: dict[int, dict[str, Any]] = {}
        self._pending: list[Any] = []
        self._pending_rows = 0
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> _TableFile:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self._flush()
            self._writer.close()
        else:
            # The error that brought us here is the one to tell.
            with suppress(OSError):
                self._writer.close()

    def add(self, batch: Batch) -> None:
        pa = self._pa
        columns = dict(self._texts_of(batch.instants))
        for column, values in self._sampler.numbers(batch):
            if column.kind is Kind.TIME:
                values = values * self._sampler.time_unit.us
            # The sampler's arrays are on loan; Arrow keeps its own.
            columns[column.name] = pa.array(values.copy())
        arrays = [columns[field.name].cast(field.type) for field in self._schema]
        self._pending.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._pending_rows += batch.rows
        self.rows += batch.rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush()

    def _texts_of(self, instants: int) -> dict[str, Any]:
        if instants not in self._text_columns:
            self._text_columns[instants] = {
                name: self._pa.array(texts * instants, self._pa.string())
                for name, texts in self._texts.items()
            }
        return self._text_columns[instants]

    def _flush(self) -> None:
        if self._pending:
            table = self._pa.Table.from_batches(self._pending)
            self._writer.write_table(table, row_group_size=self._pending_rows)
            self._pending, self._pending_rows = [], 0


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
