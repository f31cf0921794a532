"""The HTTP server: who may ask what, and how refusals look."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from embedded_arc.bodies import BodyBudget, BodyBuffers, check_length, read_body
from embedded_arc.errors import QueryRefused, Refusal, WriteRefused
from embedded_arc.payload import PayloadReader
from embedded_arc.questions import Questions, refusal_json
from embedded_arc.settings import Settings
from embedded_arc.store import Store
from embedded_arc.tokens import Token, Tokens

log = logging.getLogger("embedded_arc")

PUBLIC: Final = ("/health", "/ready", "/metrics", "/api/v1/metrics", "/api/v1/auth/verify")

LONGEST_JSON_BYTES: Final = 1_000_000
"""Every request but a write."""

READ_BUFFER_BYTES: Final = 1 << 20

_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET,POST,PUT,DELETE,OPTIONS",
    "Access-Control-Allow-Headers": (
        "Origin,Content-Type,Accept,Authorization,x-api-key,x-arc-database,Content-Encoding"
    ),
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Engine:
    """Everything that a request may need."""

    def __init__(self, settings: Settings, store: Store, tokens: Tokens) -> None:
        self.settings = settings
        self.store = store
        self.tokens = tokens
        self.questions = Questions(store, settings)
        self.reader = PayloadReader(lambda: int(time.time() * 1e6))
        self.budget = BodyBudget(settings.bodies_limit_bytes)
        self.buffers = BodyBuffers()
        self.heavy = asyncio.Semaphore(1)
        self.started_s = time.monotonic()
        self.bytes_received = 0
        self.requests = 0
        self.decoded = 0
        self.decode_errors = 0
        self.auth_requests = 0
        self.auth_failures = 0

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self.started_s


ENGINE: Final = web.AppKey("engine", Engine)


def answer(value: object, status: int = 200) -> web.Response:
    """A JSON answer, spelled without blanks as Arc does."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(body=text.encode(errors="replace"), status=status, content_type="application/json")


def secret_of(request: web.Request) -> str | None:
    """The token of a request, in Arc's order: Authorization, x-api-key, then ``?p=``."""
    given = request.headers.get("Authorization", "")
    if given:
        for scheme in ("Bearer ", "Token "):
            if given.startswith(scheme):
                return given.removeprefix(scheme)
        return given
    return request.headers.get("x-api-key") or request.query.get("p") or None


def token_of(request: web.Request) -> Token:
    """The request's token, or a refusal with 401."""
    engine = request.app[ENGINE]
    engine.auth_requests += 1
    secret = secret_of(request)
    token = engine.tokens.find(secret) if secret else None
    if token is None:
        engine.auth_failures += 1
        raise Refusal(401, "Invalid or expired token" if secret else "Authentication required")
    return token


def needs(permission: str | None, handler: Handler) -> Handler:
    """`handler` for holders of a token with this permission; None: of any token."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        token = token_of(request)
        if permission is not None and not token.may(permission):
            raise Refusal(403, f"Permission denied: {permission} required")
        return await handler(request)

    return guarded


async def json_body(request: web.Request) -> Mapping[str, Any]:
    """The request's JSON object; Arc's messages come from Go's decoder, the common ones are the same."""
    body: bytes | bytearray = await read_body(request.content, request.content_length, LONGEST_JSON_BYTES)
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        body = _unzipped(body)
    kind = request.content_type if "Content-Type" in request.headers else ""
    if kind == "application/x-www-form-urlencoded":
        return {key: str(value) for key, value in _form(bytes(body)).items()}
    if kind != "application/json":
        raise Refusal(400, "Invalid request body: Unprocessable Entity")
    return parsed_object(bytes(body))


