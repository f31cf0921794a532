"""Watches a run and its server: once a second, on whole seconds, it takes a sample.

It polls; the stream knows nothing of it, and whatever goes wrong here is no matter of the run's. One process watches
all processes of a run on this machine; of a run on several machines each watches its own part.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

import psutil

from nascar.monitor.sample import Sample, ServerState
from nascar.monitor.server_usage import of_processes
from nascar.monitor.server_watch import QuestionTimes, ServerWatch, Sleep
from nascar.monitor.settings import MonitorSettings
from nascar.monitor.use import UseMeter
from nascar.monitor.writer import LAST_WRITE_S, MetricsWriter, Tally
from nascar.stream.client import Client
from nascar.stream.clock import Clock, SteadyClock
from nascar.stream.progress import Phase, Snapshot
from nascar.stream.settings import StreamSettings

SECOND_US: Final = 1_000_000
_LOOK_S: Final = 0.1
"""Before the run has begun it is looked at so often: what the server stored before is not the run's."""
_LAST_SAMPLE_S: Final = 1.5
"""The next whole second is never further away."""
_POST_ANSWER_S: Final = 5.0


class Monitor:
    """Watches from entering to leaving; `watch` says what. Leaving waits for the last sample and its row.

    `newest` is the newest sample; `listeners` are called with each. In a dry run there is no server to watch.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        stream: StreamSettings,
        *,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
        question_ms: QuestionTimes | None = None,
    ) -> None:
        self.newest: Sample | None = None
        self.listeners: list[Callable[[Sample], object]] = []
        self.trouble: str | None = None
        """What ended a part of the watching before its time."""
        self._stream = stream
        self._clock = clock or SteadyClock()
        self._sleep = sleep
        self._snapshot: Callable[[], Snapshot] | None = None
        self._server: ServerWatch | None = None
        self._writes = settings.writes and not stream.dry_run
        if not stream.dry_run:
            self._server = ServerWatch(
                settings, stream, clock=self._clock, sleep=sleep, question_ms=question_ms
            )
        self._read_own = of_processes(_own_processes, lambda: self._clock.now_us() / 1e6)
        self._own_use = UseMeter()
        self._writer: MetricsWriter | None = None
        self._stack = AsyncExitStack()
        self._sampling: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    @property
    def tally(self) -> Tally:
        """What became of the rows until now."""
        return Tally() if self._writer is None else self._writer.tally

    @property
    def phase(self) -> Phase:
        """Where the run is."""
        return Phase.WAITING if self._snapshot is None else self._snapshot().phase

    @property
    def silent_s(self) -> float:
        """Seconds since the newest sample, while there should be one each second."""
        if self.newest is None or self.phase is Phase.DONE:
            return 0.0
        return (self._clock.now_us() - self.newest.at_us) / 1e6

    def watch(self, snapshot: Callable[[], Snapshot]) -> None:
        """`snapshot` says how the run stands that is to be watched."""
        self._snapshot = snapshot

    async def __aenter__(self) -> Self:
        if self._writes:
            stream = self._stream
            client = Client(
                stream.url,
                stream.token,
                database=stream.database,
                connections=1,
                request_timeout_s=_POST_ANSWER_S,
            )
            await self._stack.enter_async_context(client)
            self._writer = MetricsWriter(client.post)
            self.listeners.append(self._writer.take)
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._finish()
        finally:
            tasks = [task for task in (self._sampling, self._watching, self._writing) if task is not None]
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    self.trouble = self.trouble or _words(ended)
            await self._stack.aclose()

    async def _finish(self) -> None:
        """Wait for the last sample and for its row, but not for long."""
        if self._sampling is not None and self.phase is Phase.DONE:
            await asyncio.wait({self._sampling}, timeout=_LAST_SAMPLE_S)
        if self._writer is not None and self._writing is not None:
            self._writer.end()
            await asyncio.wait({self._writing}, timeout=LAST_WRITE_S)

    async def _sample(self) -> None:
        """Take samples from the run's start until it is over."""
        while (phase := self.phase) is Phase.WAITING:
            await self._sleep(_LOOK_S)
        if phase is Phase.DONE:
            return
        if self._server is not None:
            # Not before the run has proved the token: its first use costs the server seconds.
            self._watching = asyncio.create_task(self._server.watch())
        if self._writer is not None:
            self._writing = asyncio.create_task(self._writer.run())
        next_us = (self._clock.now_us() // SECOND_US + 1) * SECOND_US
        while True:
            now_us = self._clock.now_us()
            if now_us < next_us:
                await self._sleep((next_us - now_us) / 1e6)
                continue
            # A machine that was busy lets a second go rather than have two at once.
            at_us = now_us // SECOND_US * SECOND_US
            sample = self._take(at_us)
            if sample is None or sample.run.phase is Phase.DONE:
                return
            next_us = at_us + SECOND_US

    def _take(self, at_us: int) -> Sample | None:
        if self._snapshot is None:
            return None
        server = ServerState() if self._server is None else self._server.state()
        sample = Sample(at_us, self._snapshot(), server, self._own_use.take(self._read_own()))
        self.newest = sample
        for listener in self.listeners:
            listener(sample)
        return sample


def _own_processes() -> list[psutil.Process]:
    """This process and those that share its work; not the servers that it may have started."""
    processes = [psutil.Process(os.getpid())]
    for child in multiprocessing.active_children():
        if child.pid is not None:
            with contextlib.suppress(psutil.Error):
                processes.append(psutil.Process(child.pid))
    return processes


def _words(error: Exception) -> str:
    """What went wrong, of several errors the first."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
