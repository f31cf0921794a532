"""The store: rows wait in memory, are flushed into segments, seen by queries, and dropped when old.

One thread flushes; requests only hand their rows over. All work on files and views happens under one lock,
waiting rows are guarded by another, so that a write never waits for the disk unless the memory for waiting
rows is used up: then it waits until there is room, which is the engine's only backpressure.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from embedded_arc.catalog import Catalog, Table, select_part
from embedded_arc.columns import Kind, Rows
from embedded_arc.errors import EngineError, WriteRefused
from embedded_arc.memory import give_back_holes
from embedded_arc.merge import Merger
from embedded_arc.segments import DISK_FAULTS, Part, Segment, SegmentFiles
from embedded_arc.settings import Settings

log = logging.getLogger("embedded_arc")

LARGEST_ROWS: Final = 16_000_000
"""A segment with this many rows is sealed whatever its age."""

MOST_PARTS: Final = 400
"""A table whose rows change their shape all the time is refused further shapes beyond this."""

LONGEST_SEGMENT_S: Final = 3600.0


@dataclass(slots=True)
class _Waiting:
    """Rows of one table that wait for a flush."""

    batches: list[Rows] = field(default_factory=list)
    count: int = 0
    nbytes: int = 0
    since_s: float = 0.0


@dataclass(slots=True)
class Counters:
    """What has happened since the start; in rows unless said otherwise."""

    buffered: int = 0
    written: int = 0
    flushes: int = 0
    errors: int = 0
    flush_failures: int = 0
    lost: int = 0
    churn_refused: int = 0
    segments_made: int = 0
    segments_dropped: int = 0


class Store:
    """Takes rows, keeps them in files, and shows them to queries."""

    def __init__(
        self,
        settings: Settings,
        now_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._now_s = now_s
        self._monotonic_s = monotonic_s
        root = segments_root(settings.data_dir)
        self._connection = open_duckdb(settings)
        self._files = SegmentFiles(self._connection.cursor(), root, now_s)
        self.catalog = Catalog(self._connection.cursor(), root)
        self.catalog.load(self._files.recover())
        self._merger = Merger()
        self.counters = Counters()
        self.on_sealed: Callable[[Table, Segment], None] = lambda table, segment: None
        """Called after a segment was sealed, from the flush thread."""
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._files_lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = False
        self._leaving: list[tuple[float, Segment]] = []
        self._room: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)

    def start(self) -> None:
        """Begin to flush in the background."""
        self._thread.start()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one query."""
        return self._connection.cursor()

    # Writing

    async def write(self, database: str, batches: list[Rows]) -> None:
        """Take rows: all of them, or none and a `WriteRefused`."""
        while self._waiting_bytes > self._settings.buffered_limit_bytes:
            room = asyncio.Event()
            with self._lock:
                self._room.append((asyncio.get_running_loop(), room))
            self._wake.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(room.wait(), 1.0)
        self.take(database, batches)

    def take(self, database: str, batches: list[Rows]) -> None:
        """Take rows at once, whatever is waiting already."""
        with self._lock:
            for rows in batches:
                self.catalog.check_spelling(database, rows.table)
                self._check_shapes(database, rows.table)
            now = self._monotonic_s()
            for rows in batches:
                waiting = self._waiting.setdefault((database, rows.table), _Waiting())
                if not waiting.batches:
                    waiting.since_s = now
                nbytes = rows.nbytes
                waiting.batches.append(rows)
                waiting.count += rows.count
                waiting.nbytes += nbytes
                self._waiting_bytes += nbytes
                self.counters.buffered += rows.count
                if waiting.count >= self._settings.flush_rows:
                    self._wake.set()

    def _check_shapes(self, database: str, name: str) -> None:
        for known, other in self._waiting:
            if known == database and other != name and other.lower() == name.lower():
                raise WriteRefused(400, f"measurement name '{name}' differs only in case from '{other}'")
            if known != database and known.lower() == database.lower():
                raise WriteRefused(400, f"database name '{database}' differs only in case from '{known}'")
        table = self.catalog.find(database, name)
        if table is not None and sum(len(segment.parts) for segment in table.segments) > MOST_PARTS:
            self.counters.churn_refused += 1
            raise WriteRefused(
                503, "Write rejected (schema churn): the columns of this table change too often"
            )

    # Flushing

    def _run(self) -> None:
        age_s = self._settings.flush_age_s
        pause_s = max(0.01, min(age_s / 20, 0.25))
        taken_s = 0.0
        while not self._stopping:
            self._wake.wait(pause_s)
            self._wake.clear()
            try:
                begin = self._monotonic_s()
                # Begin early by what the last flushes took: rows are to be seen at that age, not only on their way.
                if self._flush_due(age_s - min(taken_s, age_s / 2)):
                    taken_s = max(self._monotonic_s() - begin, 0.9 * taken_s)
                self.tidy()
            except Exception:
                log.exception("the flush thread goes on after an error")

    def flush(self) -> None:
        """Store all rows that wait."""
        self._flush_due(0.0)

    def _flush_due(self, age_s: float) -> bool:
        """Store what has waited this long; whether there was any."""
        with self._files_lock:
            now = self._monotonic_s()
            with self._lock:
                due = [
                    (key, waiting)
                    for key, waiting in self._waiting.items()
                    if now - waiting.since_s >= age_s or waiting.count >= self._settings.flush_rows
                ]
                for key, _ in due:
                    del self._waiting[key]
            for (database, table), waiting in due:
                self._store(database, table, waiting)
            return bool(due)

    def _store(self, database: str, name: str, waiting: _Waiting) -> None:
        """Flush one table; rows that the disk has no room for wait for the next attempt."""
        groups: dict[object, list[Rows]] = {}
        for rows in waiting.batches:
            groups.setdefault(rows.signature, []).append(rows)
        for batches in groups.values():
            count = sum(rows.count for rows in batches)
            try:
                self._append(self.catalog.table(database, name), batches)
                self.counters.written += count
            except DISK_FAULTS as error:
                self.counters.flush_failures += 1
                log.error("%s rows of %s.%s could not be stored yet: %s", f"{count:,}", database, name, error)
                self._give_back(database, name, batches)
                time.sleep(0.2)
            except Exception:
                self.counters.flush_failures += 1
                self.counters.lost += count
                log.exception(
                    "%s rows of %s.%s could not be stored and are lost", f"{count:,}", database, name
                )
        self.counters.flushes += 1
        with self._lock:
            self._waiting_bytes -= waiting.nbytes
            wakers, self._room = self._room, []
        for loop, room in wakers:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(room.set)

    def _give_back(self, database: str, name: str, batches: list[Rows]) -> None:
        with self._lock:
            waiting = self._waiting.setdefault((database, name), _Waiting(since_s=self._monotonic_s()))
            waiting.batches[:0] = batches
            waiting.count += sum(rows.count for rows in batches)
            nbytes = sum(rows.nbytes for rows in batches)
            waiting.nbytes += nbytes
            self._waiting_bytes += nbytes

    def _append(self, table: Table, batches: list[Rows]) -> None:
        segment = table.open_segment
        fresh = segment is None
        if segment is None:
            segment = self._files.create(table.database, table.name)
            self.counters.segments_made += 1
        try:
            new_part = self._files.append(segment, self._merger.merged(batches))
        except BaseException:
            if fresh:
                self._files.drop(segment)
            raise
        if fresh:
            table.segments.append(segment)
        if new_part:
            self.catalog.refresh(table)

    # Ageing

    def tidy(self) -> None:
        """Seal what is old or large enough, and drop what is too old."""
        with self._files_lock:
            now = self._now_s()
            for table in list(self.catalog.tables()):
                keep_s = self._keep_s(table)
                segment = table.open_segment
                if segment is not None and self._is_full(segment, now, keep_s):
                    self._files.seal(segment)
                    self.on_sealed(table, segment)
                    give_back_holes()
                if keep_s is not None:
                    old = [s for s in table.segments if now - s.newest_s > keep_s]
                    if old:
                        table.segments = [s for s in table.segments if s not in old]
                        self.catalog.refresh(table)
                        self._leave(old)
            self._drop_left()

    def _keep_s(self, table: Table) -> float | None:
        return None if table.name in self._settings.keep_all else self._settings.keep_s

    def _is_full(self, segment: Segment, now: float, keep_s: float | None) -> bool:
        age, rows = now - segment.created_s, segment.rows
        quiet_s = LONGEST_SEGMENT_S
        if keep_s is not None:
            quiet_s = max(2 * self._settings.segment_s, keep_s / 8)
        return (
            rows >= LARGEST_ROWS
            or age >= quiet_s
            or (age >= self._settings.segment_s and rows >= self._settings.segment_rows)
        )

    def _leave(self, segments: list[Segment]) -> None:
        until = self._monotonic_s() + self._settings.grace_s
        self._leaving.extend((until, segment) for segment in segments)

    def _drop_left(self, at_once: bool = False) -> None:
        now = self._monotonic_s()
        staying = []
        for until, segment in self._leaving:
            if at_once or now >= until:
                self._files.drop(segment)
                self.counters.segments_dropped += 1
            else:
                staying.append((until, segment))
        self._leaving = staying

    # Managing

    def create_database(self, name: str) -> None:
        with self._files_lock, self._lock:
            self.catalog.create_database(name)

    def drop_database(self, name: str) -> int:
        """Remove a database with its rows, waiting ones too; how many files there were."""
        with self._files_lock:
            with self._lock:
                for key in [key for key in self._waiting if key[0] == name]:
                    self._waiting_bytes -= self._waiting.pop(key).nbytes
            segments = []
            for table in list(self.catalog.tables(name)):
                segments += table.segments
                table.segments = []
                self.catalog.refresh(table)
            self.catalog.forget_database(name)
            for segment in segments:
                self._files.drop(segment)
            folder = segments_root(self._settings.data_dir) / name
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            folder.rmdir()
            return len(segments)

    def delete_where(self, database: str, name: str, where: str, dry_run: bool = False) -> tuple[int, int]:
        """Delete stored rows, or only count them; how many, and in how many files."""
        with self._files_lock:
            table = self.catalog.find(database, name)
            deleted = files = 0
            for segment in list(table.segments) if table is not None else ():
                columns = table.columns() if table is not None else {}

                def select(part: Part, segment: Segment = segment, columns: dict[str, Kind] = columns) -> str:
                    return select_part(segment, part, columns).replace("SELECT ", "SELECT rowid, ", 1)

                count = self._files.delete_where(segment, select, where, dry_run)
                deleted += count
                files += count > 0
            if table is not None:
                empty = [s for s in table.segments if s.sealed and s.rows == 0]
                if empty:
                    table.segments = [s for s in table.segments if s not in empty]
                    self.catalog.refresh(table)
                    self._leave(empty)
            return deleted, files

    @property
    def waiting_tables(self) -> int:
        return len(self._waiting)

    @property
    def waiting_rows(self) -> int:
        with self._lock:
            return sum(waiting.count for waiting in self._waiting.values())

    def close(self) -> None:
        """Flush, write out every log, and let go of the files."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._files_lock:
            self.flush()
            self._drop_left(at_once=True)
            for table in self.catalog.tables():
                segment = table.open_segment
                if segment is not None:
                    self._files.seal(segment)
            self._connection.close()


def segments_root(data_dir: Path) -> Path:
    return data_dir / "segments"


def open_duckdb(settings: Settings) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, shut off from all files but the segments, with its settings locked."""
    root = segments_root(settings.data_dir)
    try:
        con = duckdb.connect(
            ":memory:",
            config={
                "threads": settings.threads,
                "memory_limit": settings.memory_limit,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "preserve_insertion_order": True,
            },
        )
    except duckdb.Error as error:
        said = f"DuckDB refuses its settings: {error}. Look at --memory-limit and --threads."
        raise EngineError(said, 2) from None
    spill = settings.data_dir / "spill"
    for name, value in (
        ("temp_directory", str(spill)),
        ("TimeZone", "UTC"),
        ("python_enable_replacements", False),
        # Sealing a file would put its small groups of rows together: a second of work that saves no query anything.
        ("max_vacuum_tasks", 0),
        ("allowed_directories", [str(root)]),
        ("enable_external_access", False),
        ("lock_configuration", True),
    ):
        con.execute(f"SET GLOBAL {name} = {value!r}")
    return con
