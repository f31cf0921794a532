"""What is asked of the server while a run lasts: how many rows it has stored, how new the newest is that a query
sees, and the eight questions. Each is asked on its own, so that one that gets no answer holds up none of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Final

from nascar.asking import QuestionRounds
from nascar.errors import NascarError, ServerError, TokenRefused
from nascar.freshness import newest_row_us
from nascar.monitor.disk import DiskWatch
from nascar.monitor.sample import ServerState
from nascar.monitor.server_usage import ProcFolder, ReadUsage, of_process
from nascar.monitor.settings import MonitorSettings
from nascar.monitor.stored_rows import StoredRows
from nascar.monitor.use import UNKNOWN, UseMeter
from nascar.stream.client import Client, QueryError
from nascar.stream.clock import Clock
from nascar.stream.settings import StreamSettings
from nascar.telemetry.schema import ENGINE

COUNTERS_EVERY_S: Final = 1.0
NEWEST_EVERY_S: Final = 2.0
NEWEST_WITHIN_S: Final = 30.0
"""Older rows are not looked for: what is asked so often must cost next to nothing."""
FRESH_S: Final = 3.0
"""What the server said of its counters is its state for so long."""
NEWEST_SHARE: Final = 0.05
"""A look at the newest row takes the server at most this share of the time: Arc opens every file of the hour for it …"""
NEWEST_AT_LEAST_S: Final = 5.0
"""… but however long it takes, it is looked again after this pause."""
FRESH_AGE_S: Final = 12.0
"""What the server said of its newest row: a pause, and an answer that takes its time."""
QUESTIONS_SHARE: Final = 0.2
"""The eight questions take a server at most this share of the time, whatever pause was asked for."""
_ANSWER_S: Final = 2.0
_NEWEST_ANSWER_S: Final = 5.0
_QUESTION_ANSWER_S: Final = 60.0

Sleep = Callable[[float], Awaitable[None]]
QuestionTimes = Callable[[], Mapping[int, float]]
"""Gives the newest time of an answer in ms, by the question's number."""


class ServerWatch:
    """Watches one server. `watch` does it until cancelled, `state` says at any moment what is known.

    `question_ms` tells the times of questions that somebody else asks; then none are asked here.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        stream: StreamSettings,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        question_ms: QuestionTimes | None = None,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._clock = clock
        self._sleep = sleep
        self._question_ms: QuestionTimes = question_ms or dict
        self._asks = bool(settings.questions) and question_ms is None
        self._stored = StoredRows()
        self._stored_at_us: int | None = None
        self._newest_us: int | None = None
        self._age: tuple[int, float] | None = None
        """When the age of the newest row was told, and how many seconds it was."""
        self._visible = asyncio.Event()
        self._use = UseMeter()
        self._read_usage = self._usage_reader()
        self._disk = None if settings.server_data is None else DiskWatch(settings.server_data)

    def state(self) -> ServerState:
        """What is known now."""
        now_us = self._clock.now_us()
        tells = self._stored_at_us is not None and now_us - self._stored_at_us <= FRESH_S * 1e6
        age = self._age if self._age is not None and now_us - self._age[0] <= FRESH_AGE_S * 1e6 else None
        return ServerState(
            stored_rows=self._stored.rows if tells else None,
            stored_rate=self._stored.rate if tells else None,
            tells_backlog=tells,
            newest_row_age_s=None if age is None else age[1],
            question_ms=self._question_ms(),
            use=UNKNOWN if self._read_usage is None else self._use.take(self._read_usage()),
            disk=None if self._disk is None else self._disk.now,
        )

    async def watch(self) -> None:
        """Watch until cancelled."""
        stream = self._stream
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            looking = Client(stream.url, stream.token, database=stream.database, request_timeout_s=_ANSWER_S)
            await stack.enter_async_context(looking)
            tasks.create_task(self._watch_counters(looking))
            tasks.create_task(self._watch_newest(looking))
            if self._asks:
                asking = Client(
                    stream.url, stream.token, database=stream.database, request_timeout_s=_QUESTION_ANSWER_S
                )
                await stack.enter_async_context(asking)
                tasks.create_task(self._ask(asking))
            if self._disk is not None:
                tasks.create_task(self._disk.watch())

    async def _watch_counters(self, client: Client) -> None:
        while True:
            try:
                stored = await client.stats()
            except (QueryError, TokenRefused):
                # It does not show them, and will not next time.
                return
            except NascarError:
                pass
            else:
                self._stored_at_us = self._clock.now_us()
                self._stored.take(self._stored_at_us, stored)
            await self._sleep(COUNTERS_EVERY_S)

    async def _watch_newest(self, client: Client) -> None:
        while True:
            asked_us = self._clock.now_us()
            try:
                since_us = self._clock.now_us() - round(NEWEST_WITHIN_S * 1e6)
                newest_us = await newest_row_us(client, ENGINE.name, since_us, timeout_s=_NEWEST_ANSWER_S)
            except TokenRefused:
                return
            except ServerError:
                pass
            else:
                self._take_newest(newest_us)
            took_s = (self._clock.now_us() - asked_us) / 1e6
            await self._sleep(max(NEWEST_EVERY_S, min(took_s / NEWEST_SHARE, NEWEST_AT_LEAST_S)))

    def _take_newest(self, newest_us: int | None) -> None:
        if newest_us is not None:
            self._newest_us = newest_us
            self._visible.set()
        if self._newest_us is not None:
            # A server that shows nothing new for longer than is looked back grows older all the same.
            now_us = self._clock.now_us()
            self._age = (now_us, (now_us - self._newest_us) / 1e6)

    async def _ask(self, client: Client) -> None:
        rounds = QuestionRounds(self._settings.questions, client, client.database)
        self._question_ms = rounds.times_ms
        # Asked of an empty database, a question costs nothing and tells nothing.
        await self._visible.wait()
        try:
            await rounds.keep_asking(self._settings.ask_every_s, most_share=QUESTIONS_SHARE)
        except TokenRefused:
            return

    def _usage_reader(self) -> ReadUsage | None:
        settings = self._settings
        if settings.server_pid is not None:
            return of_process(settings.server_pid, self._now_s)
        if settings.server_proc is not None:
            return ProcFolder(settings.server_proc, self._now_s).read
        return None

    def _now_s(self) -> float:
        return self._clock.now_us() / 1e6
