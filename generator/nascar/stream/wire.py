"""The wire format: one MessagePack map ``{"m": table, "columns": {…}}`` in a buffer that is used again.

Every number takes nine bytes, a tag (``0xd3`` int64, ``0xcb`` float64) and eight big-endian bytes, so a
column of numbers is a strided array inside the body: the telemetry's loops write it in place, and `fill` by
one copy that swaps the bytes. All else in a body of so many rows (names, headers, tags, text, constant numbers) never changes: it is copied once
from a template. Arc decodes fixed-width cells fastest, and types a column by its first cell, so a column
keeps its tag in all requests.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.stream.source import Body

CELL_BYTES: Final = 9

Bytes = NDArray[np.uint8]


class Cell(IntEnum):
    """Tag of a number of fixed width."""

    INT64 = 0xD3
    FLOAT64 = 0xCB

    @property
    def dtype(self) -> np.dtype[Any]:
        """How the eight bytes behind the tag read."""
        return np.dtype(">i8" if self is Cell.INT64 else ">f8")


@dataclass(frozen=True, slots=True)
class WireColumn:
    """A column of a body: numbers of one type, or values that come round every few rows."""

    name: str
    content: Cell | tuple[str, ...] | tuple[int, ...]
    """The type of numbers that `WireBody.fill` writes; or values that repeat from the first row on."""


class WireTable:
    """Bodies for the rows of one table, with a template and a stock of buffers for each number of rows."""

    def __init__(self, name: str, columns: Sequence[WireColumn], stock_bytes: int) -> None:
        self._name = name
        self._columns = tuple(columns)
        self._stock_bytes = stock_bytes
        self._templates: dict[int, _Template] = {}

    def lend(self, rows: int) -> WireBody:
        """A body for `rows` rows: complete but for the columns that are to be filled."""
        return self._template(rows).lend()

    def places(self, rows: int) -> Mapping[str, int]:
        """Where in a body for `rows` rows each column of numbers begins: the byte of its first tag."""
        return self._template(rows).places

    def _template(self, rows: int) -> _Template:
        template = self._templates.get(rows)
        if template is None:
            template = self._templates[rows] = _Template(self._name, self._columns, rows, self._stock_bytes)
        return template


class WireBody(Body):
    """A body on loan. Once released it may not be used, because its buffer goes to another."""

    __slots__ = ("_buffer", "_template")

    def __init__(self, template: _Template, buffer: _Buffer) -> None:
        self._template = template
        self._buffer: _Buffer | None = buffer

    def fill(self, column: str, values: NDArray[Any]) -> None:
        """Write a column of numbers: int64 or float64, one for each row."""
        # The copy refuses fractions in a column of whole numbers.
        np.copyto(self._held().cells[column], values)

    @property
    def memory(self) -> Bytes:
        """All bytes of the body, to be written where `WireTable.places` says."""
        return self._held().memory

    @property
    def data(self) -> memoryview:
        return self._held().data

    def release(self) -> None:
        buffer = self._held()
        self._buffer = None
        self._template.take_back(buffer)

    def _held(self) -> _Buffer:
        if self._buffer is None:
            raise RuntimeError("the body has been released")
        return self._buffer


class _Buffer:
    """Memory of one body, with a view of each column of numbers in it."""

    __slots__ = ("cells", "data", "memory")

    def __init__(self, template: Bytes, cells: Mapping[str, tuple[int, Cell]], rows: int) -> None:
        memory = self.memory = template.copy()
        self.data = memory.data.toreadonly()
        self.cells: dict[str, NDArray[Any]] = {
            name: np.ndarray((rows,), cell.dtype, memory, offset=start + 1, strides=(CELL_BYTES,))
            for name, (start, cell) in cells.items()
        }


class _Template:
    """What bodies of so many rows have in common, and the buffers that came back."""

    def __init__(self, table: str, columns: Sequence[WireColumn], rows: int, stock_bytes: int) -> None:
        self._rows = rows
        self._cells: dict[str, tuple[int, Cell]] = {}
        parts = [b"\x82" + _text("m") + _text(table) + _text("columns") + _map_header(len(columns))]
        size = len(parts[0])
        for column in columns:
            head = _text(column.name) + _array_header(rows)
            content = column.content
            if isinstance(content, Cell):
                self._cells[column.name] = (size + len(head), content)
                cells = (content.to_bytes() + bytes(8)) * rows
            else:
                period = [_text(value) if isinstance(value, str) else _int64(value) for value in content]
                turns, rest = divmod(rows, len(period))
                cells = b"".join(period) * turns + b"".join(period[:rest])
            parts += [head, cells]
            size += len(head) + len(cells)
        self._image = np.frombuffer(b"".join(parts), np.uint8)
        self._most = max(1, stock_bytes // size)
        self._stock: list[_Buffer] = []

    def lend(self) -> WireBody:
        # The buffer that came back last is the one most likely still in the processor's cache.
        try:
            buffer = self._stock.pop()
        except IndexError:
            buffer = _Buffer(self._image, self._cells, self._rows)
        return WireBody(self, buffer)

    @property
    def places(self) -> Mapping[str, int]:
        return {name: place for name, (place, _) in self._cells.items()}

    def take_back(self, buffer: _Buffer) -> None:
        if len(self._stock) < self._most:
            self._stock.append(buffer)


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) < 32:
        return bytes([0xA0 | len(data)]) + data
    if len(data) < 2**8:
        return struct.pack(">BB", 0xD9, len(data)) + data
    return struct.pack(">BH", 0xDA, len(data)) + data


def _int64(value: int) -> bytes:
    return struct.pack(">Bq", Cell.INT64, value)


def _array_header(size: int) -> bytes:
    if size < 16:
        return bytes([0x90 | size])
    return struct.pack(">BH", 0xDC, size) if size < 2**16 else struct.pack(">BI", 0xDD, size)


def _map_header(size: int) -> bytes:
    return bytes([0x80 | size]) if size < 16 else struct.pack(">BH", 0xDE, size)
