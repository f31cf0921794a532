"""Query results as JSON, with every value spelled as Arc spells it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

_quote: Final[Callable[[str], str]] = json.JSONEncoder(ensure_ascii=False).encode


def rows_json(batch: pa.RecordBatch) -> list[str]:
    """Each row of `batch` as a JSON array."""
    columns = [_column(batch.column(i)) for i in range(batch.num_columns)]
    if not columns:
        return ["[]"] * batch.num_rows
    return [f"[{','.join(row)}]" for row in zip(*columns, strict=True)]


def _column(array: pa.Array) -> Iterable[str]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _column(array.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return _timestamps(array)
    if pa.types.is_date(kind):
        return _timestamps(array.cast(pa.timestamp("s")))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return (_null(v) or _quote(v.decode(errors="replace")) for v in array.to_pylist())
    if pa.types.is_integer(kind):
        return ("null" if v is None else str(v) for v in array.to_pylist())
    if pa.types.is_floating(kind):
        return (_null(v) or number(v) for v in array.to_pylist())
    if pa.types.is_interval(kind):
        return (_null(v) or _quote(_interval(v)) for v in array.to_pylist())
    return (_value(v) for v in array.to_pylist())


def _null(value: object) -> str | None:
    return "null" if value is None else None


def number(value: float) -> str:
    """A float in full digits, without an exponent; null where JSON has no number."""
    if not math.isfinite(value):
        return "null"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def _timestamps(array: pa.Array) -> Iterable[str]:
    """RFC 3339 in UTC, the fraction as long as it has to be."""
    unit = array.type.unit
    values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]")
    texts = np.datetime_as_string(values, unit=unit)
    for text, valid in zip(texts.tolist(), array.is_valid().to_pylist(), strict=True):
        if not valid:
            yield "null"
        else:
            yield f'"{text.rstrip("0").rstrip(".") if "." in text else text}Z"'


def _interval(value: Any) -> str:
    return json.dumps(
        {"months": value.months, "days": value.days, "nanoseconds": value.nanoseconds}, separators=(",", ":")
    )


def _value(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return number(value)
        case str():
            return _quote(value)
        case Decimal():
            return f'"{_decimal(value)}"'
        case time_of_day():
            return f'"{value.isoformat(timespec="microseconds")}"'
        case list() | dict() | tuple():
            return _quote(_nested(value))
    return _quote(str(value))


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _nested(value: object) -> str:
    """A list, structure or map as the JSON text that Arc puts into a string."""
    match value:
        case dict():
            return "{" + ",".join(f"{_quote(str(k))}:{_nested(v)}" for k, v in value.items()) + "}"
        case list():
            if value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
                return "[" + ",".join(f'{{"key":{_nested(k)},"value":{_nested(v)}}}' for k, v in value) + "]"
            return "[" + ",".join(_nested(item) for item in value) + "]"
        case Decimal():
            return _decimal(value)
    return _value(value)
