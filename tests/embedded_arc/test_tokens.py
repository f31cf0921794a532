"""Tokens: where a request carries them, what they allow, and that they outlive the process, but not their end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from embedded_arc.errors import EngineError, Refusal
from embedded_arc.tokens import Tokens

SECRET = "0123456789abcdef0123456789abcdef"
STATS = "/api/v1/write/msgpack/stats"

WRONG = {"success": False, "error": "Invalid or expired token"}
MISSING = {"success": False, "error": "Authentication required"}


@pytest.mark.parametrize(
    ("headers", "query", "refusal"),
    [
        ({"Authorization": f"Bearer {SECRET}"}, "", None),
        ({"Authorization": f"Token {SECRET}"}, "", None),
        ({"Authorization": SECRET}, "", None),
        ({"x-api-key": SECRET}, "", None),
        ({}, f"?p={SECRET}", None),
        ({"Authorization": f"bearer {SECRET}"}, "", WRONG),
        ({"Authorization": f"Bearer  {SECRET}"}, "", WRONG),
        ({"Authorization": "Bearer "}, "", WRONG),
        ({"Authorization": "Bearer wrong", "x-api-key": SECRET}, "", WRONG),
        ({"x-api-key": "wrong"}, f"?p={SECRET}", WRONG),
        ({"x-api-key": ""}, "", MISSING),
        ({}, "", MISSING),
    ],
)
async def test_where_a_token_is_looked_for(
    arc: Any, headers: dict[str, str], query: str, refusal: dict[str, Any] | None
) -> None:
    status, answer = await arc.as_(None).send("GET", STATS + query, headers)
    if refusal is None:
        assert (status, sorted(answer)) == (200, ["buffer", "decoder"])
    else:
        assert (status, answer) == (401, refusal)


async def test_what_is_public(arc: Any) -> None:
    nobody = arc.as_(None)
    assert (await nobody.send("GET", "/ready"))[1]["status"] == "ready"
    assert (await nobody.send("GET", "/health"))[1]["status"] == "ok"
    assert (await nobody.send("HEAD", "/ready"))[0] == 200
    assert (await nobody.send("GET", "/metrics"))[0] == 200
    assert await nobody.send("GET", "/nope") == (401, MISSING)
    assert await arc.send("GET", "/nope") == (404, {"error": "Cannot GET /nope"})
    assert await arc.send("GET", "/api/v1/query") == (405, {"error": "Method Not Allowed"})


async def test_permissions(arc: Any, cols: Any) -> None:
    made = {}
    for name, permissions in {"r": ["read"], "w": ["write"], "none": [], "default": None}.items():
        wanted = {"name": name} | ({} if permissions is None else {"permissions": permissions})
        status, answer = await arc.send("POST", "/api/v1/auth/tokens", json=wanted)
        assert (status, answer["success"]) == (201, True)
        made[name] = arc.as_(answer["token"])

    def denied(permission: str) -> tuple[int, dict[str, Any]]:
        return 403, {"success": False, "error": f"Permission denied: {permission} required"}

    assert await made["r"].write(cols("t", v=[1])) == denied("write")
    assert (await made["w"].write(cols("t", v=[1])))[0] == 204
    assert (await made["default"].write(cols("t", v=[1])))[0] == 204
    assert await made["w"].send("POST", "/api/v1/query", json={"sql": "SELECT 1"}) == denied("read")
    assert (await made["r"].query("SELECT 1"))[0] == 200
    assert await made["none"].write(cols("t", v=[1])) == denied("write")
    assert (await made["none"].send("GET", STATS))[0] == 200
    for path in (
        "/api/v1/write/line-protocol/flush",
        "/api/v1/databases",
        "/api/v1/delete",
        "/api/v1/auth/tokens",
    ):
        assert await made["default"].send("POST", path, json={}) == denied("admin")
    _, seen = await made["r"].send("GET", "/api/v1/auth/verify")
    assert (seen["valid"], seen["permissions"], seen["token_info"]["name"]) == (True, ["read"], "r")
    assert await made["r"].as_("x").send("GET", "/api/v1/auth/verify") == (
        401,
        {"valid": False, "error": "Invalid or expired token"},
    )


async def test_managing_tokens(arc: Any) -> None:
    path = "/api/v1/auth/tokens"
    assert (await arc.send("POST", path, json={}))[1]["error"] == "Token name is required"
    assert (await arc.send("POST", path, json={"name": "x", "permissions": ["fly"]}))[1]["error"] == (
        "Invalid permission: fly. Valid permissions are: read, write, delete, admin"
    )
    assert (await arc.send("POST", path, json={"name": "x", "expires_in": "soon"}))[0] == 400
    _, made = await arc.send("POST", path, json={"name": "x", "permissions": ["read"], "expires_in": "7d"})
    token = arc.as_(made["token"])
    assert (await arc.send("POST", path, json={"name": "x"}))[0] == 500
    _, listed = await arc.send("GET", path)
    assert [t["name"] for t in listed["tokens"]] == ["admin", "x"]
    assert made["token"] not in json.dumps(listed)
    number = listed["tokens"][1]["id"]
    _, turned = await arc.send("POST", f"{path}/{number}/rotate")
    assert (await token.query("SELECT 1"))[0] == 401
    token = arc.as_(turned["new_token"])
    assert (await token.query("SELECT 1"))[0] == 200
    assert (await arc.send("PATCH", f"{path}/{number}", json={"permissions": ["write"]}))[0] == 200
    assert (await token.query("SELECT 1"))[0] == 403
    assert (await arc.send("POST", f"{path}/{number}/revoke"))[0] == 200
    assert (await token.query("SELECT 1"))[0] == 401
    assert (await arc.send("DELETE", f"{path}/{number}"))[0] == 200
    assert await arc.send("DELETE", f"{path}/{number}") == (
        404,
        {"success": False, "error": "Token not found"},
    )
    assert (await arc.send("GET", f"{path}/abc"))[0] == 400


def test_tokens_are_kept_hashed_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    made = Tokens(path)
    assert made.bootstrap(SECRET)
    other = made.create({"name": "other"})
    assert path.stat().st_mode & 0o077 == 0
    assert SECRET not in path.read_text() and other not in path.read_text()
    again = Tokens(path)
    found = again.find(other)
    assert found is not None and found.permissions == ("read", "write")
    # As in Arc, a later bootstrap token does nothing.
    assert not again.bootstrap("x" * 32)
    assert again.find("x" * 32) is None
    assert again.find(SECRET) is not None


def test_a_token_ends_at_its_time(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tokens = Tokens(tmp_path / "tokens.json", lambda: now)
    secret = tokens.create({"name": "day", "expires_in": "24h"})
    now += timedelta(hours=23)
    assert tokens.find(secret) is not None
    now += timedelta(hours=2)
    assert tokens.find(secret) is None


def test_numbers_of_deleted_tokens_are_not_used_again(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    tokens = Tokens(path)
    tokens.create({"name": "a"})
    tokens.delete(1)
    Tokens(path).create({"name": "b"})
    assert [token.id for token in Tokens(path).listed()] == [2]
    with pytest.raises(Refusal, match="Token not found"):
        tokens.get(1)


def test_a_damaged_token_file_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text('{"tokens": [{"id": 1}]}')
    with pytest.raises(EngineError, match="Restore it, or remove it"):
        Tokens(path)
