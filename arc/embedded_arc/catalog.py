"""Which databases and tables there are, and the views through which queries see their segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from embedded_arc.columns import Kind
from embedded_arc.errors import WriteRefused
from embedded_arc.names import is_database, quoted
from embedded_arc.segments import Part, Segment

_NUMERIC = (Kind.BOOL, Kind.INT, Kind.FLOAT)


@dataclass(slots=True)
class Table:
    """One table: its segments, oldest first."""

    database: str
    name: str
    segments: list[Segment] = field(default_factory=list)
    visible: bool = False
    """Whether its view is there for queries."""

    @property
    def open_segment(self) -> Segment | None:
        """The segment that takes rows now."""
        return self.segments[-1] if self.segments and not self.segments[-1].sealed else None

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in self.segments)

    @property
    def storage_path(self) -> str:
        """Where its files are, as a pattern below the data folder."""
        return f"segments/{self.database}/{self.name}/*.duckdb"

    def columns(self) -> dict[str, Kind]:
        """All columns of all segments, in the order in which they appeared, with the kind that holds all."""
        found: dict[str, tuple[str, Kind]] = {}
        for segment in self.segments:
            for part in segment.parts:
                for name, kind in part.kinds.items():
                    known = found.get(name.lower())
                    found[name.lower()] = (
                        (name, kind) if known is None else (known[0], _wider(known[1], kind))
                    )
        return dict(found.values())

    def select(self) -> str:
        """SQL that gives all rows: the parts under each other, with one set of columns."""
        columns = self.columns()
        return "\nUNION ALL ".join(
            select_part(segment, part, columns) for segment in self.segments for part in segment.parts
        )


def _wider(one: Kind, other: Kind) -> Kind:
    """The kind that a column has whose parts differ: as DuckDB unites Parquet files by name."""
    if one is other:
        return one
    if one in _NUMERIC and other in _NUMERIC:
        return max(one, other, key=_NUMERIC.index)
    return Kind.TEXT


def select_part(
    segment: Segment, part: Part, columns: dict[str, Kind], stored: Mapping[str, str] | None = None
) -> str:
    """SQL that gives one part's rows with exactly these columns, and those of `stored`: columns as they are stored."""
    own = {name.lower(): (name, kind) for name, kind in part.kinds.items()}
    cells = []
    for name, kind in columns.items():
        found = own.get(name.lower())
        if found is None:
            cells.append(f"NULL::{kind.value} AS {quoted(name)}")
        else:
            cell = quoted(found[0])
            if found[0] in part.digits:
                cell += f"::{found[1].value}"
            if found[1] is not kind or found[0] in part.words:
                cell += f"::{kind.value}"
            cells.append(f"{cell} AS {quoted(name)}")
    for lower, free in (stored or {}).items():
        cells.append(f"{quoted(own[lower][0])} AS {free}")
    return f"SELECT {', '.join(cells)} FROM {segment.relation(part)}"


class Catalog:
    """Databases and tables by name. Guarded by the store's lock."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, root: Path) -> None:
        self._connection = connection
        self._root = root
        self._databases: dict[str, dict[str, Table]] = {}
        self.version = 0
        """Grows with every change of a view, before and after it: a query that failed meanwhile is asked again."""

    def load(self, segments: Iterable[Segment]) -> None:
        """Take over what earlier runs left: folders are databases, files are segments."""
        for folder in sorted(self._root.iterdir()):
            if folder.is_dir() and is_database(folder.name):
                self.create_database(folder.name)
        for segment in segments:
            if segment.parts:
                self.table(segment.database, segment.table).segments.append(segment)
        for table in self.tables():
            self.refresh(table)

    @property
    def databases(self) -> list[str]:
        return sorted(self._databases)

    def has_database(self, name: str) -> bool:
        return name in self._databases

    def create_database(self, name: str) -> None:
        """Make a database, or keep the one that is there."""
        self.check_spelling(name)
        if name not in self._databases:
            (self._root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}")
            self._databases[name] = {}

    def forget_database(self, name: str) -> None:
        """Take a database without tables out of the catalog."""
        del self._databases[name]
        self._connection.execute(f"DROP SCHEMA IF EXISTS {quoted(name)} CASCADE")

    def check_spelling(self, database: str, table: str | None = None) -> None:
        """Refuse a name that differs from a known one in nothing but case: DuckDB takes both for one."""
        # Copies: the flush thread may add a name meanwhile.
        for known in list(self._databases):
            if known != database and known.lower() == database.lower():
                raise WriteRefused(400, f"database name '{database}' differs only in case from '{known}'")
        for known in list(self._databases.get(database, ())) if table is not None else ():
            if table is not None and known != table and known.lower() == table.lower():
                raise WriteRefused(400, f"measurement name '{table}' differs only in case from '{known}'")

    def table(self, database: str, name: str) -> Table:
        """The table, made if it is new."""
        self.create_database(database)
        self.check_spelling(database, name)
        return self._databases[database].setdefault(name, Table(database, name))

    def find(self, database: str, name: str) -> Table | None:
        """The table if it has rows; names are told apart by case, as in Arc."""
        table = self._databases.get(database, {}).get(name)
        return table if table is not None and table.visible else None

    def tables(self, database: str | None = None) -> Iterator[Table]:
        """All tables that have rows, by name."""
        for name in self.databases if database is None else [database]:
            tables = self._databases.get(name, {})
            yield from (tables[key] for key in sorted(tables) if tables[key].segments)

    def refresh(self, table: Table) -> None:
        """Let queries see the table's segments as they are now."""
        view = f"memory.{quoted(table.database)}.{quoted(table.name)}"
        self.version += 1
        if table.segments:
            self._connection.execute(f"CREATE OR REPLACE VIEW {view} AS {table.select()}")
            table.visible = True
        else:
            table.visible = False
            self._connection.execute(f"DROP VIEW IF EXISTS {view}")
        self.version += 1
