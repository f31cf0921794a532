"""Request bodies of the write endpoint: what Arc takes, and how it refuses the rest.

A body is one MessagePack value: a map of columns, a map of one row, a map with a batch of those, or an array
of them. Trailing bytes are ignored. The map of columns is read in place, column by column; everything else
goes through `msgpack`. Either the whole body is understood or nothing of it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgpack
import numpy as np

from embedded_arc.cells import Cursor, Ended, TextReader
from embedded_arc.columns import TIME, Column, Kind, Numbers, Rows, dropped
from embedded_arc.errors import WriteRefused, bad_payload
from embedded_arc.names import check_table
from embedded_arc.values import column_of, int64_of, kind_name, time_of

MOST_UNPACKED_BYTES: Final = 1_000_000_000
"""What the Python objects of one body may take, by a cautious estimate, before they are made."""

MOST_SLOW_COLUMNS: Final = 32
"""Columns unpacked one by one; with more of them the body is unpacked as a whole, with one copy."""

MOST_COLUMNS: Final = 1_000
LONGEST_COLUMN_NAME: Final = 256

_BYTES_PER_CONTAINER: Final = 72
_BYTES_PER_BYTE: Final = 40
"""A byte is at most one number or short text: a pointer to it, and the object itself."""

_MISSING_M: Final = "missing required field 'm' (measurement)"
_MISSING_FIELDS: Final = "missing required field 'fields' or 'f'"
_NO_COLUMNS: Final = "columnar format requires non-empty 'columns' dict"


class PayloadReader:
    """Reads bodies one after another; remembers the texts that repeat from one to the next."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._texts = TextReader()

    def read(self, body: bytes | bytearray) -> list[Rows]:
        """The rows of `body`, at most one entry for each table and set of columns."""
        try:
            cursor = Cursor(body)
            pairs = cursor.map_header()
            if pairs is not None:
                rows = self._columnar(cursor, pairs)
                if rows is not None:
                    return [rows] if rows.count else []
        except Ended as ended:
            raise bad_payload(f"failed to unmarshal msgpack: {ended}") from None
        return self._generic(_unpack(body))

    def _columnar(self, cursor: Cursor, pairs: int) -> Rows | None:
        """A map of columns, read in place; None where it is none, or holds anything unusual."""
        table: str | None = None
        columns: dict[str, Column | list[Any]] | None = None
        for _ in range(pairs):
            key = cursor.text()
            if key == b"m":
                name = cursor.text()
                if name is None:
                    return None
                table = name.decode(errors="replace")
            elif key == b"columns" and columns is None and table is not None:
                columns = self._read_columns(cursor, table)
                if columns is None:
                    return None
            else:
                return None
        if table is None or columns is None:
            return None
        check_table(table)
        return _rows_of_columns(table, columns, self._now_us)

    def _read_columns(self, cursor: Cursor, table: str) -> dict[str, Column | list[Any]] | None:
        pairs = cursor.map_header()
        if pairs is None or pairs > MOST_COLUMNS:
            return None
        columns: dict[str, Column | list[Any]] = {}
        slow = 0
        for _ in range(pairs):
            key = cursor.text()
            count = cursor.array_header() if key is not None else None
            if key is None or count is None:
                return None
            name = key.decode(errors="replace")
            if name in columns:
                return None
            start = cursor.at
            column: Column | None = cursor.numbers(count)
            if column is None and count and cursor.at_text():
                column = self._texts.read(cursor, count, table, name)
            if column is not None:
                columns[name] = column
                continue
            slow += 1
            if slow > MOST_SLOW_COLUMNS:
                return None
            cells, size = _unpack_cells(cursor.body, start, count)
            cursor.at = start + size
            columns[name] = cells
        return columns

    def _generic(self, value: object) -> list[Rows]:
        """The rows of an unpacked body, in Arc's order of questions."""
        if isinstance(value, dict):
            _check_keys(value)
            batch = value.get("batch")
            items: Iterable[object] = batch if isinstance(batch, list) else (value,)
            lenient = isinstance(batch, list)
        elif isinstance(value, list):
            items, lenient = value, True
        else:
            raise bad_payload(f"unsupported msgpack payload type: {kind_name(value)}")
        whole: list[Rows] = []
        single: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
        for item in items:
            try:
                if not isinstance(item, dict):
                    continue
                if lenient and isinstance(item.get("batch"), list):
                    continue  # Arc reads batches one level deep, and drops what lies below
                _check_keys(item)
                if _is_named(item.get("columns")):
                    whole.append(self._rows_of_map(item))
                else:
                    table, row = self._row(item)
                    single.setdefault((table, tuple(row)), []).append(row)
            except WriteRefused as refusal:
                # In a list Arc skips what it cannot read; only a value of the wrong type ends the request.
                if not lenient or refusal.status != 400:
                    raise
        for rows in whole:
            check_table(rows.table)
        for (table, names), found in single.items():
            check_table(table)
            whole.append(_rows_of_rows(table, names, found))
        return [rows for rows in whole if rows.count]

    def _rows_of_map(self, item: dict[str, Any]) -> Rows:
        table = _table_of(item.get("m"))
        columns = {k: v for k, v in item["columns"].items() if isinstance(v, list)}
        if not columns:
            raise bad_payload(_NO_COLUMNS)
        return _rows_of_columns(table, columns, self._now_us)

    def _row(self, item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """One row as table and values, time first; a field with the name of a tag gets a suffix."""
        table = _table_of(item.get("m"))
        row: dict[str, Any] = {TIME: self._now_us() if item.get("t") is None else time_of(item["t"])}
        fields = item.get("fields")
        if not isinstance(fields, dict):
            compact = item.get("f")
            if compact is None:
                raise bad_payload(_MISSING_FIELDS)
            fields = {f"field_{i}": v for i, v in enumerate(compact)} if isinstance(compact, list) else {}
        tags = item.get("tags")
        host = item.get("h")
        if isinstance(host, int) and not isinstance(host, bool):
            host = f"host_{host}"
        row["host"] = host if isinstance(host, str) else "unknown"
        if row["host"] == "":
            del row["host"]
        for key, tag in (tags if isinstance(tags, dict) else {}).items():
            row.setdefault(str(key), tag if isinstance(tag, str) else str(tag))
        for key, field in fields.items():
            name = str(key)
            row[f"{name}_value" if name in row else name] = field
        return table, row


def _table_of(m: object) -> str:
    if m is None:
        raise bad_payload(_MISSING_M)
    if isinstance(m, str):
        return m
    if isinstance(m, int) and not isinstance(m, bool):
        return f"measurement_{m}"
    raise bad_payload(f"invalid measurement type: {kind_name(m)}")


def _is_named(columns: object) -> bool:
    return isinstance(columns, dict) and all(isinstance(name, str) for name in columns)


def _check_keys(item: dict[Any, Any]) -> None:
    for key in item:
        if not isinstance(key, str):
            raise bad_payload(f"unsupported msgpack payload type: map[{kind_name(key)}]interface {{}}")


def _rows_of_columns(
    table: str, columns: Mapping[str, Column | list[Any]], now_us: Callable[[], int]
) -> Rows:
    """Check lengths, read the time, type the rest by the first cell that is not null."""
    counts = {name: len(column) for name, column in columns.items()}
    if not counts:
        raise bad_payload(_NO_COLUMNS)
    count = next(iter(counts.values()))
    for name, found in counts.items():
        if found != count:
            raise bad_payload(
                f"columnar format: array length mismatch (expected {count}, got {found} for '{name}')"
            )
    if count == 0:
        return Rows(table, {}, 0)
    time = columns.get(TIME)
    if time is None:
        now = now_us()
        time = Numbers(Kind.TIME, np.full(count, now, dtype=np.int64))
    else:
        time = int64_of(time)
    return Rows(table, {TIME: time, **_typed(columns)}, count)


def _rows_of_rows(table: str, names: tuple[str, ...], rows: list[dict[str, Any]]) -> Rows:
    time = Numbers(Kind.TIME, np.array([row[TIME] for row in rows], dtype=np.int64))
    columns = {name: [row[name] for row in rows] for name in names}
    return Rows(table, {TIME: time, **_typed(columns)}, len(rows))


def _typed(columns: Mapping[str, Column | list[Any]]) -> dict[str, Column]:
    """All columns but time; those that Arc drops, and those without any value, left out.

    DuckDB tells names apart by letters alone, not by their case: a second spelling gets a number.
    """
    typed: dict[str, Column] = {}
    taken = {TIME}
    for given, cells in columns.items():
        if given == TIME or dropped(given):
            continue
        if not given or "\0" in given or len(given) > LONGEST_COLUMN_NAME:
            raise bad_payload(
                f"invalid column name: give 1 to {LONGEST_COLUMN_NAME} characters, none of them NUL"
            )
        name, turn = given, 0
        while name.lower() in taken:
            turn += 1
            name = f"{given}_{turn}"
        column = column_of(given, cells) if isinstance(cells, list) else cells
        if column is not None:
            typed[name] = column
            taken.add(name.lower())
    if len(typed) > MOST_COLUMNS:
        raise bad_payload(f"more than {MOST_COLUMNS} columns")
    return typed


def _unpack_cells(body: bytes | bytearray, start: int, count: int) -> tuple[list[Any], int]:
    """`count` values at `start` of `body`, and the bytes that they take."""
    view = memoryview(body)[start:]
    _check_weight(view)
    unpacker = _unpacker(len(view))
    unpacker.feed(view)
    try:
        cells = [unpacker.unpack() for _ in range(count)]
    except Exception as error:
        raise _unreadable(error) from None
    return cells, unpacker.tell()


def _unpack(body: bytes | bytearray) -> object:
    """The first value of `body`."""
    _check_weight(memoryview(body))
    unpacker = _unpacker(len(body))
    unpacker.feed(body)
    try:
        return unpacker.unpack()
    except Exception as error:
        raise _unreadable(error) from None


def _check_weight(view: memoryview) -> None:
    """Refuse what would unfold to more Python objects than memory should hold."""
    weight = len(view) * _BYTES_PER_BYTE
    if weight > MOST_UNPACKED_BYTES:
        weight = 0
        for at in range(0, len(view), 1 << 24):
            flat = np.frombuffer(view[at : at + (1 << 24)], dtype=np.uint8)
            containers = int(((flat >= 0x80) & (flat < 0xA0)).sum())
            weight += containers * _BYTES_PER_CONTAINER + len(flat) * 8
            if weight > MOST_UNPACKED_BYTES:
                raise WriteRefused(
                    413,
                    "Payload too large to unpack. Send columns of fixed-width cells, or smaller requests.",
                )


def _unpacker(size: int) -> Any:
    return msgpack.Unpacker(
        strict_map_key=False,
        unicode_errors="replace",
        max_buffer_size=max(size, 1),
        ext_hook=_no_extension,
    )


class _UnknownExtension(Exception):
    pass


def _no_extension(code: int, data: bytes) -> object:
    raise _UnknownExtension(f"unknown ext id={code}")


def _unreadable(error: Exception) -> WriteRefused:
    """Arc's words for a body that is no MessagePack."""
    match error:
        case msgpack.OutOfData():
            text = "EOF"
        case _UnknownExtension():
            text = f"msgpack: {error}"
        case msgpack.FormatError():
            text = "msgpack: unknown code c1 decoding interface{}"
        case msgpack.StackError():
            text = "msgpack: nested too deep"
        case _:
            text = f"msgpack: {error or type(error).__name__}"
    return bad_payload(f"failed to unmarshal msgpack: {text}")
