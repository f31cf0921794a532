"""Aggregates kept file by file, so that a panel that asks again reads only the newest rows.

A sealed file never changes, so what an aggregate query computes in it is computed once and kept; the next
time only the open file and the files at the edges of the window are read. Queries asked lately are computed in
every file as it is sealed, before anyone waits for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from embedded_arc.catalog import Table, select_part
from embedded_arc.columns import Kind
from embedded_arc.names import quoted
from embedded_arc.nodes import Node, placeless
from embedded_arc.prepared import Prepared
from embedded_arc.priority import give_way
from embedded_arc.segments import Segment
from embedded_arc.shape_reader import Functions, shape_of
from embedded_arc.shapes import Bound, Shape, with_types
from embedded_arc.sql_tree import sql_of
from embedded_arc.store import Store

MOST_PIECE_ROWS: Final = 20_000
"""A query that has more groups in one file is not worth keeping."""

MOST_KEPT_BYTES: Final = 100_000_000
LATELY_S: Final = 120.0
"""Queries asked within this time are computed in a file as soon as it is sealed."""

MOST_SHAPES: Final = 64

Columns = dict[str, Kind]
Key = tuple[str, str, int, str]


class Unfit(Exception):
    """The query is better answered as it stands."""


@dataclass(slots=True)
class _Asked:
    """A query asked lately."""

    shape: Shape
    table: Table
    at_s: float


class Partials:
    """What aggregate queries have computed in sealed files."""

    def __init__(self, store: Store, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, pa.Table] = OrderedDict()
        self._kept_bytes = 0
        self._pending: dict[Key, Future[pa.Table]] = {}
        self._asked: OrderedDict[tuple[int, str], _Asked] = OrderedDict()
        self._unfit: OrderedDict[tuple[int, str], None] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], list[tuple[str, str]]] = OrderedDict()
        self._prepared: tuple[Prepared, ...] = ()
        self._pool = ThreadPoolExecutor(2, "partials", initializer=give_way)
        self._functions = _functions(store.cursor())
        self.hits = 0
        store.on_sealed = self._sealed

    @property
    def kept(self) -> int:
        """How many files' pieces are kept, each question for itself."""
        return len(self._kept)

    def prepare(self, questions: Iterable[Prepared]) -> None:
        """Compute these in every file that is sealed from now on."""
        self._prepared = (*self._prepared, *questions)

    def close(self) -> None:
        self._store.on_sealed = lambda table, segment: None
        self._pool.shutdown(wait=True, cancel_futures=True)

    def rewritten(self, cursor: duckdb.DuckDBPyConnection, sql: str, tree: Node, table: Table) -> str | None:
        """SQL that gives the same answer from kept pieces and the newest rows; None where that is no gain.

        Registers the kept pieces on `cursor`, which must run the SQL.
        """
        columns = table.columns()
        shape = shape_of(tree, list(columns), self._functions, lambda node: sql_of(cursor, node))
        if shape is None or (id(table), shape.key) in self._unfit:
            return None
        low, high = _window(cursor, shape)
        whole: list[Segment] = []
        edges: list[Segment] = []
        for segment in list(table.segments):
            if segment.first_us > high or segment.last_us < low or not segment.parts:
                continue
            inside = segment.sealed and low <= segment.first_us and segment.last_us <= high
            (whole if inside else edges).append(segment)
        skipped = len(table.segments) - len(whole) - len(edges)
        gains = whole or (edges and skipped) or any(_has_coded(shape, segment) for segment in edges)
        if not gains:
            return None
        sources = []
        if whole:
            # A window too short to hold a file whole will not use what is computed in files.
            self._note(shape, table)
            try:
                pieces = self._pieces(shape, table, columns, whole)
            except Unfit:
                self._unfit[id(table), shape.key] = None
                return None
            cursor.register("kept_pieces", pa.concat_tables(pieces))
            sources.append("SELECT * FROM temp.main.kept_pieces")
        window = f"time >= make_timestamptz({low}) AND time <= make_timestamptz({high})"
        sources += [_piece_sql(shape, segment, columns, window) for segment in edges]
        answer = shape.answer_sql(" UNION ALL ".join(sources))
        return with_types(answer, self._columns_of(cursor, sql, tree, columns))

    def _columns_of(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, tree: Node, columns: Columns
    ) -> list[tuple[str, str]]:
        """Names and types of the answer. They do not depend on the window, and asking for them means to plan a query
        over all files."""
        key = (repr(placeless(tree["select_list"])), repr(columns))
        with self._lock:
            known = self._answers.get(key)
        if known is None:
            known = [(name, kind) for name, kind, *_ in cursor.execute(f"DESCRIBE {sql}").fetchall()]
            with self._lock:
                self._answers[key] = known
                while len(self._answers) > MOST_SHAPES:
                    self._answers.popitem(last=False)
        return known

    def _note(self, shape: Shape, table: Table) -> None:
        with self._lock:
            key = (id(table), shape.key)
            self._asked[key] = _Asked(shape, table, self._monotonic_s())
            self._asked.move_to_end(key)
            while len(self._asked) > MOST_SHAPES:
                self._asked.popitem(last=False)

    def _sealed(self, table: Table, segment: Segment) -> None:
        """Compute in a file that was just sealed what was asked lately."""
        now = self._monotonic_s()
        with self._lock:
            lately = [a for a in self._asked.values() if a.table is table and now - a.at_s <= LATELY_S]
        columns = table.columns()
        with contextlib.suppress(RuntimeError):  # the pool has been shut meanwhile
            for asked in lately:
                self._future(asked.shape, columns, segment)
            for question in self._prepared:
                if question.reads(table.database, table.name):
                    self._pool.submit(self._ahead, question, table, columns, segment)

    def _ahead(self, question: Prepared, table: Table, columns: Columns, segment: Segment) -> None:
        """Begin with a file of a prepared question, if that can be taken apart."""
        cursor = self._store.cursor()
        try:
            shape = shape_of(question.tree, list(columns), self._functions, lambda node: sql_of(cursor, node))
        finally:
            cursor.close()
        if shape is not None and (id(table), shape.key) not in self._unfit:
            with contextlib.suppress(RuntimeError):
                self._future(shape, columns, segment)

    def _pieces(
        self, shape: Shape, table: Table, columns: Columns, segments: list[Segment]
    ) -> list[pa.Table]:
        futures = [self._future(shape, columns, segment) for segment in segments]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def _future(self, shape: Shape, columns: Columns, segment: Segment) -> Future[pa.Table]:
        """The pieces of one file: kept, on their way, or begun now."""
        key: Key = (shape.key, segment.alias, segment.generation, repr(columns))
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                self.hits += 1
                done: Future[pa.Table] = Future()
                done.set_result(kept)
                return done
            pending = self._pending.get(key)
            if pending is None or pending.cancelled():
                pending = self._pool.submit(self._compute, key, shape, columns, segment)
                self._pending[key] = pending
            return pending

    def _compute(self, key: Key, shape: Shape, columns: Columns, segment: Segment) -> pa.Table:
        cursor = self._store.cursor()
        try:
            found = cursor.execute(_piece_sql(shape, segment, columns)).to_arrow_table()
            if found.num_rows > MOST_PIECE_ROWS:
                raise Unfit
            with self._lock:
                self._kept[key] = found
                self._kept_bytes += found.nbytes
                while self._kept_bytes > MOST_KEPT_BYTES:
                    self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes
            return found
        finally:
            with self._lock:
                self._pending.pop(key, None)
            cursor.close()


