"""Questions known before anyone asks them: what they compute in a file is computed as soon as it takes no more rows.

So the first who opens a panel waits no longer than everybody after. A question that cannot be taken apart (one for
single rows, say) is answered as it stands, prepared or not. A panel's question may be written as Grafana takes it, with
``$__timeFrom()`` for an end of its window; one that asks for a variable is known only when it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from embedded_arc.errors import EngineError, QueryRefused
from embedded_arc.sql_rules import check_text, with_quoted_tables
from embedded_arc.sql_tree import Tree, parse, tables_of

_END_OF_WINDOW: Final = re.compile(r"\$__time(?:From|To)\(\)")
_AN_INSTANT: Final = "'2000-01-01T00:00:00Z'"
"""Any will do: what is computed in a file does not depend on the window."""
_VARIABLE: Final = re.compile(r"\$\{?[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question about one table."""

    tree: Tree
    database: str | None
    """None for a bare name: that of any database, as the request's header says."""
    table: str

    def reads(self, database: str, table: str) -> bool:
        return table == self.table and self.database in (None, database)


def statements(paths: Sequence[Path]) -> tuple[str, ...]:
    """The text of each .sql file that `paths` name, themselves or by a folder above them."""
    found = []
    for path in paths:
        files = sorted(path.rglob("*.sql")) if path.is_dir() else [path]
        if not files:
            raise EngineError(f"There is no .sql file in {path}. Give a file or folder with --prepare.", 2)
        try:
            found += [file.read_text(encoding="utf-8") for file in files]
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(
                f"Cannot read {path}: {error}. Give a file or folder with --prepare.", 2
            ) from None
    return tuple(found)


def prepared(cursor: duckdb.DuckDBPyConnection, texts: Iterable[str]) -> list[Prepared]:
    """Questions from their SQL; those that read more than one table, or ask for a variable, are left out."""
    found = []
    for text in texts:
        text = _END_OF_WINDOW.sub(_AN_INSTANT, text)
        if _VARIABLE.search(text):
            continue
        try:
            tree = parse(cursor, with_quoted_tables(check_text(text)))
        except (QueryRefused, duckdb.Error) as error:
            start = " ".join(text.split())[:60]
            raise EngineError(
                f"--prepare takes questions (SELECT), and {start!r} is none: {error}", 2
            ) from None
        tables = tables_of(tree)
        if len(tables) == 1:
            ((database, table),) = tables
            found.append(Prepared(tree, database, table))
    return found
