"""Columns of one request: numbers and texts as arrays, with the cells that are null.

A request becomes `Rows`, one for each table it names. Arrays are never changed after they were made, so
they can be handed from the request to the flush without a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TIME: Final = "time"

MOST_WORDS: Final = 4096
"""A text column with more different values than this is kept as plain text, not as codes."""

Mask = NDArray[np.bool_]


class Kind(Enum):
    """Type of a column, named as DuckDB presents it."""

    TIME = "TIMESTAMPTZ"
    INT = "BIGINT"
    FLOAT = "DOUBLE"
    BOOL = "BOOLEAN"
    TEXT = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, ``(rows,)``; time in µs since 1970."""

    kind: Kind
    values: NDArray[Any]
    valid: Mask | None = None
    """False where the cell is null; None when no cell is."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nbytes(self) -> int:
        return int(self.values.nbytes)


@dataclass(frozen=True, slots=True)
class Words:
    """A column of texts with few different values: ``words[codes[row]]``; a code of -1 is null."""

    codes: NDArray[np.int16]
    words: tuple[str, ...]

    kind = Kind.TEXT

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        return int(self.codes.nbytes)


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts with many different values."""

    values: list[str | None]

    kind = Kind.TEXT

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nbytes(self) -> int:
        return sum(64 + (len(v) if v else 0) for v in self.values)


Column = Numbers | Words | Texts


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, as they came in one request; the first column is `TIME`."""

    table: str
    columns: Mapping[str, Column]
    count: int

    @property
    def signature(self) -> tuple[tuple[str, Kind], ...]:
        """Names and kinds, in order: rows with the same one can be stored together."""
        return tuple((name, column.kind) for name, column in self.columns.items())

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for column in self.columns.values())


def words_of(values: list[str | None]) -> Words | Texts:
    """Texts as codes where few of them differ."""
    known: dict[str | None, int] = {None: -1}
    codes = np.empty(len(values), dtype=np.int16)
    for row, value in enumerate(values):
        code = known.get(value)
        if code is None:
            code = len(known) - 1
            if code >= MOST_WORDS:
                return Texts(values)
            known[value] = code
        codes[row] = code
    return Words(codes, tuple(word for word in known if word is not None))


def dropped(name: str) -> bool:
    """Whether Arc leaves a column of this name out: an underscore marks it as internal."""
    return name.startswith("_")
