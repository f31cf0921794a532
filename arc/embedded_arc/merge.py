"""Rows of many requests made into one sorted Arrow table, ready to be stored.

Rows are put in the order of the text column that tells most of them apart (the driver, in the races), and
keep their own order in each group. Neighbouring cells are then alike: files become half as large, and a
query for one car reads only its own part of them. Floats that are decimals of a few digits, as sensors give them,
are handed on as such: DuckDB stores whole numbers for much less than floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from embedded_arc.columns import MOST_WORDS, TIME, Column, Kind, Numbers, Rows, Texts, Words

LEAST_GROUP_ROWS: Final = 16
"""Sorting pays only where a group has at least this many rows."""

LARGEST_SCRATCH_BYTES: Final = 4 << 20
"""Columns of more than half a million rows at once are rare, and their memory is not kept."""

MOST_DIGITS: Final = 6
"""Floats with more decimal places than this are stored as floats."""

LARGEST_DECIMAL: Final = 999_999_999
"""What DuckDB keeps in 32 bits, decimal places included."""

LONGEST_WORD: Final = 256
"""Longer texts are not kept as codes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One table's rows as they are stored."""

    table: pa.Table
    kinds: Mapping[str, Kind]
    words: Mapping[str, tuple[str, ...]]
    """The values of each text column that is kept as codes."""
    digits: Mapping[str, int]
    """Decimal places of each column of floats that is kept as decimals."""
    count: int
    first_us: int
    last_us: int
    """Least and greatest time."""


class Merger:
    """Makes tables one after another in the same memory: a second of rows is tens of megabytes, and asking the
    system for it again each time costs as much as the sorting."""

    def __init__(self) -> None:
        self._scratch = _Scratch()
        self._joining = _Scratch()
        self._digits: dict[tuple[str, str], int | None] = {}
        """Decimal places that a table's column has needed so far; None where it is no decimal. Never fewer again, so
        that a file does not get a new part with every flush."""

    def merged(self, batches: Sequence[Rows]) -> Stored:
        """Batches of one signature as one table, which is good until the next call."""
        self._scratch.reset()
        parts = {name: [rows.columns[name] for rows in batches] for name in batches[0].columns}
        count = sum(rows.count for rows in batches)
        texts = {name: _joined_texts(p) for name, p in parts.items() if not isinstance(p[0], Numbers)}
        whole = next((p for p in parts.values() if isinstance(p[0], Numbers) and p[0].kind is Kind.INT), None)
        order = _order(texts.values(), count, whole)
        arrays: dict[str, pa.Array] = {}
        digits: dict[str, int] = {}
        for name, pieces in parts.items():
            if name in texts:
                arrays[name] = _text_array(texts[name], order)
            else:
                numbers = [p for p in pieces if isinstance(p, Numbers)]
                key = (batches[0].table, name)
                decimal = self._decimal_array(numbers, order, key) if numbers[0].kind is Kind.FLOAT else None
                if decimal is not None:
                    arrays[name], digits[name] = decimal
                else:
                    arrays[name] = self._number_array(numbers, order)
        times = [p.values for p in parts[TIME] if isinstance(p, Numbers)]
        return Stored(
            table=pa.table(arrays),
            kinds={name: pieces[0].kind for name, pieces in parts.items()},
            words={name: column.words for name, column in texts.items() if isinstance(column, Words)},
            digits=digits,
            count=count,
            first_us=min(int(values.min()) for values in times),
            last_us=max(int(values.max()) for values in times),
        )

    def _number_array(self, parts: Sequence[Numbers], order: NDArray[np.int64] | None) -> pa.Array:
        values = self._ordered([part.values for part in parts], order)
        mask = None
        if any(part.valid is not None for part in parts):
            known = [np.ones(len(part), np.bool_) if part.valid is None else part.valid for part in parts]
            mask = ~self._ordered(known, order)
        if parts[0].kind is Kind.TIME:
            return pa.array(values, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))
        return pa.array(values, mask=mask)

    def _decimal_array(
        self, parts: Sequence[Numbers], order: NDArray[np.int64] | None, key: tuple[str, str]
    ) -> tuple[pa.Array, int] | None:
        """Floats as decimals and their decimal places, if that loses not one bit of them."""
        least = self._digits.get(key, 0)
        if least is None:
            return None
        self._joining.reset()
        found = None
        if all(part.valid is None for part in parts):
            found = self._as_decimal([part.values for part in parts], least)
        if found is None:
            self._digits[key] = None
            return None
        whole, digits = found
        self._digits[key] = digits
        if order is not None:
            whole = self._taken(whole, order)
        cells = pa.Array.from_buffers(
            pa.decimal32(9, digits), len(whole), [None, pa.py_buffer(whole)], null_count=0
        )
        return cells, digits

    def _as_decimal(self, parts: Sequence[NDArray[Any]], least: int) -> tuple[NDArray[np.int32], int] | None:
        """``parts × 10**digits`` one after another as whole numbers, with as few digits as will do."""
        count = sum(map(len, parts))
        floats = self._joining.take(parts[0].dtype, count)
        np.concatenate(parts, out=floats)
        if not (np.abs(floats, out=self._joining.take(floats.dtype, count)) <= LARGEST_DECIMAL).all():
            return None
        scaled = self._joining.take(floats.dtype, count)
        back = self._joining.take(floats.dtype, count)
        for digits in range(least, MOST_DIGITS + 1):
            scale = 10.0**digits
            np.rint(np.multiply(floats, scale, out=scaled), out=scaled)
            # Whole numbers have no -0.0: made 0.0 here, it is told from it when bits are compared.
            np.add(scaled, 0.0, out=scaled)
            if not np.array_equal(np.divide(scaled, scale, out=back).view(np.int64), floats.view(np.int64)):
                continue
            if max(-scaled.min(), scaled.max()) > LARGEST_DECIMAL:
                return None
            whole = self._scratch.take(np.dtype(np.int32), count)
            np.copyto(whole, scaled, casting="unsafe")
            return whole, digits
        return None

    def _ordered(self, parts: Sequence[NDArray[Any]], order: NDArray[np.int64] | None) -> NDArray[Any]:
        """`parts` one after another, then in `order`."""
        count = sum(map(len, parts))
        dtype = parts[0].dtype
        joined = parts[0]
        self._joining.reset()
        if len(parts) > 1:
            # Columns that are put in order next need this no longer than that.
            joined = self._scratch.take(dtype, count) if order is None else self._joining.take(dtype, count)
            np.concatenate(parts, out=joined)
        if order is None:
            return joined
        return self._taken(joined, order)

    def _taken(self, values: NDArray[Any], order: NDArray[np.int64]) -> NDArray[Any]:
        ordered = self._scratch.take(values.dtype, len(values))
        # All row numbers are good; "clip" only spares numpy a copy that it would make for the case of one that is not.
        np.take(values, order, out=ordered, mode="clip")
        return ordered


