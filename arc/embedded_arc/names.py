"""Names of databases, tables and columns: which are taken, and how they are written in SQL."""

from __future__ import annotations

import re
from typing import Final

from embedded_arc.errors import QueryRefused, WriteRefused

DEFAULT_DATABASE: Final = "default"

RESERVED_DATABASES: Final = frozenset({"system", "temp", "memory", "information_schema", "pg_catalog"})
"""Names that mean something else inside DuckDB."""

_DATABASE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_TABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}\Z")
_HEADER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")

DATABASE_RULE: Final = "must start with a letter and contain only alphanumeric characters, underscores, or hyphens (max 64 characters)"
_TABLE_RULE: Final = (
    "must start with a letter and contain only alphanumeric characters, underscores, or hyphens"
)


def is_database(name: str) -> bool:
    return _DATABASE.match(name) is not None


def is_table(name: str) -> bool:
    return _TABLE.match(name) is not None


def check_database(name: str) -> None:
    """Refuse a write into a database of this name, in Arc's words."""
    if not is_database(name) or name.lower() in RESERVED_DATABASES:
        raise WriteRefused(400, f"invalid database name: {DATABASE_RULE}")


def check_table(name: str) -> None:
    """Refuse a write into a table of this name, in Arc's words."""
    if not is_table(name):
        shown = name.encode("unicode_escape").decode() if not name.isprintable() else name
        raise WriteRefused(400, f'invalid measurement name "{shown}": {_TABLE_RULE}')


def identifier_fault(name: str) -> str | None:
    """What is wrong with a database's name in a query, or None."""
    if not name:
        return "name cannot be empty"
    if len(name) > 128:
        return "name too long (max 128 characters)"
    if not _HEADER.match(name):
        return "name contains invalid characters (allowed: alphanumeric, underscore, hyphen)"
    return None


def check_header_database(name: str) -> None:
    """Refuse a query whose ``x-arc-database`` header is no name; an empty one stands for none."""
    fault = identifier_fault(name) if name else None
    if fault:
        raise QueryRefused(400, f"invalid x-arc-database header: {fault}")


def quoted(name: str) -> str:
    """`name` as an identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as a string in SQL."""
    return "'" + text.replace("'", "''") + "'"
