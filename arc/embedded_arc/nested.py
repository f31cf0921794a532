"""Aggregates inside a query: what a subquery in FROM computes is taken from kept pieces, and the rest is asked of that.

``SELECT … FROM (SELECT g, avg(x) FROM t WHERE … GROUP BY g) AS a INNER JOIN …`` reads millions of rows for the sake of
some thousands. The subquery alone is a query that `partials` can answer; its answer becomes a table of this one
connection, and stands where the subquery stood.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import duckdb

from embedded_arc.catalog import Table
from embedded_arc.names import quoted
from embedded_arc.nodes import Node
from embedded_arc.partials import Partials
from embedded_arc.sql_tree import sql_of

Find = Callable[[str | None, str], Table | None]
"""The table of a database (None: that of bare names) and a name."""

_UNNAMED: Final = "unnamed_subquery"
"""What DuckDB calls a subquery without a name."""


def unnested(cursor: duckdb.DuckDBPyConnection, partials: Partials, tree: Node, find: Find) -> str | None:
    """SQL that gives the same answer, from tables that now lie on `cursor`, which must run it; None where no
    subquery can be answered so."""
    inner = _Subqueries(cursor, partials, find, _with_names(tree))
    replaced = inner.replaced(tree)
    return sql_of(cursor, replaced) if inner.answered else None


class _Subqueries:
    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, partials: Partials, find: Find, with_names: frozenset[str]
    ) -> None:
        self._cursor = cursor
        self._partials = partials
        self._find = find
        self._with_names = with_names
        self.answered = 0

    def replaced(self, value: Any) -> Any:
        """`value` with a table for each subquery that was answered."""
        if isinstance(value, list):
            return [self.replaced(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") == "SUBQUERY" and "subquery" in value and "class" not in value:
            name = self._answer(value["subquery"]["node"])
            if name is not None:
                return {
                    "type": "BASE_TABLE",
                    "alias": value["alias"] or _UNNAMED,
                    "sample": value["sample"],
                    "query_location": value["query_location"],
                    "schema_name": "main",
                    "table_name": name,
                    "column_name_alias": value["column_name_alias"],
                    "catalog_name": "temp",
                    "at_clause": None,
                }
        return {key: self.replaced(item) for key, item in value.items()}

    def _answer(self, select: Node) -> str | None:
        """The name of a table with the answer to `select`."""
        source = select.get("from_table") or {}
        if source.get("type") != "BASE_TABLE":
            return None
        database, name = source["schema_name"] or None, str(source["table_name"])
        if database is None and name.lower() in self._with_names:
            return None
        table = self._find(database, name)
        if table is None:
            return None
        shorter = self._partials.rewritten(self._cursor, sql_of(self._cursor, select), select, table)
        if shorter is None:
            return None
        # No table of a user can have such a name, so none is mistaken for another.
        made = f"#nested_{self.answered}"
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(made)} AS {shorter}")
        self.answered += 1
        return made


def _with_names(value: object) -> frozenset[str]:
    """Every name that a WITH gives, in lower case: such a name may mean no table."""
    if isinstance(value, list):
        return frozenset().union(*map(_with_names, value))
    if not isinstance(value, dict):
        return frozenset()
    own = {str(entry["key"]).lower() for entry in (value.get("cte_map") or {}).get("map", ())}
    if value.get("cte_name"):
        own.add(str(value["cte_name"]).lower())
    return frozenset(own).union(*map(_with_names, value.values()))
