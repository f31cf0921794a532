"""Rows of many requests made into one sorted Arrow table, ready to be stored.

Rows are put in the order of the text column that tells most of them apart (the driver, in the races), and
keep their own order in each group. Neighbouring cells are then alike: files become half as large, and a
query for one car reads only its own part of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from embedded_arc.columns import MOST_WORDS, TIME, Column, Kind, Numbers, Rows, Texts, Words

LEAST_GROUP_ROWS: Final = 16
"""Sorting pays only where a group has at least this many rows."""

LONGEST_WORD: Final = 256
"""Longer texts are not kept as codes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One table's rows as they are stored."""

    table: pa.Table
    kinds: Mapping[str, Kind]
    words: Mapping[str, tuple[str, ...]]
    """The values of each text column that is kept as codes."""
    count: int
    first_us: int
    last_us: int
    """Least and greatest time."""


def merged(batches: Sequence[Rows]) -> Stored:
    """Batches of one signature as one table."""
    first = batches[0]
    count = sum(rows.count for rows in batches)
    columns = {name: _joined([rows.columns[name] for rows in batches]) for name in first.columns}
    order = _order(columns, count)
    arrays = {name: _arrow(column, order) for name, column in columns.items()}
    words = {name: column.words for name, column in columns.items() if isinstance(column, Words)}
    kinds = {name: column.kind for name, column in columns.items()}
    times = columns[TIME]
    assert isinstance(times, Numbers)
    return Stored(pa.table(arrays), kinds, words, count, int(times.values.min()), int(times.values.max()))


def _joined(parts: Sequence[Column]) -> Column:
    if len(parts) == 1:
        return _plain(parts[0])
    head = parts[0]
    if isinstance(head, Numbers):
        numbers = [part for part in parts if isinstance(part, Numbers)]
        valid = None
        if any(part.valid is not None for part in numbers):
            valid = np.concatenate(
                [np.ones(len(p), np.bool_) if p.valid is None else p.valid for p in numbers]
            )
        return Numbers(head.kind, np.concatenate([part.values for part in numbers]), valid)
    known: dict[str, int] = {}
    for part in parts:
        if isinstance(part, Words):
            for word in part.words:
                known.setdefault(word, len(known))
    if len(known) > MOST_WORDS or any(isinstance(part, Texts) for part in parts):
        return Texts([text for part in parts for text in _texts(part)])
    words = tuple(known)
    codes = []
    for part in parts:
        assert isinstance(part, Words)
        if part.words == words[: len(part.words)]:
            codes.append(part.codes)
        else:
            # The last entry serves the code -1, null.
            places = np.array([*(known[word] for word in part.words), -1], dtype=np.int16)
            codes.append(places[part.codes])
    return _plain(Words(np.concatenate(codes), words))


def _texts(part: Column) -> list[str | None]:
    if isinstance(part, Texts):
        return part.values
    assert isinstance(part, Words)
    words = [*part.words, None]
    return [words[code] for code in part.codes.tolist()]


def _plain(column: Column) -> Column:
    """Texts that cannot be names of an enumeration (too long, or with a NUL) as plain texts."""
    if isinstance(column, Words) and any(len(w) > LONGEST_WORD or "\0" in w for w in column.words):
        return Texts(_texts(column))
    return column


def _order(columns: Mapping[str, Column], count: int) -> NDArray[np.int64] | None:
    """Row numbers in stored order; None where the rows stay as they are."""
    most = count // LEAST_GROUP_ROWS
    groups = [c for c in columns.values() if isinstance(c, Words) and 1 < len(c.words) <= most]
    if not groups:
        return None
    best = max(groups, key=lambda column: len(column.words))
    # Stable, and for 16 bits a radix sort: about 5 ns a row.
    return np.asarray(np.argsort(best.codes, kind="stable"), dtype=np.int64)


def _arrow(column: Column, order: NDArray[np.int64] | None) -> pa.Array:
    if isinstance(column, Texts):
        texts = pa.array(column.values, type=pa.string())
        return texts if order is None else texts.take(pa.array(order))
    if isinstance(column, Words):
        codes = column.codes if order is None else column.codes[order]
        narrow: NDArray[Any] = codes.astype(np.int8) if len(column.words) <= 127 else codes
        indices = pa.array(narrow, mask=codes < 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(column.words, type=pa.string()))
    values = column.values if order is None else column.values[order]
    mask = None
    if column.valid is not None:
        mask = ~(column.valid if order is None else column.valid[order])
    if column.kind is Kind.TIME:
        return pa.array(values, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    return pa.array(values, mask=mask)
