"""Files of stored rows: one small DuckDB database for a table and a stretch of time.

A segment takes a table's rows until it is old or large enough, is then sealed, and is dropped as a whole
when its rows are too old. So nothing has to be deleted inside a file, a damaged file costs a stretch of time
and not the rest, and the disk is bounded. Inside a segment there is one DuckDB table (a part) for each shape
of rows: integers as BIGINT, floats as DOUBLE or, where they are decimals of few digits, as DECIMAL, and text as an
ENUM as long as it has few different values, each with the one compression that fits, so that DuckDB need not try
them all.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from embedded_arc.columns import MOST_WORDS, Kind
from embedded_arc.merge import Stored
from embedded_arc.names import is_database, is_table, literal, quoted

log = logging.getLogger("embedded_arc")

ROW_GROUP_ROWS: Final = 20_480
"""DuckDB writes whole row groups straight to the file and the rest through its log: smaller than its default
of 122,880, so that a second's rows of a busy table take the first way, and a question for one car skips most of them."""

MOST_WORD_CHANGES: Final = 3
"""New values make a new part, because an ENUM is fixed; after this many a column becomes plain text."""

DISK_FAULTS: Final = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,  # "Failed to commit": for lack of room as a rule
    OSError,
)
"""What storing rows may end in that another attempt can do better, when there is room again."""

SUFFIX: Final = ".duckdb"

_COMPRESSION: Final = {Kind.TIME: "bitpacking", Kind.INT: "bitpacking", Kind.FLOAT: "alp"}


@dataclass(slots=True)
class Part:
    """One DuckDB table in a segment."""

    name: str
    kinds: dict[str, Kind]
    words: dict[str, tuple[str, ...]]
    """Values of the columns that are ENUMs."""
    digits: dict[str, int]
    """Decimal places of the columns of floats that are DECIMALs."""
    rows: int = 0

    def takes(self, stored: Stored) -> bool:
        """Whether these rows fit: each column there, of its kind, and no text that the ENUM lacks."""
        if any(self.kinds.get(name) is not kind for name, kind in stored.kinds.items()):
            return False
        if any(self.digits.get(name) != stored.digits.get(name) for name in stored.kinds):
            return False
        for name, known in self.words.items():
            if name in stored.kinds and (
                name not in stored.words or not set(stored.words[name]) <= set(known)
            ):
                return False
        return True


@dataclass(slots=True)
class Segment:
    """One file, attached to DuckDB under `alias`."""

    database: str
    table: str
    alias: str
    path: Path
    created_s: float
    newest_s: float
    """When rows last came in, wall clock."""
    sealed: bool = False
    first_us: int = 2**62
    last_us: int = -(2**62)
    """Least and greatest time of its rows."""
    generation: int = 0
    """Grows when rows are deleted: what was computed from them is void."""
    parts: list[Part] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def size_bytes(self) -> int:
        return sum(p.stat().st_size for p in (self.path, self.wal_path) if p.exists())

    @property
    def wal_path(self) -> Path:
        return self.path.with_name(self.path.name + ".wal")

    def relation(self, part: Part) -> str:
        """The part's name in SQL."""
        return f"{quoted(self.alias)}.main.{quoted(part.name)}"


