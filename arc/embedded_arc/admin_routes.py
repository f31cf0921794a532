"""Routes that manage databases, rows and tokens."""

from __future__ import annotations

import time
from typing import Any, Final

import duckdb
from aiohttp import web

from embedded_arc.errors import QueryRefused, Refusal, WriteRefused
from embedded_arc.names import DATABASE_RULE, RESERVED_DATABASES, identifier_fault, is_database
from embedded_arc.server import ENGINE, Engine, answer, json_body, secret_of, token_of
from embedded_arc.sql_rules import check_text

CONFIRMATION_ROWS: Final = 10_000

# Databases


def _described(engine: Engine, name: str) -> dict[str, Any]:
    return {"name": name, "measurement_count": sum(1 for _ in engine.store.catalog.tables(name))}


def _named(request: web.Request) -> str:
    name = request.match_info["name"]
    if not request.app[ENGINE].store.catalog.has_database(name):
        raise WriteRefused(404, f"Database '{name}' not found")
    return name


async def list_databases(request: web.Request) -> web.Response:
    engine = request.app[ENGINE]
    found = [_described(engine, name) for name in engine.store.catalog.databases]
    return answer({"databases": found, "count": len(found)})


async def create_database(request: web.Request) -> web.Response:
    engine = request.app[ENGINE]
    try:
        given = await json_body(request)
    except Refusal as refusal:
        raise WriteRefused(refusal.status, refusal.message) from None
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise WriteRefused(400, "Database name is required")
    if not is_database(name):
        raise WriteRefused(400, f"Invalid database name: {DATABASE_RULE}")
    if name.lower() in RESERVED_DATABASES:
        raise WriteRefused(400, f"Database name '{name}' is reserved")
    if engine.store.catalog.has_database(name):
        raise WriteRefused(409, f"Database '{name}' already exists")
    await engine.questions.in_thread(lambda: engine.store.create_database(name))
    made = {**_described(engine, name), "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return answer(made, 201)


async def get_database(request: web.Request) -> web.Response:
    return answer(_described(request.app[ENGINE], _named(request)))


async def list_tables(request: web.Request) -> web.Response:
    name = _named(request)
    found = [{"name": table.name} for table in request.app[ENGINE].store.catalog.tables(name)]
    return answer({"database": name, "measurements": found, "count": len(found)})


async def delete_database(request: web.Request) -> web.Response:
    engine = request.app[ENGINE]
    if request.query.get("confirm") != "true":
        raise WriteRefused(400, "Confirmation required. Add ?confirm=true to delete the database.")
    name = _named(request)
    files = await engine.questions.in_thread(lambda: engine.store.drop_database(name))
    return answer({"message": f"Database '{name}' deleted successfully", "files_deleted": files})


# Rows


async def delete_config(request: web.Request) -> web.Response:
    return answer(
        {
            "enabled": True,
            "confirmation_threshold": CONFIRMATION_ROWS,
            "max_rows_per_delete": 1_000_000_000,
            "implementation": "in place",
            "performance_impact": {
                "deletes": "a scan of every file",
                "queries": "none",
                "writes": "they wait",
            },
        }
    )


async def delete_rows(request: web.Request) -> web.Response:
    """``POST /api/v1/delete``: delete the rows for which a condition holds, or count them (``dry_run``)."""
    engine = request.app[ENGINE]
    start = time.monotonic()
    given = await json_body(request)
    dry_run = given.get("dry_run") is True

    def outcome(deleted: int, files: int, error: str | None = None, status: int = 200) -> web.Response:
        shown: dict[str, Any] = {
            "success": error is None,
            "deleted_count": deleted,
            "affected_files": files,
            "rewritten_files": 0 if dry_run else files,
            "execution_time_ms": (time.monotonic() - start) * 1e3,
            "dry_run": dry_run,
            "files_processed": [] if error is None else None,
        }
        if error is not None:
            shown["error"] = error
        return answer(shown, status)

    database, table, where = (given.get(key) for key in ("database", "measurement", "where"))
    for what, name in (("database", database), ("measurement", table)):
        if not isinstance(name, str) or not name:
            return outcome(0, 0, f"{what} is required", 400)
        if identifier_fault(name):
            return outcome(0, 0, f"{what} name contains invalid characters", 400)
    condition = where.strip() if isinstance(where, str) else ""
    if condition.upper().startswith("WHERE "):
        condition = condition[6:].strip()
    fault = _where_fault(condition)
    if fault:
        return outcome(0, 0, fault, 400)
    if not dry_run and given.get("confirm") is not True:
        if condition.replace(" ", "") == "1=1":
            return outcome(0, 0, "Full table delete detected (WHERE 1=1). Set confirm=true to proceed.", 400)
        return outcome(
            0,
            0,
            "Confirmation required for delete operation. Set confirm=true or use dry_run=true to preview.",
            400,
        )
    try:
        deleted, files = await engine.questions.in_thread(
            lambda: engine.store.delete_where(str(database), str(table), condition, dry_run)
        )
    except duckdb.Error as error:
        return outcome(0, 0, str(error), 400)
    return outcome(deleted, files)


def _where_fault(condition: str) -> str | None:
    if not condition:
        return "WHERE clause is required. To delete all data, use WHERE clause '1=1' with confirm=true"
    for pattern in (";", "--", "/*", "*/"):
        if pattern in condition:
            return f"WHERE clause contains forbidden pattern: {pattern}"
    try:
        # One whole expression, which cannot close the brackets that it will stand in.
        duckdb.SQLExpression(condition)
        check_text(f"SELECT 1 WHERE {condition}")
    except duckdb.Error as error:
        return f"WHERE clause cannot be read: {error}"
    except QueryRefused as refusal:
        return f"WHERE clause refused: {refusal.message}"
    return None


# Tokens


def _token_id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Refusal(400, "Invalid token ID")
    return int(text)


async def verify(request: web.Request) -> web.Response:
    """``GET /api/v1/auth/verify``: what the request's token may do."""
    try:
        token = token_of(request)
    except Refusal:
        error = "Invalid or expired token" if secret_of(request) else "No token provided"
        return answer({"valid": False, "error": error}, 401)
    return answer({"valid": True, "token_info": token.public(), "permissions": list(token.permissions)})


async def create_token(request: web.Request) -> web.Response:
    secret = request.app[ENGINE].tokens.create(await json_body(request))
    message = "Token created successfully. Store this token securely - it cannot be retrieved again."
    return answer({"success": True, "token": secret, "message": message}, 201)


async def list_tokens(request: web.Request) -> web.Response:
    found = [token.public() for token in request.app[ENGINE].tokens.listed()]
    return answer({"success": True, "tokens": found, "count": len(found)})


async def get_token(request: web.Request) -> web.Response:
    token = request.app[ENGINE].tokens.get(_token_id(request))
    return answer({"success": True, "token": token.public()})


async def update_token(request: web.Request) -> web.Response:
    request.app[ENGINE].tokens.update(_token_id(request), await json_body(request))
    return answer({"success": True, "message": "Token updated successfully"})


async def delete_token(request: web.Request) -> web.Response:
    request.app[ENGINE].tokens.delete(_token_id(request))
    return answer({"success": True, "message": "Token deleted successfully"})


async def rotate_token(request: web.Request) -> web.Response:
    secret = request.app[ENGINE].tokens.rotate(_token_id(request))
    message = "Token rotated successfully. The old token is now invalid."
    return answer({"success": True, "new_token": secret, "message": message})


async def revoke_token(request: web.Request) -> web.Response:
    request.app[ENGINE].tokens.revoke(_token_id(request))
    return answer({"success": True, "message": "Token revoked successfully"})
