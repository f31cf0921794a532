"""Statements as DuckDB's own parser reads them: what kind they are, and which tables they read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import duckdb

from embedded_arc.errors import QueryRefused
from embedded_arc.names import literal
from embedded_arc.nodes import Node, statement
from embedded_arc.sql_rules import FUNCTIONS, refused_function, without_comments

Tree = dict[str, Any]
"""DuckDB's syntax tree of one SELECT, as `json_serialize_sql` writes it."""

TableName = tuple[str | None, str]
"""Database and table; None for the database of a bare name."""

_EXPLAIN: Final = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?", re.IGNORECASE)
_SERIALIZE: Final = "SELECT json_serialize_sql(?)"
_REFUSED_FUNCTIONS: Final = frozenset(FUNCTIONS)


def parse(cursor: duckdb.DuckDBPyConnection, sql: str) -> Tree:
    """The tree of the one question in `sql`; for an EXPLAIN, of what it explains. Nothing of it is run.

    Raises `QueryRefused` for several statements or one that is no question, and DuckDB's own error for text
    that does not parse.
    """
    kind = _kind_of_one(cursor, sql)
    if kind == duckdb.StatementType.EXPLAIN:
        sql = _EXPLAIN.sub("", without_comments(sql), count=1)
        kind = _kind_of_one(cursor, sql)
    if kind != duckdb.StatementType.SELECT:
        raise QueryRefused(400, "Dangerous SQL operation not allowed")
    (text,) = cursor.execute(_SERIALIZE, [sql]).fetchone() or ("{}",)
    try:
        found = json.loads(text)
        if found.get("error"):
            raise QueryRefused(500, f"arrow query failed: {found.get('error_message')}")
        tree: Tree = found["statements"][0]["node"]
        _check_functions(tree)
    except RecursionError:
        raise QueryRefused(400, "The statement is nested too deeply") from None
    return tree


def sql_of(cursor: duckdb.DuckDBPyConnection, tree: Node) -> str:
    """A tree, or a part of one that is a whole SELECT, as SQL."""
    # Not as a parameter: for each of those DuckDB looks whether pandas is there, which costs as much as the rest.
    (text,) = cursor.execute(f"SELECT json_deserialize_sql({literal(statement(tree))})").fetchone() or ("",)
    return str(text)


def is_explain(sql: str) -> bool:
    return _EXPLAIN.match(without_comments(sql)) is not None


def _kind_of_one(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.StatementType:
    statements = cursor.extract_statements(sql)
    if not statements:
        raise QueryRefused(400, "SQL query is required")
    if len(statements) > 1:
        raise QueryRefused(400, "Multiple SQL statements are not allowed")
    return statements[0].type


def _check_functions(value: object) -> None:
    """The names in the tree are what DuckDB will call, however the text spells them."""
    if isinstance(value, dict):
        name = value.get("function_name")
        if isinstance(name, str) and name.lower() in _REFUSED_FUNCTIONS:
            raise refused_function(name)
        for item in value.values():
            _check_functions(item)
    elif isinstance(value, list):
        for item in value:
            _check_functions(item)


def tables_of(tree: Tree) -> set[TableName]:
    """Every table that the statement reads, its own WITH names aside."""
    try:
        return set(_tables(tree, frozenset()))
    except RecursionError:
        raise QueryRefused(400, "The statement is nested too deeply") from None


def _tables(value: object, known: frozenset[str]) -> Iterator[TableName]:
    if isinstance(value, list):
        for item in value:
            yield from _tables(item, known)
    if not isinstance(value, dict):
        return
    if value.get("type") == "BASE_TABLE":
        yield from _table(value, known)
    if value.get("type") == "RECURSIVE_CTE_NODE":
        known |= {str(value.get("cte_name", "")).lower()}
    for entry in (value.get("cte_map") or {}).get("map", ()):
        # A WITH name is known to those behind it, not to itself.
        yield from _tables(entry["value"], known)
        known |= {str(entry["key"]).lower()}
    for key, item in value.items():
        if key != "cte_map":
            yield from _tables(item, known)


def _table(node: Tree, known: frozenset[str]) -> Iterator[TableName]:
    table, database = str(node["table_name"]), node["schema_name"] or None
    if node["catalog_name"]:
        raise QueryRefused(
            400, f"Only table and database.table can be read, not {node['catalog_name']}.{database}.{table}"
        )
    if database is not None or table.lower() not in known:
        yield database, table
