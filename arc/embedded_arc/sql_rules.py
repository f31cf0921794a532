"""Which SQL is run, as far as its text tells: Arc's own rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from embedded_arc.errors import QueryRefused
from embedded_arc.names import DEFAULT_DATABASE, quoted

LONGEST_SQL_BYTES: Final = 10_000

# As Arc 26.06.3 has it (query.go, dangerousSQLPattern).
_REFUSED: Final = re.compile(
    r"\b(?:DROP\s+(?:TABLE|DATABASE|INDEX|VIEW)|DELETE\s+FROM|TRUNCATE\s+TABLE|ALTER\s+TABLE"
    r"|CREATE\s+(?:TABLE|DATABASE|INDEX)|INSERT\s+INTO|UPDATE\s+\w+\s+SET)\b"
    r"|\bATTACH\b|\bDETACH\b|\bCOPY\b|\bEXPORT\s+DATABASE\b|\bIMPORT\s+DATABASE\b|\bPRAGMA\b|\bSET\b|\bRESET\b"
    r"|\bLOAD\b|\bINSTALL\b|\bCALL\b",
    re.IGNORECASE,
)

# Arc's list, and DuckDB's functions that write, log, run SQL from a string, or tell of other files.
FUNCTIONS: Final = (
    "read_parquet",
    "parquet_scan",
    "parquet_metadata",
    "parquet_schema",
    "parquet_file_metadata",
    "parquet_kv_metadata",
    "parquet_bloom_probe",
    "read_csv",
    "read_csv_auto",
    "sniff_csv",
    "read_json",
    "read_json_auto",
    "read_json_objects",
    "read_json_objects_auto",
    "read_ndjson",
    "read_ndjson_auto",
    "read_ndjson_objects",
    "read_text",
    "read_blob",
    "read_xlsx",
    "glob",
    "delta_scan",
    "iceberg_scan",
    "iceberg_metadata",
    "iceberg_snapshots",
    "arc_partition_agg",
    "read_duckdb",
    "query",
    "query_table",
    "json_execute_serialized_sql",
    "from_substrait",
    "from_substrait_json",
    "checkpoint",
    "force_checkpoint",
    "write_log",
    "enable_logging",
    "disable_logging",
    "truncate_duckdb_logs",
    "duckdb_logs",
    "enable_profiling",
    "disable_profiling",
    "duckdb_secrets",
    "which_secret",
    "parse_duckdb_log_message",
    "arrow_scan",
    "arrow_scan_dumb",
    "pandas_scan",
    "python_map_function",
    "seq_scan",
    "nextval",
    "getenv",
    "load_aws_credentials",
    "add_parquet_key",
    "duckdb_external_file_cache",
)
_FUNCTION_CALL: Final = re.compile(rf"\b({'|'.join(FUNCTIONS)})\s*\(", re.IGNORECASE)

_PIECE: Final = re.compile(
    r"""(?P<string>(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'?|'(?:[^']|'')*'?)|(?P<dollar>\$(\w*)\$.*?(?:\$\3\$|\Z))"""
    r"""|(?P<name>"(?:[^"]|"")*"?)|(?P<line>--[^\n]*)|(?P<block>/\*)""",
    re.DOTALL,
)
_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")


def _replaced(sql: str, piece: Callable[[re.Match[str]], str]) -> str:
    """`sql` with every string, quoted name and comment replaced; comments nest, as in DuckDB."""
    out = []
    at = 0
    while match := _PIECE.search(sql, at):
        out.append(sql[at : match.start()])
        start = at = match.end()
        depth = 1 if match["block"] else 0
        while depth:
            edge = _BLOCK_EDGE.search(sql, at)
            depth = 0 if edge is None else depth + (1 if edge[0] == "/*" else -1)
            at = len(sql) if edge is None else edge.end()
        out += [piece(match), " " * (at - start)]
    return "".join([*out, sql[at:]])


def _is_comment(match: re.Match[str]) -> bool:
    return bool(match["line"] or match["block"])


def bare(sql: str, keep_names: bool = False) -> str:
    """`sql` with its comments and strings blanked out, and quoted names too, or only their quotes. Every character
    keeps its place.
    """

    def piece(match: re.Match[str]) -> str:
        if match["name"] and keep_names:
            return match[0].replace('"', " ")
        return (" " if _is_comment(match) else "?") * len(match[0])

    return _replaced(sql, piece)


def check_text(sql: object) -> str:
    """Refuse what Arc refuses by its text; the statement otherwise."""
    if not isinstance(sql, str) or not sql.strip():
        raise QueryRefused(400, "SQL query is required")
    if len(sql.encode(errors="surrogatepass")) > LONGEST_SQL_BYTES:
        raise QueryRefused(400, f"SQL query exceeds maximum length ({LONGEST_SQL_BYTES} characters)")
    text = bare(sql)
    if ";" in text.rstrip(" \t\r\n;"):
        raise QueryRefused(400, "Multiple SQL statements are not allowed")
    if _REFUSED.search(text):
        raise QueryRefused(400, "Dangerous SQL operation not allowed")
    called = _FUNCTION_CALL.search(bare(sql, keep_names=True))
    if called:
        raise refused_function(called[1])
    return sql


def refused_function(name: str) -> QueryRefused:
    return QueryRefused(400, f"File I/O function not allowed in user SQL: {name}()")


_FROM_DATABASE: Final = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)\.(\w+)\b", re.IGNORECASE)


def with_quoted_tables(sql: str) -> str:
    """`sql` with the names after FROM and JOIN in quotes, so that ``default.t`` is no word of SQL's."""
    out = []
    at = 0
    for match in _FROM_DATABASE.finditer(bare(sql)):
        out += [sql[at : match.start(1)], quoted(match[1]), ".", quoted(match[2])]
        at = match.end()
    return "".join([*out, sql[at:]])


_SHOW_DATABASES: Final = re.compile(r"\s*SHOW\s+DATABASES\s*;?\s*", re.IGNORECASE)
_SHOW_TABLES: Final = re.compile(
    r"""\s*SHOW\s+(?:TABLES|MEASUREMENTS)(?:\s+FROM\s+["'`]?([\w.-]+)["'`]?)?\s*;?\s*""", re.IGNORECASE
)


def without_comments(sql: str) -> str:
    return _replaced(sql, lambda match: " " if _is_comment(match) else match[0])


def is_show_databases(sql: str) -> bool:
    return _SHOW_DATABASES.fullmatch(without_comments(sql)) is not None


def shown_database(sql: str, header_database: str) -> str | None:
    """The database whose tables `sql` asks for, if it is that question."""
    match = _SHOW_TABLES.fullmatch(without_comments(sql))
    return None if match is None else match[1] or header_database or DEFAULT_DATABASE
