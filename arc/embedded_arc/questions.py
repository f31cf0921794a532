"""Queries: checked, run in threads beside the writes, and answered in Arc's shape.

Each query has a connection of its own. At most a few run at the same time, none of them on the event loop;
one that takes too long is interrupted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa

from embedded_arc.catalog import Table
from embedded_arc.errors import QueryRefused
from embedded_arc.names import DEFAULT_DATABASE, check_header_database, identifier_fault, is_table, quoted
from embedded_arc.nested import unnested
from embedded_arc.partials import Partials
from embedded_arc.prepared import prepared
from embedded_arc.priority import give_way
from embedded_arc.result_json import number, rows_json
from embedded_arc.settings import Settings
from embedded_arc.sql_rules import check_text, is_show_databases, shown_database, with_quoted_tables
from embedded_arc.sql_tree import Tree, is_explain, parse, tables_of
from embedded_arc.store import Store

log = logging.getLogger("embedded_arc")

BATCH_ROWS: Final = 10_000
MOST_ATTEMPTS: Final = 5

TABLE_COLUMNS: Final = ("database", "table_name", "storage_path", "file_count", "total_size_mb")

_CROSS_DATABASE: Final = (
    "Cross-database queries (db.table syntax) not allowed when x-arc-database header is set"
)

Answer = TypeVar("Answer")


@dataclass(slots=True)
class QueryCounters:
    """What has happened since the start."""

    asked: int = 0
    answered: int = 0
    errors: int = 0
    timeouts: int = 0
    rows: int = 0
    seconds: float = 0.0
    running: int = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement that may be run, and where its bare names are looked up."""

    sql: str
    database: str | None
    """None when there is nothing to read: the table has no data yet."""
    tree: Tree | None = None
    table: Table | None = None
    """The one table that is read, if it is one."""


