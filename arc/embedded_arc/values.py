"""Arc's rules for values: the type of a column comes from its first value, the unit of time from its size."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from msgpack import Timestamp
from numpy.typing import NDArray

from embedded_arc.columns import Column, Kind, Mask, Numbers, Words, words_of
from embedded_arc.errors import WriteRefused, bad_column, bad_payload

LEAST_INT64: Final = -(2**63)
MOST_INT64: Final = 2**63 - 1

_SECONDS_BELOW: Final = 10**10
_MILLISECONDS_BELOW: Final = 10**13
_MICROSECONDS_BELOW: Final = 10**16

_IN_COLUMNAR: Final = "failed to normalize timestamps: invalid timestamp type"


def kind_name(value: object) -> str:
    """The type of a value as Arc's messages spell it, for the shortest encoding of that value."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case int():
            return _int_name(value)
        case float():
            return "float64"
        case str():
            return "string"
        case bytes():
            return "[]uint8"
        case list():
            return "[]interface {}"
        case dict():
            return "map[string]interface {}"
        case Timestamp():
            return "time.Time"
    return type(value).__name__


def _int_name(value: int) -> str:
    for bits in (8, 16, 32, 64):
        if -(1 << (bits - 1)) <= value < (1 << (bits - 1)):
            return f"int{bits}"
        if 0 <= value < (1 << bits):
            return f"uint{bits}"
    return "uint64"


def time_of(value: object) -> int:
    """One instant of the row format in µs since 1970; its unit is guessed from its size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_payload(f"invalid timestamp type: {kind_name(value)}")
    return int(_to_us(np.array([_as_int64(value)], dtype=np.int64))[0])


def int64_of(cells: Column | list[Any]) -> Numbers:
    """The column of time in µs since 1970; its unit is guessed from the first cell."""
    if isinstance(cells, Numbers) and cells.valid is None and cells.kind in (Kind.INT, Kind.FLOAT):
        return Numbers(Kind.TIME, _to_us(_whole(cells.values)))
    if not isinstance(cells, list):
        raise bad_payload(
            f"{_IN_COLUMNAR} in columnar format: {'string' if isinstance(cells, Words) else 'bool'}"
        )
    for row, cell in enumerate(cells):
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            where = "in columnar format" if row == 0 else f"at index {row}"
            raise bad_payload(f"{_IN_COLUMNAR} {where}: {kind_name(cell)}")
    return Numbers(Kind.TIME, _to_us(np.array([_as_int64(cell) for cell in cells], dtype=np.int64)))


def _as_int64(value: int | float) -> int:
    """As a Go conversion does: fractions are cut, what does not fit wraps or becomes the least integer."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and LEAST_INT64 <= value < 2.0**63 else LEAST_INT64
    return (value + 2**63) % 2**64 - 2**63


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    if values.dtype == np.int64:
        return np.asarray(values, dtype=np.int64)
    fits = np.isfinite(values) & (values >= -(2.0**63)) & (values < 2.0**63)
    whole: NDArray[np.int64] = np.where(fits, values, -(2.0**63)).astype(np.int64)
    return whole


def _to_us(times: NDArray[np.int64]) -> NDArray[np.int64]:
    first = int(times[0])
    if first >= _MICROSECONDS_BELOW:
        # Toward zero, as Go divides.
        return np.asarray(np.sign(times) * (np.abs(times) // 1_000), dtype=np.int64)
    if first >= _MILLISECONDS_BELOW:
        return times
    factor = 1_000_000 if first < _SECONDS_BELOW else 1_000
    return np.multiply(times, factor, dtype=np.int64)


def column_of(name: str, cells: list[Any]) -> Column | None:
    """Cells as one column, typed by the first that is not null; None where all are."""
    first = next((cell for cell in cells if cell is not None), None)
    match first:
        case None:
            return None
        case bool():
            return _bools(name, cells)
        case int():
            return _ints(name, cells)
        case float():
            return _floats(name, cells)
        case str():
            for cell in cells:
                if cell is not None and not isinstance(cell, str):
                    raise bad_column(f"unexpected type in string column '{name}': {kind_name(cell)}")
            return words_of(cells)
    raise bad_column(f"unsupported column type for '{name}': {kind_name(first)}")


def _mask(cells: list[Any]) -> Mask | None:
    valid = np.fromiter((cell is not None for cell in cells), dtype=np.bool_, count=len(cells))
    return None if valid.all() else valid


def _bools(name: str, cells: list[Any]) -> Numbers:
    for cell in cells:
        if cell is not None and not isinstance(cell, bool):
            raise bad_column(f"unexpected type in bool column '{name}': {kind_name(cell)}")
    return Numbers(Kind.BOOL, np.array([bool(cell) for cell in cells], dtype=np.bool_), _mask(cells))


def _ints(name: str, cells: list[Any]) -> Numbers:
    values = np.empty(len(cells), dtype=np.int64)
    for row, cell in enumerate(cells):
        if cell is None:
            values[row] = 0
        elif isinstance(cell, bool) or not isinstance(cell, int | float):
            raise _mismatch(cell, "int64", name)
        elif isinstance(cell, float):
            if math.isnan(cell):
                values[row] = LEAST_INT64
            elif LEAST_INT64 <= cell < 2.0**63:
                values[row] = int(cell)
            else:
                raise _mismatch(cell, "int64", name)
        elif LEAST_INT64 <= cell <= MOST_INT64:
            values[row] = cell
        else:
            raise _mismatch(cell, "int64", name)
    return Numbers(Kind.INT, values, _mask(cells))


def _floats(name: str, cells: list[Any]) -> Numbers:
    for cell in cells:
        if cell is not None and (isinstance(cell, bool) or not isinstance(cell, int | float)):
            raise _mismatch(cell, "float64", name)
    values = np.array([0.0 if cell is None else float(cell) for cell in cells], dtype=np.float64)
    return Numbers(Kind.FLOAT, values, _mask(cells))


def _mismatch(cell: object, wanted: str, name: str) -> WriteRefused:
    return bad_column(f"cannot convert {kind_name(cell)} to {wanted} in column '{name}'")
