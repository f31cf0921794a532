"""One shard in a process of its own, and what it and the process that started it say to each other.

The parts share nothing but the start. A shard makes itself ready, waits for the start, and from then on tells
how it stands; it hears only that it should stop. When the other side is gone it stops by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final, Protocol

from nascar.errors import NascarError
from nascar.stream.latency import Latency
from nascar.stream.ledger import Ledger
from nascar.stream.progress import Snapshot
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.source import BatchSource
from nascar.stream.windows import Window

TELL_EVERY_S: Final = 0.5


class Work(Protocol):
    """What makes the rows. It goes to another process by pickle, before anything is prepared."""

    def prepare(self) -> object:
        """Do what takes long, before there is a clock that it could be late by."""
        ...

    def feed_at(self, start_us: int) -> BatchSource:
        """The batches of the whole run whose first row lies at `start_us`, µs since 1970."""
        ...

    def picture(self) -> object:
        """What a display may show of what the rows are about; None if there is nothing yet."""
        ...


@dataclass(frozen=True, slots=True)
class Ready:
    """Server and token are proved, the rows can begin."""


@dataclass(frozen=True, slots=True)
class Start:
    """The answer to `Ready`."""

    start_us: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more comes due."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the shard stands now."""

    snapshot: Snapshot
    ledger: Ledger
    due: Latency
    send: Latency
    """Write latencies of the last seconds."""
    picture: object = None
    """Of the first shard only."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The shard's part of a window is certain."""

    window: Window


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word: what came of it, or what went wrong before the clock started."""

    result: Result | None
    error: NascarError | None = None


def run_shard(
    connection: Connection, settings: StreamSettings, work: Work, with_windows: bool, begun_us: int
) -> None:
    """The main function of the process, which is part of a run that was begun at `begun_us`."""
    # Ctrl-C reaches all processes of a terminal; the one that started us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):
        connection.send(asyncio.run(_Child(connection, settings, work, with_windows, begun_us).run()))


class _Child:
    def __init__(
        self,
        connection: Connection,
        settings: StreamSettings,
        work: Work,
        with_windows: bool,
        begun_us: int,
    ) -> None:
        self._connection = connection
        self._work = work
        self._is_first = settings.shard.index == 0
        self._start: asyncio.Future[int] | None = None
        self._run = Run(
            settings,
            work.feed_at,
            start_at=self._await_start,
            closed=self._tell_window if with_windows else None,
            begun_us=begun_us,
        )

    async def run(self) -> Ended:
        """Stream to the end."""
        loop = asyncio.get_running_loop()
        try:
            self._work.prepare()
        except NascarError as error:
            return Ended(None, error)
        loop.add_reader(self._connection.fileno(), self._hear)
        telling = asyncio.create_task(self._tell())
        try:
            return Ended(await self._run.run())
        except NascarError as error:
            return Ended(None, error)
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
            loop.remove_reader(self._connection.fileno())

    async def _await_start(self) -> int:
        self._start = asyncio.get_running_loop().create_future()
        self._say(Ready())
        return await self._start

    def _hear(self) -> None:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            message = Stop()
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
        if not isinstance(message, Start):
            self._run.stop()
        elif self._start is not None and not self._start.done():
            self._start.set_result(message.start_us)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            run = self._run
            picture = self._work.picture() if self._is_first else None
            self._say(Standing(run.snapshot(), run.ledger, run.meter.due(), run.meter.send(), picture))

    def _tell_window(self, window: Window) -> None:
        self._say(Closed(window))

    def _say(self, message: object) -> None:
        # Whoever started us is gone: the reader hears that, and ends the run.
        with contextlib.suppress(BrokenPipeError):
            self._connection.send(message)
