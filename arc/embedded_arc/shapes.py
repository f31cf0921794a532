"""Aggregate queries taken apart: what can be computed file by file, and how the pieces become the answer.

``SELECT g, f(AVG(x)) … WHERE time >= t AND cond GROUP BY g ORDER BY …`` over many files is the same as: in each
file ``sum(x), count(x)`` for each ``g``; over all files the sums of those; and at last ``f`` and the order. The first
step does not depend on ``t`` for a file that lies inside the window whole, so its result can be kept. Only
queries of one table whose every part is known to allow this are taken apart; all others are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from embedded_arc.names import quoted

_AS_FLOAT: Final = {
    "count": "",
    "sum": "::DOUBLE",
    "min": "::DOUBLE",
    "max": "::DOUBLE",
    "any_value": "::DOUBLE",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of the window of time: SQL that gives an instant, and what to add for the ends themselves."""

    sql: str
    add_us: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A query taken apart."""

    groups: tuple[str, ...]
    """SQL of the group expressions."""
    counted: tuple[str, ...]
    """SQL of the expressions whose different values are counted: in a file they are groups too."""
    columns: tuple[str | None, ...]
    """For each of `groups` and `counted`, the column that it is, in lower case; None for anything else."""
    pieces: tuple[str, ...]
    """SQL of what is computed in each file."""
    calls: tuple[tuple[str, str] | None, ...]
    """For each of `pieces`, function and column in lower case if it is a call on a column; None for anything else."""
    conditions: tuple[str, ...]
    """SQL of the conditions other than the window of time."""
    values: tuple[str, ...]
    """SQL that makes the aggregates ``a0, a1 …`` of the pieces ``p0, p1 …`` and of what is counted, ``x0, x1 …``."""
    outer: str
    """SQL of the answer, from a table ``combined`` with columns ``g0 …, a0 …``."""
    low: tuple[Bound, ...]
    high: tuple[Bound, ...]

    @property
    def key(self) -> str:
        """What is computed in a file: equal for queries that differ in their window or their last step only."""
        return repr((self.groups, self.counted, self.pieces, self.conditions))

    def piece_sql(
        self, rows_sql: str, window: str | None, coded: Mapping[str, str], decimals: Mapping[str, str]
    ) -> str:
        """The pieces of the rows that `rows_sql` gives.

        `coded` names, for columns of texts stored by number, the column of `rows_sql` that holds the number:
        grouping by that costs less than grouping by the texts does. `decimals` does so for floats stored as
        decimals, whose sums and extremes cost less, too.
        """
        keys = [
            coded.get(column or "", sql)
            for sql, column in zip((*self.groups, *self.counted), self.columns, strict=True)
        ]
        names = [*(f"g{i}" for i in range(len(self.groups))), *(f"x{i}" for i in range(len(self.counted)))]
        pieces = [
            f"{call[0]}({decimals[call[1]]}){_AS_FLOAT[call[0]]}" if call and call[1] in decimals else sql
            for sql, call in zip(self.pieces, self.calls, strict=True)
        ]
        cells = [*(f"{key} AS {name}" for key, name in zip(keys, names, strict=True)), *_named(pieces, "p")]
        conditions = [*self.conditions, *([window] if window else [])]
        where = f" WHERE {' AND '.join(f'({c})' for c in conditions)}" if conditions else ""
        by = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
        found = f"SELECT {', '.join(cells)} FROM ({rows_sql}) AS rows{where}{by}"
        if not any(column in coded for column in self.columns):
            return found
        texts = [
            f"{name}::VARCHAR AS {name}" if column in coded else name
            for name, column in zip(names, self.columns, strict=True)
        ]
        values = [f"p{i}" for i in range(len(self.pieces))]
        return f"SELECT {', '.join([*texts, *values])} FROM ({found}) AS coded"

    def answer_sql(self, pieces_sql: str) -> str:
        """The answer, from SQL that gives pieces."""
        names = [f"g{i}" for i in range(len(self.groups))]
        cells = [*names, *_named(self.values, "a")]
        by = f" GROUP BY {', '.join(names)}" if names else ""
        return f"WITH combined AS (SELECT {', '.join(cells)} FROM ({pieces_sql}) AS pieces{by}) {self.outer}"


def _named(cells: Sequence[str], letter: str) -> Iterator[str]:
    return (f"{cell} AS {letter}{i}" for i, cell in enumerate(cells))


def with_types(sql: str, columns: Sequence[tuple[str, str]]) -> str:
    """`sql` with its columns named and typed as the query that was taken apart has them."""
    names = [f"c{i}" for i in range(len(columns))]
    cells = [f"{c}::{kind} AS {quoted(name)}" for c, (name, kind) in zip(names, columns, strict=True)]
    return f"SELECT {', '.join(cells)} FROM ({sql}) AS answer({', '.join(names)})"