class Questions:
    """Answers queries against a store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._partials = Partials(store)
        self._partials.prepare(prepared(store.cursor(), settings.prepare))
        self._pool = ThreadPoolExecutor(settings.most_queries, "query", initializer=give_way)
        self.counters = QueryCounters()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._partials.close()

    async def json(self, sql: object, database: str) -> bytes:
        """The answer to a query as Arc's JSON; raises `QueryRefused`."""
        start = time.monotonic()

        def run(cursor: duckdb.DuckDBPyConnection) -> bytes:
            text = self._check(sql, database)
            listed = self._listed(text, database)
            if listed is not None:
                return _whole(*listed, start)
            return self._settled(lambda: self._json(cursor, self._plan(cursor, text, database), start))

        return await self._counted(run, start)

    async def arrow(self, sql: object, database: str) -> bytes:
        """The answer to a query as an Arrow stream; raises `QueryRefused`, for a missing table too."""
        start = time.monotonic()

        def run(cursor: duckdb.DuckDBPyConnection) -> bytes:
            text = self._check(sql, database)
            return self._settled(lambda: self._stream(cursor, self._plan(cursor, text, database)))

        return await self._counted(run, start)

    async def estimate(self, sql: object, database: str) -> int:
        """How many rows the query has."""

        def run(cursor: duckdb.DuckDBPyConnection) -> int:
            text = self._check(sql, database)
            return self._settled(lambda: self._count(cursor, self._plan(cursor, text, database)))

        return await self._counted(run, time.monotonic())

    async def in_thread(self, work: Callable[[], Answer]) -> Answer:
        """Run other work on files among the queries."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _counted(self, run: Callable[[duckdb.DuckDBPyConnection], Answer], start: float) -> Answer:
        counters = self.counters
        counters.asked += 1
        try:
            answer = await self._timed(run)
        except QueryRefused:
            counters.errors += 1
            raise
        counters.answered += 1
        counters.seconds += time.monotonic() - start
        return answer

    async def _timed(self, run: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Run one query in a thread, interrupted when its time is over or nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        cursor = self._store.cursor()
        late = False
        interrupter: asyncio.TimerHandle | None = None

        def out_of_time() -> None:
            nonlocal late
            late = True
            cursor.interrupt()

        def begin() -> None:
            nonlocal interrupter
            interrupter = loop.call_later(self._settings.query_timeout_s, out_of_time)

        def work() -> Answer:
            loop.call_soon_threadsafe(begin)
            self.counters.running += 1
            try:
                return run(cursor)
            finally:
                self.counters.running -= 1

        future = loop.run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cursor.interrupt()
            raise
        except duckdb.InterruptException:
            if not late:
                raise QueryRefused(500, "arrow query failed: INTERRUPT Error: Interrupted!") from None
            self.counters.timeouts += 1
            raise QueryRefused(504, "Query timed out") from None
        except duckdb.Error as error:
            raise QueryRefused(500, f"arrow query failed: {error}") from None
        except (pa.ArrowException, MemoryError, OverflowError, UnicodeError) as error:
            raise QueryRefused(500, f"arrow query failed: {error or type(error).__name__}") from None
        finally:
            if interrupter is not None:
                interrupter.cancel()
            future.add_done_callback(lambda _: cursor.close())
            if future.done():
                cursor.close()

    def _check(self, sql: object, database: str) -> str:
        check_header_database(database)
        return check_text(sql)

    def _listed(self, sql: str, database: str) -> tuple[tuple[str, ...], list[list[Any]]] | None:
        """The answer to SHOW DATABASES and SHOW TABLES, which are no SQL of DuckDB's."""
        if is_show_databases(sql):
            return ("database",), [[name] for name in self._store.catalog.databases]
        shown = shown_database(sql, database)
        if shown is None:
            return None
        fault = identifier_fault(shown)
        if fault:
            raise QueryRefused(400, f"invalid database name: {fault}")
        return TABLE_COLUMNS, [
            [table.database, table.name, table.storage_path, len(table.segments), table.size_bytes / 2**20]
            for table in self._store.catalog.tables(shown)
        ]

    def _plan(self, cursor: duckdb.DuckDBPyConnection, sql: str, header: str) -> _Plan:
        """Look up every table that the statement reads, in Arc's order of questions."""
        known = True
        sql = with_quoted_tables(sql)
        tree = parse(cursor, sql)
        tables = []
        for database, name in tables_of(tree):
            if database is not None and header:
                raise QueryRefused(400, _CROSS_DATABASE)
            table = self._store.catalog.find(database or header or DEFAULT_DATABASE, name)
            # What can be no table of Arc's (a file, say) is left to DuckDB's own answer.
            known = known and (table is not None or not is_table(name))
            tables.append(table)
        only = tables[0] if len(tables) == 1 else None
        return _Plan(sql, (header or DEFAULT_DATABASE) if known else None, tree, only)

    def _execute(self, cursor: duckdb.DuckDBPyConnection, plan: _Plan) -> pa.RecordBatchReader:
        database = plan.database or DEFAULT_DATABASE
        if self._store.catalog.has_database(database):
            cursor.execute("SET search_path = ?", [f"memory.{quoted(database)}"])
        sql = plan.sql
        if plan.tree is not None and plan.database is not None and not is_explain(sql):
            # Whatever is wrong with the shorter way, the statement as it stands says it better.
            try:
                shorter = self._shorter(cursor, sql, plan.tree, plan.table, plan.database)
                if shorter is not None:
                    return cursor.execute(shorter).to_arrow_reader(BATCH_ROWS)
            except duckdb.InterruptException:
                raise
            except duckdb.Error as error:
                log.debug("asked as it stands: %s", error)
        return cursor.execute(sql).to_arrow_reader(BATCH_ROWS)

    def _shorter(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, tree: Tree, table: Table | None, database: str
    ) -> str | None:
        """SQL of the same answer that reads fewer rows, as a whole or in its subqueries."""
        if table is not None:
            shorter = self._partials.rewritten(cursor, sql, tree, table)
            if shorter is not None:
                return shorter
        find = self._store.catalog.find
        return unnested(cursor, self._partials, tree, lambda own, name: find(own or database, name))

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """The answer to `ask`; asked again if it failed while a view was changed under it."""
        for _ in range(MOST_ATTEMPTS):
            version = self._store.catalog.version
            try:
                return ask()
            except duckdb.InterruptException:
                raise
            except duckdb.Error:
                if self._store.catalog.version == version:
                    raise
        return ask()

    def _stream(self, cursor: duckdb.DuckDBPyConnection, plan: _Plan) -> bytes:
        if plan.database is None:
            raise QueryRefused(500, "arrow query failed: IO Error: the table has no data yet")
        reader = self._execute(cursor, plan)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, reader.schema) as writer:
            for batch in reader:
                self._check_size(sink.tell())
                self.counters.rows += batch.num_rows
                writer.write_batch(batch)
        return bytes(sink.getvalue())

    def _count(self, cursor: duckdb.DuckDBPyConnection, plan: _Plan) -> int:
        if plan.database is None:
            return 0
        counted = _Plan(f"SELECT count(*) AS n FROM ({plan.sql.rstrip().rstrip(';')}\n)", plan.database)
        (batch,) = list(self._execute(cursor, counted))
        return int(batch.column(0)[0].as_py())

    def _json(self, cursor: duckdb.DuckDBPyConnection, plan: _Plan, start: float) -> bytes:
        if plan.database is None:
            return _whole((), [], start)
        reader = self._execute(cursor, plan)
        chunks: list[str] = []
        count = size = 0
        for batch in reader:
            if batch.num_rows:
                chunk = ",".join(rows_json(batch))
                chunks.append(chunk)
                count += batch.num_rows
                size += len(chunk)
                self._check_size(size)
        self.counters.rows += count
        return _answer(reader.schema.names, ",".join(chunks), count, start)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._settings.result_limit_bytes:
            raise QueryRefused(
                500, f"The result is larger than {self._settings.result_limit_bytes:,} bytes. Add a LIMIT."
            )


def now_text() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _whole(columns: tuple[str, ...], rows: list[list[Any]], start: float) -> bytes:
    data = ",".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return _answer(list(columns), data, len(rows), start)


def _answer(columns: list[str], data: str, count: int, start: float) -> bytes:
    names = json.dumps(columns, ensure_ascii=False)
    return (
        f'{{"success":true,"columns":{names},"data":[{data}],"row_count":{count},'
        f'"execution_time_ms":{number((time.monotonic() - start) * 1e3)},"timestamp":"{now_text()}"}}'
    ).encode(errors="replace")


def refusal_json(message: str, start: float) -> dict[str, Any]:
    """Arc's answer to a query that was refused or failed."""
    return {
        "success": False,
        "columns": None,
        "data": None,
        "row_count": 0,
        "execution_time_ms": (time.monotonic() - start) * 1e3,
        "timestamp": now_text(),
        "error": message,
    }