def parsed_object(body: bytes) -> Mapping[str, Any]:
    """`body` as a JSON object with its keys in lower case: Go matches them so."""
    try:
        value = json.loads(body)
    except UnicodeDecodeError:
        raise Refusal(400, "Invalid request body: not UTF-8") from None
    except RecursionError:
        raise Refusal(400, "Invalid request body: exceeded max depth") from None
    except json.JSONDecodeError as error:
        raise Refusal(400, f"Invalid request body: {_json_fault(error)}") from None
    if not isinstance(value, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        if value is None:
            return {}
        raise Refusal(400, f"Invalid request body: json: cannot unmarshal {kind} into Go value")
    return {key.lower(): item for key, item in value.items()}


def _json_fault(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg or error.doc.strip() in "{[":
        return "unexpected end of JSON input"
    where = "after top-level value" if error.msg == "Extra data" else "looking for beginning of value"
    return f"invalid character '{error.doc[error.pos]}' {where}"


def _form(body: bytes) -> Mapping[str, str]:
    from urllib.parse import parse_qsl

    try:
        return dict(parse_qsl(body.decode(), max_num_fields=64))
    except ValueError:
        raise Refusal(400, "Invalid request body: not a form") from None


def _unzipped(body: bytes | bytearray) -> bytes:
    try:
        unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
        out = unzip.decompress(body, LONGEST_JSON_BYTES)
    except (zlib.error, gzip.BadGzipFile):
        raise Refusal(400, "Invalid request body: broken gzip") from None
    if unzip.unconsumed_tail:
        raise Refusal(413, "Request Entity Too Large")
    return out


@web.middleware
async def _outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals as JSON, unknown paths as Arc has them, and no traceback for anyone outside."""
    start = time.monotonic()
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204, headers=_PREFLIGHT)
    try:
        return await handler(request)
    except WriteRefused as refusal:
        return answer({"error": refusal.message}, refusal.status)
    except QueryRefused as refusal:
        return answer(refusal_json(refusal.message, start), refusal.status)
    except Refusal as refusal:
        return _refused(request, refusal, start)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as missing:
        return _nowhere(request, missing)
    except web.HTTPException as error:
        return answer({"error": error.reason}, error.status)
    except ConnectionResetError:
        return web.Response(status=499, reason="Client Closed Request")  # nobody is left to read it
    except Exception:
        log.exception("%s %s ended in an error of the engine", request.method, request.path)
        return answer({"success": False, "error": "Internal Server Error"}, 500)


def _refused(request: web.Request, refusal: Refusal, start: float) -> web.Response:
    if refusal.status == 413 or refusal.status == 408:
        response = answer({"error": refusal.message}, refusal.status)
        response.force_close()
        return response
    if refusal.status == 400 and request.path.rstrip("/").startswith("/api/v1/query"):
        return answer(refusal_json(refusal.message, start), refusal.status)
    return answer({"error": refusal.message, "success": False}, refusal.status)


def _nowhere(request: web.Request, missing: web.HTTPException) -> web.Response:
    try:
        token_of(request)
    except Refusal as refusal:
        return answer({"error": refusal.message, "success": False}, refusal.status)
    if missing.status == 405:
        return answer({"error": "Method Not Allowed"}, 405)
    return answer({"error": f"Cannot {request.method} {request.path}"}, 404)


def application(engine: Engine, routes: Mapping[tuple[str, str], Handler]) -> web.Application:
    """The application with these routes; a trailing slash makes no difference."""
    app = web.Application(middlewares=[_outermost], client_max_size=engine.settings.body_limit_bytes)
    app[ENGINE] = engine
    for (method, path), handler in routes.items():
        app.router.add_route(method, path, handler)
        app.router.add_route(method, f"{path}/", handler)
        if method == "GET":
            app.router.add_route("HEAD", path, handler)
    return app


async def body_of(request: web.Request) -> bytearray:
    """The body of a write, within its bound; the caller holds the budget for it."""
    engine = request.app[ENGINE]
    buffer = engine.buffers.take()
    return await read_body(
        request.content, request.content_length, engine.settings.body_limit_bytes, into=buffer
    )


def set_aside(request: web.Request) -> int:
    """What a write's body may take of the budget."""
    return check_length(request.content_length, request.app[ENGINE].settings.body_limit_bytes)