def _piece_sql(shape: Shape, segment: Segment, columns: Columns, window: str | None = None) -> str:
    """SQL of the pieces of one file: one for each of its parts, which need not agree on the numbers of texts."""
    found = []
    for part in segment.parts:
        # A column that is texts in another file is left as the view has it.
        floats = [name for name in part.digits if columns.get(name) is Kind.FLOAT]
        stored = _stored_as([*part.words, *floats], columns)
        coded = {name.lower(): stored[name.lower()] for name in part.words}
        decimals = {name.lower(): stored[name.lower()] for name in floats}
        rows = select_part(segment, part, columns, stored)
        found.append(shape.piece_sql(rows, window, coded, decimals))
    return " UNION ALL ".join(found)


def _has_coded(shape: Shape, segment: Segment) -> bool:
    """Whether the query groups by texts that the file stores by number."""
    return any(name.lower() in shape.columns for part in segment.parts for name in part.words)


def _stored_as(names: Iterable[str], columns: Columns) -> dict[str, str]:
    """For each column, in lower case, a name that is free for it as it is stored."""
    taken = {name.lower() for name in columns}
    found = {}
    for name in names:
        free = f"#{name.lower()}"
        while free in taken:
            free = f"#{free}"
        taken.add(free)
        found[name.lower()] = quoted(free)
    return found


def _window(cursor: duckdb.DuckDBPyConnection, shape: Shape) -> tuple[int, int]:
    """First and last µs of the window of time."""

    def instants(bounds: tuple[Bound, ...]) -> list[int]:
        if not bounds:
            return []
        cells = ", ".join(f"epoch_us(({bound.sql})::TIMESTAMPTZ)" for bound in bounds)
        found = cursor.execute(f"SELECT {cells}").fetchone() or ()
        return [int(us) + bound.add_us for us, bound in zip(found, bounds, strict=True)]

    return max([-(2**62), *instants(shape.low)]), min([2**62, *instants(shape.high)])


def _functions(cursor: duckdb.DuckDBPyConnection) -> Functions:
    found = cursor.execute(
        "SELECT function_name, function_type, bool_and(coalesce(stability = 'CONSISTENT', false)) "
        "FROM duckdb_functions() GROUP BY ALL"
    ).fetchall()
    cursor.close()
    kinds: dict[str, set[tuple[str, bool]]] = {}
    for name, kind, consistent in found:
        kinds.setdefault(name.lower(), set()).add((kind, consistent))
    return Functions(
        aggregates=frozenset(
            name for name, seen in kinds.items() if any(kind == "aggregate" for kind, _ in seen)
        ),
        constant=frozenset(name for name, seen in kinds.items() if seen == {("scalar", True)}),
    )
