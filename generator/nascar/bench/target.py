"""What a benchmark loads: a running Arc, the embedded engine, or the null sink. Each level finds it clean."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from nascar.bench import watched
from nascar.bench.resources import Watched
from nascar.bench.sink import SinkProcess
from nascar.engine import EngineProcess
from nascar.errors import UsageError
from nascar.questions import PUBLISHED_DATABASE
from nascar.stream.client import Client, is_plain
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES

KEEP_MINUTES: Final = 20
"""The embedded engine drops older rows."""
VERSION_TIMEOUT_S: Final = 5.0
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is up, for one level."""

    url: str
    token: str = field(repr=False)
    database: str
    server: Watched | None
    server_note: str
    """How the server's processes were found, or why they were not."""
    stores: bool = True
    """Whether it keeps rows, so that there is something to ask and to count."""
    data_dir: Path | None = None
    """Where its rows lie on this machine's disk; None if that is not known."""
    is_new: bool = True
    """Whether it was started for this level and is cold."""


class Target(Protocol):
    """Where the rows go."""

    @property
    def name(self) -> str:
        """For the record: ``embedded engine``, ``null sink``, or the server's address."""
        ...

    @property
    def version(self) -> str | None:
        """What the server says of its version, once it was served; None if it says nothing."""
        ...

    @property
    def left(self) -> tuple[str, ...]:
        """Databases that levels wrote and that stay on a server which is not ours."""
        ...

    def serve(self, rate: int, seconds: float) -> AbstractAsyncContextManager[Served]:
        """A server for a level of `seconds` at `rate` rows a second, with nothing of another level in it."""
        ...


@dataclass(slots=True)
class EngineTarget:
    """The embedded engine, started anew for each level, its data in a folder below `data_dir` removed after it."""

    data_dir: Path
    name: str = "embedded engine (it speaks Arc's API, it is not Arc)"
    version: str | None = None
    """It is of this project: the record's commit is its version."""
    left: tuple[str, ...] = ()

    @contextlib.asynccontextmanager
    async def serve(self, rate: int, seconds: float) -> AsyncIterator[Served]:
        async with EngineProcess(self.data_dir, KEEP_MINUTES, rate, seconds) as engine:
            yield Served(
                engine.url,
                engine.token,
                PUBLISHED_DATABASE,
                watched.ProcessTree(engine.pid, "process of the embedded engine"),
                "started by the benchmark",
                data_dir=engine.data_dir,
            )


@dataclass(slots=True)
class SinkTarget:
    """The null sink: it acknowledges everything and keeps nothing."""

    name: str = "null sink (it acknowledges everything and keeps nothing)"
    version: str | None = None
    left: tuple[str, ...] = ()

    @contextlib.asynccontextmanager
    async def serve(self, rate: int, seconds: float) -> AsyncIterator[Served]:
        async with SinkProcess() as sink:
            yield Served(
                sink.url,
                # A stream without a token refuses to start; the sink looks at none.
                "-" * 32,
                PUBLISHED_DATABASE,
                watched.ProcessTree(sink.pid, "process of the null sink"),
                "started by the benchmark",
                stores=False,
            )


@dataclass(slots=True)
class RunningTarget:
    """A server that runs already. Each level gets a database of its own: ``database`` with the level's number."""

    url: str
    token: str = field(repr=False)
    database: str
    find: Callable[[], Awaitable[tuple[Watched | None, str]]]
    """Finds the server's processes."""
    append: bool = False
    """Write into `database` itself, whatever is in it."""
    image: Callable[[], Awaitable[str | None]] | None = None
    """Tells the image of the server's container, if it has one that is known."""
    levels: int = 0
    """So many were served."""
    version: str | None = None
    left: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"server at {self.url}"

    @contextlib.asynccontextmanager
    async def serve(self, rate: int, seconds: float) -> AsyncIterator[Served]:
        self.levels += 1
        database = self.database if self.append else numbered(self.database, self.levels)
        async with Client(self.url, self.token, database=database, request_timeout_s=60) as client:
            await client.wait_ready()
            await client.check_access()
            if not self.append:
                await refuse_dirty(client)
        if self.levels == 1:
            self.version = await version_of(self.url) or (await self.image() if self.image else None)
        server, note = await self.find()
        if not self.append:
            self.left = (*self.left, database)
        yield Served(self.url, self.token, database, server, note, is_new=self.levels == 1)


async def version_of(url: str) -> str | None:
    """The version that the server at `url` tells on ``GET /health``; None if it does not."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=VERSION_TIMEOUT_S)) as session,
            session.get(f"{url.rstrip('/')}/health", allow_redirects=False) as response,
        ):
            said = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    version = said.get("version") if isinstance(said, dict) else None
    return version[:100] if isinstance(version, str) and version else None


def numbered(database: str, number: int) -> str:
    """The name of a level's own database. Raises `UsageError` if it is longer than Arc takes."""
    name = f"{database}_{number}"
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"{name!r} is too long for a database. Give a shorter --database.")
    return name


async def refuse_dirty(client: Client) -> None:
    """Raise `UsageError` if `client`'s database holds rows of the tables already.

    Counts would be wrong, and the eight questions would be asked of more rows than the level sent.
    """
    plain = is_plain(client.database)
    for table in (*TABLES, *LOW_RATE_TABLES):
        source = f"{client.database}.{table.name}" if plain else table.name
        answer = await client.query(
            f"SELECT 1 FROM {source} LIMIT 1", database=None if plain else client.database
        )
        if answer.rows:
            raise UsageError(
                f"The database {client.database} holds rows of {table.name} already; a measurement needs an empty one. "
                "Give another name with --database, or --append to measure on top of what is there."
            )