class _Scratch:
    """Arrays that are used again."""

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.uint8]] = []
        self._next = 0

    def reset(self) -> None:
        """All arrays handed out so far may be overwritten."""
        self._next = 0

    def take(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        nbytes = count * dtype.itemsize
        if nbytes > LARGEST_SCRATCH_BYTES:
            return np.empty(count, dtype=dtype)
        if self._next == len(self._buffers):
            self._buffers.append(np.empty(nbytes, dtype=np.uint8))
        elif self._buffers[self._next].nbytes < nbytes:
            self._buffers[self._next] = np.empty(nbytes, dtype=np.uint8)
        self._next += 1
        return self._buffers[self._next - 1][:nbytes].view(dtype)


def _joined_texts(parts: Sequence[Column]) -> Words | Texts:
    """Texts as codes where few of them differ."""
    known: dict[str, int] = {}
    for part in parts:
        if isinstance(part, Words):
            for word in part.words:
                known.setdefault(word, len(known))
    if len(known) > MOST_WORDS or any(isinstance(part, Texts) or not _can_be_words(part) for part in parts):
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
    return Words(np.concatenate(codes), words)


def _can_be_words(column: Column) -> bool:
    """Whether the texts can be names of an enumeration: none too long, none with a NUL."""
    return isinstance(column, Words) and all(len(w) <= LONGEST_WORD and "\0" not in w for w in column.words)


def _texts(part: Column) -> list[str | None]:
    if isinstance(part, Texts):
        return part.values
    assert isinstance(part, Words)
    words = [*part.words, None]
    return [words[code] for code in part.codes.tolist()]


def _order(
    columns: Iterable[Words | Texts], count: int, whole: Sequence[Column] | None
) -> NDArray[np.int64] | None:
    """Row numbers in stored order; None where the rows stay as they are.

    Rows are grouped by the text that tells most of them apart, and the groups stand in the order of the first column of
    whole numbers: a car's rows lie together, and its number says in which row groups they cannot be.
    """
    most = count // LEAST_GROUP_ROWS
    groups = [c for c in columns if isinstance(c, Words) and 1 < len(c.words) <= most]
    if not groups:
        return None
    best = max(groups, key=lambda column: len(column.words))
    codes = best.codes if whole is None else _ranks(best, whole[0])[best.codes]
    # Stable, and for 16 bits a radix sort: about 5 ns a row.
    return np.asarray(np.argsort(codes, kind="stable"), dtype=np.int64)


def _ranks(column: Words, numbers: Column) -> NDArray[np.int16]:
    """The place of each word among the others by the number beside it; the last entry serves the code -1, null."""
    assert isinstance(numbers, Numbers)
    beside = np.full(len(column.words) + 1, np.iinfo(np.int64).max)
    # Of a word that the first batch does not have nothing is known: it comes last.
    beside[column.codes[: len(numbers)]] = numbers.values
    ranks = np.empty(len(column.words) + 1, np.int16)
    ranks[np.argsort(beside[:-1], kind="stable")] = np.arange(len(column.words))
    ranks[-1] = -1
    return ranks


def _text_array(column: Words | Texts, order: NDArray[np.int64] | None) -> pa.Array:
    if isinstance(column, Texts):
        texts = pa.array(column.values, type=pa.string())
        return texts if order is None else texts.take(pa.array(order))
    narrow: NDArray[Any] = column.codes.astype(np.int8) if len(column.words) <= 127 else column.codes
    codes = narrow if order is None else np.take(narrow, order)
    unknown = codes < 0
    indices = pa.array(codes, mask=unknown if unknown.any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(column.words, type=pa.string()))
