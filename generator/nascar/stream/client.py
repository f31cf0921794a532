"""The server as the stream sees it: Arc's HTTP contract, writes on connections of their own, the rest on an
aiohttp session.

Every method but `post` raises `nascar.errors` with a message for people; `post` never raises for what a
server or a network can do, but says how the request ended. The token is in no message and in no repr.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from nascar import __version__
from nascar.errors import NascarError, ServerError, TokenRefused
from nascar.stream.connection import Connections, NotReached
from nascar.stream.policy import Fatal, Outcome, decide
from nascar.stream.response import MOST_TEXT_BYTES, BrokenAnswer, Response
from nascar.stream.settings import StreamSettings

WRITE_PATH: Final = "/api/v1/write/msgpack"
STATS_PATH: Final = "/api/v1/write/msgpack/stats"
FLUSH_PATH: Final = "/api/v1/write/line-protocol/flush"
QUERY_PATH: Final = "/api/v1/query"

BESIDE_CONNECTIONS: Final = 3
"""What is sent beside the schedule must not wait for its workers: one for each low-rate table."""
READY_POLL_S: Final = 0.25
TELL_EVERY_S: Final = 5.0
FIRST_TOKEN_TIMEOUT_S: Final = 30.0
"""Arc hashes a token 600,000 times when it first sees it: seconds, on a busy machine."""
LONGEST_MESSAGE: Final = 300
"""Characters kept of what a server says."""
AGENT: Final = f"nascar-telemetry/{__version__}"


@dataclass(frozen=True, slots=True)
class Stored:
    """The server's own count of rows since it started."""

    buffered: int
    """Rows taken into memory."""
    written: int
    """Rows of these that have reached the disk."""

    @property
    def backlog(self) -> int:
        """Rows in memory only."""
        return self.buffered - self.written


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query."""

    columns: tuple[str, ...]
    """Empty for a table that has no data yet."""
    rows: tuple[tuple[Any, ...], ...]
    elapsed_s: float
    """From sending the question to the last byte of the answer."""
    server_s: float | None
    """What the server says it took; None if it does not say."""


def is_plain(database: str) -> bool:
    """Whether SQL can name ``database.table``; Arc cannot read ``a-b.table``, which has to go into the header."""
    return database.replace("_", "").isalnum()


class QueryError(ServerError):
    """The server understood the question and did not answer it (4xx)."""


class Client:
    """One server, one token, at most `connections` requests at a time. Use it with ``async with``.

    `database` receives what is posted. Proxies from the environment are not used.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        database: str = "default",
        connections: int = 4,
        request_timeout_s: float = 10.0,
    ) -> None:
        self.url = url.rstrip("/")
        self.database = database
        self._token = token
        self._connections = connections
        self._request_timeout_s = request_timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._writes: Connections | None = None

    @classmethod
    def of(cls, settings: StreamSettings) -> Client:
        """The client of a stream: one connection for each worker, two for looking on, and a few for what is
        sent beside the schedule."""
        return cls(
            settings.url,
            settings.token,
            database=settings.database,
            connections=settings.workers + 2 + BESIDE_CONNECTIONS,
            request_timeout_s=settings.request_timeout_s,
        )

    def __repr__(self) -> str:
        return f"Client({self.database!r} at {self.url})"

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self._request_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        fields = {"x-arc-database": self.database, "Content-Type": "application/msgpack", "User-Agent": AGENT}
        self._writes = Connections(self.url + WRITE_PATH, headers | fields, self._connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        writes, self._writes = self._writes, None
        if writes is not None:
            await writes.close()
        if session is not None:
            await session.close()

    async def wait_ready(self, timeout_s: float = 30.0, tell: Callable[[str], None] | None = None) -> None:
        """Wait until the server answers ``GET /ready`` with 200; say through `tell` that it waits.

        Raises `ServerError` after `timeout_s`.
        """
        start = time.monotonic()
        last, told_at = "no answer", -TELL_EVERY_S
        while True:
            left = timeout_s - (time.monotonic() - start)
            outcome = await self._get_outcome("/ready", timeout_s=max(0.1, min(left, TELL_EVERY_S)))
            if outcome.acknowledged:
                return
            last = str(outcome)
            waited = time.monotonic() - start
            if waited + READY_POLL_S > timeout_s:
                break
            if tell is not None and waited - told_at >= TELL_EVERY_S:
                told_at = waited
                tell(f"Waiting for {self.url} to be ready ({timeout_s - waited:.0f} s left): {last}")
            await asyncio.sleep(READY_POLL_S)
        raise ServerError(
            f"No server is ready at {self.url} after {timeout_s:g} s ({last}). "
            "Start it, or give its address with --url; `make demo` brings a server along."
        )

    async def check_access(self) -> None:
        """Prove with one request that the token is good and may write, and warm it up. Stores nothing.

        Arc asks for the token, then for the permission, and only then refuses the empty body (400).
        Raises `TokenRefused` or `ServerError`.
        """
        outcome = await self._write(memoryview(b""), FIRST_TOKEN_TIMEOUT_S)
        if outcome.acknowledged or outcome.status == 400:
            return
        decision = decide(outcome, attempt=1, age_s=0, late_limit_s=0, jitter=0)
        if isinstance(decision, Fatal):
            raise decision.error
        raise ServerError(
            f"{self.url} does not take rows ({outcome}). "
            "Look at the server's log, or give the address of an Arc server with --url."
        )

    async def post(self, body: memoryview) -> Outcome:
        """Write one MessagePack body into the client's database; says how that ended.

        When this has returned, or was cancelled, no byte of `body` is sent any more.
        """
        return await self._write(body, self._request_timeout_s)

    async def stats(self) -> Stored:
        """The server's row counters. Raises `ServerError` when it has none, or may not show them."""
        answer = await self._json("GET", STATS_PATH)
        try:
            buffer = answer["buffer"]
            return Stored(int(buffer["total_records_buffered"]), int(buffer["total_records_written"]))
        except (KeyError, TypeError, ValueError):
            raise QueryError(f"{self.url} has no row counters at {STATS_PATH}") from None

    async def query(self, sql: str, *, database: str | None = None, timeout_s: float = 60.0) -> Answer:
        """Ask one question. Without `database`, tables are written ``database.table`` in the SQL.

        Raises `QueryError` when the question is at fault, `ServerError` when the server is.
        """
        headers = {} if database is None else {"x-arc-database": database}
        start = time.monotonic()
        answer = await self._json("POST", QUERY_PATH, {"sql": sql}, headers=headers, timeout_s=timeout_s)
        elapsed_s = time.monotonic() - start
        try:
            server_ms = answer.get("execution_time_ms")
            return Answer(
                tuple(str(name) for name in answer["columns"]),
                tuple(tuple(row) for row in answer["data"]),
                elapsed_s,
                None if server_ms is None else float(server_ms) / 1000,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ServerError(
                f"{self.url} gave no rows and columns for a query. Is it an Arc server?"
            ) from None

    async def flush(self) -> bool:
        """Ask the server to store what it holds in memory; False if the token may not, or it cannot."""
        try:
            await self._json("POST", FLUSH_PATH)
        except NascarError:
            return False
        return True

    async def count(self, table: str, where: str = "", *, what: str = "COUNT(*)") -> int:
        """Rows of `table` in the client's database; 0 for a table that is not there yet."""
        plain = is_plain(self.database)
        source, database = (f"{self.database}.{table}", None) if plain else (table, self.database)
        clause = f" WHERE {where}" if where else ""
        answer = await self.query(f"SELECT {what} FROM {source}{clause}", database=database)
        return int(answer.rows[0][0]) if answer.rows else 0

    async def _write(self, body: memoryview, within_s: float) -> Outcome:
        if self._writes is None:
            raise RuntimeError("the client is not open: use it with `async with`")
        try:
            response = await self._writes.post(body, within_s)
        except NotReached as error:
            return Outcome(None, self._clean(_why(error.__cause__, self._writes.host)), reached=False)
        except TimeoutError:
            return Outcome(None, f"no answer in {within_s:g} s")
        except BrokenAnswer as error:
            return Outcome(None, self._clean(f"the answer cannot be read: {error}"))
        except OSError as error:
            return Outcome(None, self._clean(f"the connection broke: {error}"))
        return self._read(response)

    async def _get_outcome(self, path: str, *, timeout_s: float) -> Outcome:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._open().get(self.url + path, timeout=timeout, allow_redirects=False) as response:
                return await self._outcome(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return self._broken(error, timeout_s)

    async def _json(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        timeout = aiohttp.ClientTimeout(total=self._request_timeout_s if timeout_s is None else timeout_s)
        try:
            async with self._open().request(
                method, self.url + path, json=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status == 200:
                    return await response.json(content_type=None)
                outcome = await self._outcome(response)
        except ValueError:
            raise ServerError(f"{self.url}{path} did not answer with JSON. Is it an Arc server?") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            outcome = self._broken(error, timeout.total)
            raise ServerError(
                f"No answer from {self.url} ({outcome}). Is the server still running?"
            ) from error
        if outcome.status in (401, 403):
            raise TokenRefused(f"{self.url}{path} refused the token ({outcome}). Give another in ARC_TOKEN.")
        if outcome.status is not None and outcome.status < 500:
            raise QueryError(f"{self.url}{path} refused the request: {outcome}")
        raise ServerError(f"{self.url}{path} failed: {outcome}. Look at the server's log.")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is not open: use it with `async with`")
        return self._session

    async def _outcome(self, response: aiohttp.ClientResponse) -> Outcome:
        text = await response.content.read(MOST_TEXT_BYTES)
        fields = {name.lower(): value for name, value in response.headers.items()}
        return self._read(Response(response.status, response.reason or "", fields, text, keeps_alive=True))

    def _read(self, response: Response) -> Outcome:
        """What an answer to a write means."""
        if response.status == 204:
            return Outcome(204)
        text = response.text.decode("utf-8", "replace")
        try:
            answer = json.loads(text)
            text = str(answer["error"])
        except (ValueError, KeyError, TypeError):
            text = text or response.reason
        asked = response.fields.get("retry-after", "")
        return Outcome(
            response.status,
            self._clean(text),
            retry_after_s=float(asked) if asked.isascii() and asked.isdigit() else None,
        )

    def _broken(self, error: BaseException, timeout_s: float | None) -> Outcome:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return Outcome(None, "no connection in time", reached=False)
        if isinstance(error, aiohttp.ClientConnectorError):
            return Outcome(None, self._clean(_why(error.os_error, error.host)), reached=False)
        if isinstance(error, TimeoutError):
            return Outcome(None, f"no answer in {timeout_s:g} s")
        return Outcome(None, self._clean(f"the connection broke: {error}"))

    def _clean(self, text: str) -> str:
        if self._token:
            text = text.replace(self._token, "***")
        text = " ".join(text.split())
        return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def _why(error: BaseException | None, host: str) -> str:
    """Why there is no connection, in the system's words."""
    if isinstance(error, socket.gaierror):
        return f"{host}: {error.strerror}"
    if isinstance(error, ssl.SSLError):
        # Its number is none of the system's.
        return str(error)
    if isinstance(error, OSError):
        # Several addresses may have failed, each with a number of its own in the text.
        first = re.search(r"\[Errno (\d+)\]", str(error))
        code = error.errno or (int(first[1]) if first else 0)
        if code > 0:
            return os.strerror(code)
    return str(error) or "no connection in time"