class SegmentFiles:
    """Makes, fills, seals, drops and finds segments. Used by one thread at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, root: Path, now_s: Callable[[], float]) -> None:
        self._connection = connection
        self._root = root
        self._now_s = now_s
        # No database of a user can have such a name, so none is mistaken for another.
        self._aliases = (f"#{number}" for number in itertools.count(1))
        self._word_changes: dict[tuple[str, str, str], int] = {}

    def create(self, database: str, table: str) -> Segment:
        """A new, empty segment."""
        now = self._now_s()
        folder = self._root / database / table
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamp = int(now * 1e6)
        while (path := folder / f"{stamp}{SUFFIX}").exists():
            stamp += 1
        segment = Segment(database, table, next(self._aliases), path, now, now)
        self._attach(segment)
        return segment

    def append(self, segment: Segment, stored: Stored) -> bool:
        """Store rows, in one transaction; True if that took a new part."""
        part = next((p for p in reversed(segment.parts) if p.takes(stored)), None)
        fresh = part is None
        con = self._connection
        con.execute("BEGIN")
        try:
            if part is None:
                part = self._new_part(segment, stored)
            columns = ", ".join(quoted(name) for name in stored.kinds)
            # A stream, not the table itself: a table is scanned by pyarrow's own pool of threads.
            con.register("incoming", stored.table.to_reader())
            try:
                con.execute(
                    f"INSERT INTO {segment.relation(part)} ({columns}) SELECT {columns} FROM temp.main.incoming"
                )
            finally:
                con.unregister("incoming")
            con.execute("COMMIT")
        except BaseException:
            _roll_back(con)
            raise
        part.rows += stored.count
        segment.first_us = min(segment.first_us, stored.first_us)
        segment.last_us = max(segment.last_us, stored.last_us)
        segment.newest_s = self._now_s()
        if fresh:
            segment.parts.append(part)
        return fresh

    def _new_part(self, segment: Segment, stored: Stored) -> Part:
        words = dict(stored.words)
        for name in list(words):
            known = next((p.words.get(name) for p in reversed(segment.parts) if name in p.kinds), None)
            plain = any(p.kinds.get(name) is Kind.TEXT and name not in p.words for p in segment.parts)
            if known is not None and not set(words[name]) <= set(known):
                key = (segment.database, segment.table, name)
                self._word_changes[key] = self._word_changes.get(key, 0) + 1
                words[name] = tuple(dict.fromkeys((*known, *words[name])))
                plain = plain or self._word_changes[key] > MOST_WORD_CHANGES
            elif known is not None:
                words[name] = known
            if plain or len(words[name]) > MOST_WORDS:
                del words[name]
        part = Part(f"part_{len(segment.parts)}", dict(stored.kinds), words, dict(stored.digits))
        columns = ", ".join(
            f"{quoted(name)} {_column_type(kind, words.get(name), part.digits.get(name))}"
            for name, kind in part.kinds.items()
        )
        self._connection.execute(f"CREATE TABLE {segment.relation(part)} ({columns})")
        return part

    def seal(self, segment: Segment) -> None:
        """Write out what is still in the segment's log; no rows are added from now on."""
        segment.sealed = True
        self._connection.execute(f"CHECKPOINT {quoted(segment.alias)}")

    def detach(self, segment: Segment) -> None:
        self._connection.execute(f"DETACH {quoted(segment.alias)}")

    def drop(self, segment: Segment) -> None:
        """Detach the segment and remove its file."""
        self.detach(segment)
        segment.path.unlink(missing_ok=True)
        segment.wal_path.unlink(missing_ok=True)

    def delete_where(
        self, segment: Segment, select: Callable[[Part], str], where: str, dry_run: bool = False
    ) -> int:
        """Delete the rows for which `where` holds, as seen through `select`, or count them; how many."""
        con = self._connection
        found = 0
        segment.generation += not dry_run
        con.execute("BEGIN")
        try:
            for part in segment.parts:
                chosen = f"SELECT rowid FROM ({select(part)}) WHERE ({where}\n)"
                if dry_run:
                    con.execute(f"SELECT count(*) FROM ({chosen})")
                else:
                    con.execute(f"DELETE FROM {segment.relation(part)} WHERE rowid IN ({chosen})")
                (count,) = con.fetchone() or (0,)
                found += count
                if not dry_run:
                    part.rows -= count
            con.execute("COMMIT")
        except BaseException:
            _roll_back(con)
            raise
        segment.generation += not dry_run
        return found

    def recover(self) -> Iterator[Segment]:
        """Attach what earlier runs left behind, oldest first; a file that cannot be read is set aside."""
        for path in sorted(self._root.glob(f"*/*/*{SUFFIX}")):
            database, table = path.parts[-3:-1]
            if not is_database(database) or not is_table(table) or not path.stem.isdecimal():
                continue
            found = path.stat()
            segment = Segment(
                database, table, next(self._aliases), path, int(path.stem) / 1e6, found.st_mtime, sealed=True
            )
            try:
                self._attach(segment)
                segment.parts = self._read_parts(segment)
            except duckdb.Error as error:
                aside = path.with_suffix(".unreadable")
                log.warning("%s cannot be read and was set aside as %s: %s", path.name, aside.name, error)
                path.rename(aside)
                segment.wal_path.unlink(missing_ok=True)
                continue
            yield segment

    def _attach(self, segment: Segment) -> None:
        self._connection.execute(
            f"ATTACH {literal(str(segment.path))} AS {quoted(segment.alias)} (ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )

    def _read_parts(self, segment: Segment) -> list[Part]:
        parts: dict[str, Part] = {}
        found = self._connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = ? "
            "ORDER BY table_oid, column_index",
            [segment.alias],
        ).fetchall()
        for table, column, type_name in found:
            part = parts.setdefault(table, Part(table, {}, {}, {}))
            part.kinds[column] = _KINDS.get(type_name, Kind.TEXT)
            if type_name.startswith("ENUM"):
                part.words[column] = ()
            decimal = _DECIMAL.fullmatch(type_name)
            if decimal is not None:
                part.kinds[column] = Kind.FLOAT
                part.digits[column] = int(decimal[1])
        for part in parts.values():
            (part.rows, first_us, last_us) = self._connection.execute(
                f"SELECT count(*), epoch_us(min(time)), epoch_us(max(time)) FROM {segment.relation(part)}"
            ).fetchone() or (0, None, None)
            if part.rows:
                segment.first_us = min(segment.first_us, first_us)
                segment.last_us = max(segment.last_us, last_us)
        return list(parts.values())


_KINDS: Final[Mapping[str, Kind]] = {
    "TIMESTAMP WITH TIME ZONE": Kind.TIME,
    "BIGINT": Kind.INT,
    "DOUBLE": Kind.FLOAT,
    "BOOLEAN": Kind.BOOL,
}


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    """Undo what was begun; a COMMIT that failed has done so already."""
    with contextlib.suppress(duckdb.TransactionException):
        con.execute("ROLLBACK")


_DECIMAL: Final = re.compile(r"DECIMAL\(9,(\d)\)")


def _column_type(kind: Kind, words: tuple[str, ...] | None, digits: int | None) -> str:
    if words:
        return f"ENUM({', '.join(literal(word) for word in words)}) USING COMPRESSION rle"
    if digits is not None:
        return f"DECIMAL(9, {digits}) USING COMPRESSION bitpacking"
    if kind in _COMPRESSION:
        return f"{kind.value} USING COMPRESSION {_COMPRESSION[kind]}"
    return kind.value
