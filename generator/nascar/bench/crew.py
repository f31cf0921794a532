"""Processes that measure: one alone, or one for every core at the same time.

They are started once and keep what is dear to make (the compiled loops, the recorded race), so that a
measurement is little more than its own time.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
import threading
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, Final, Self

from nascar.bench import published
from nascar.bench.runs import MARGIN, first_offer, measure_dry_run, measure_http
from nascar.bench.stages import RecordedRows, Rows, Stage, Taken, measure_race
from nascar.errors import NascarError
from nascar.stream.compression import Compression
from nascar.stream.shard import WHOLE, Shard

_LEAVE_S: Final = 5.0
_MEET_S: Final = 30.0
"""So long the first waits for the last."""
_ENOUGH: Final = 0.9
"""What sends more than this part of what it was asked for may be able to send more."""
_TOO_MUCH: Final = 3.0
"""What is asked for this many times what it can send spends time on counting out the rest."""
_LEAST_OFFER: Final = 0.01
"""Part of the first offer that is asked for always: in a bad moment a process may send next to nothing, and asked
for no more than that it would wait most of the next measurement for a batch to come due."""
MOST_TRIES: Final = 3
"""Measurements in search of what to ask for; on a machine that others use, it may change each time."""

SQUEEZED: Final = {
    Stage.DRY_RUN: Compression.NONE,
    Stage.DRY_RUN_GZIP: Compression.GZIP,
    Stage.DRY_RUN_ZSTD: Compression.ZSTD,
}


@dataclass(frozen=True, slots=True)
class Order:
    """What one process is to measure, and for how long."""

    stage: Stage
    seconds: float
    url: str = ""
    """Of its null sink; for the stages that send."""
    shard: Shard = WHOLE
    is_together: bool = False
    """Whether it begins at one instant with those of all other processes; for HTTP into the sink."""


class NotTogether(NascarError):
    """The processes did not come together for a common beginning."""

    def __init__(self) -> None:
        super().__init__(
            "The processes that measure did not begin together: one failed, or the machine is too busy. Try again."
        )


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where all processes of a crew wait for each other."""

    barrier: Barrier

    async def __call__(self) -> None:
        """Wait until all are here. Raises `NotTogether` if one does not come."""
        try:
            await asyncio.to_thread(self.barrier.wait, _MEET_S)
        except threading.BrokenBarrierError:
            raise NotTogether from None
        except asyncio.CancelledError:
            # Or the thread, and with it all others, would wait for nobody.
            self.barrier.abort()
            raise


@dataclass(slots=True)
class Measurer:
    """Carries out orders, one after the other, in this process."""

    rows: Rows
    lap_length_m: float
    _recorded: RecordedRows | None = field(default=None, repr=False)
    _pool: tuple[bytes, ...] = field(default=(), repr=False)
    _offer: float | None = None
    meeting: Meeting | None = None
    """Of the crew that this one is in."""

    def prepare(self) -> None:
        """Do what every measurement needs and none of them counts: compile or load the loops, run a race."""
        self.rows.prepare()
        recorded = self._recorded = RecordedRows.of(self.rows, self.lap_length_m)
        render = recorded.rendering_and_encoding()
        for index in recorded.full_batches[: recorded.tables]:
            render(index)

    def measure(self, order: Order) -> Taken:
        """Measure one stage."""
        stage, seconds = order.stage, order.seconds
        if stage is Stage.RACE:
            return measure_race(self.rows, seconds)
        if stage in SQUEEZED:
            return asyncio.run(measure_dry_run(self.rows, seconds, SQUEEZED[stage], order.shard))
        if stage is Stage.HTTP_SINK:
            return self._measure_http(order)
        if stage is Stage.PUBLISHED_WAY:
            return published.measure_making(seconds)
        if stage is Stage.PUBLISHED_REPLAY:
            self._pool = self._pool or published.make_pool()
            replay = published.measure_replay(self._pool, published.BATCH_ROWS, seconds, order.url)
            return asyncio.run(replay)
        return self._measure_recorded(stage, seconds)

    def _measure_recorded(self, stage: Stage, seconds: float) -> Taken:
        if self._recorded is None:
            self.prepare()
        recorded = self._recorded
        assert recorded is not None
        begin = {
            Stage.RENDER: recorded.rendering,
            Stage.ENCODE: recorded.encoding,
            Stage.RENDER_ENCODE: recorded.rendering_and_encoding,
        }[stage]
        return recorded.measure(begin, seconds)

    def _measure_http(self, order: Order) -> Taken:
        # Of those that begin together none can repeat alone: whoever gave the orders gives them again.
        for _ in range(1 if order.is_together else MOST_TRIES):
            taken = self._try_http(order)
            if taken.is_settled:
                break
        return taken

    def _try_http(self, order: Order) -> Taken:
        offer = self._offer or first_offer(self.rows)
        meet = self.meeting if order.is_together else None
        sending = measure_http(self.rows, order.seconds, order.url, order.shard, offer=offer, meet=meet)
        taken = asyncio.run(sending)
        is_limit = taken.per_s < _ENOUGH * offer
        least = _LEAST_OFFER * first_offer(self.rows)
        self._offer = max(least, MARGIN * taken.per_s) if is_limit else 2 * offer
        return replace(taken, is_settled=is_limit and offer < _TOO_MUCH * taken.per_s)


def work(connection: Connection, measurer: Measurer, barrier: Barrier) -> None:
    """The main function of a process: carries out orders until there are no more."""
    # Ctrl-C reaches all processes of a terminal; the one that started us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    measurer.meeting = Meeting(barrier)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        measurer.prepare()
        connection.send(None)
        while True:
            order: Order = connection.recv()
            try:
                connection.send(measurer.measure(order))
            except NascarError as error:
                if order.is_together:
                    barrier.abort()
                connection.send(error)


class Crew:
    """`size` processes that measure. Use it with ``async with``."""

    def __init__(self, measurer: Measurer, size: int) -> None:
        self.size = size
        context = multiprocessing.get_context("spawn")
        self._members: list[tuple[Any, Connection]] = []
        self._barrier = context.Barrier(size)
        for _ in range(size):
            ours, theirs = context.Pipe()
            # A daemon does not outlive us, however we end.
            process = context.Process(target=work, args=(theirs, measurer, self._barrier), daemon=True)
            process.start()
            theirs.close()
            self._members.append((process, ours))

    async def __aenter__(self) -> Self:
        try:
            await asyncio.gather(*(self._hear(number) for number in range(self.size)))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        for process, _ in self._members:
            # One that still measures must not keep us waiting.
            process.terminate()
        for process, connection in self._members:
            await asyncio.to_thread(process.join, _LEAVE_S)
            if process.is_alive():
                process.kill()
                await asyncio.to_thread(process.join)
            connection.close()

    async def take(self, *orders: Order) -> tuple[Taken, ...]:
        """Have the first processes carry out one order each, all at the same time. Raises what went wrong.

        Orders that begin together must be one for each process.
        """
        for (_, connection), order in zip(self._members, orders, strict=False):
            # One that died says so when it is heard.
            with contextlib.suppress(OSError):
                connection.send(order)
        answers = await asyncio.gather(*(self._hear(number) for number in range(len(orders))))
        # That others were left waiting is not what went wrong.
        wrong = sorted(
            (a for a in answers if isinstance(a, NascarError)), key=lambda a: isinstance(a, NotTogether)
        )
        if wrong:
            self._barrier.reset()
            raise wrong[0]
        return tuple(answers)

    async def take_together(self, *orders: Order) -> tuple[Taken, ...]:
        """Have all processes begin at one instant, and again until each was asked for the right amount.

        What the last time shows counts, for all of them.
        """
        together = [replace(order, is_together=True) for order in orders]
        for _ in range(MOST_TRIES):
            taken = await self.take(*together)
            if all(one.is_settled for one in taken):
                break
        return taken

    async def _hear(self, number: int) -> Any:
        process, connection = self._members[number]
        try:
            return await asyncio.to_thread(connection.recv)
        except (EOFError, OSError):
            await asyncio.to_thread(process.join, _LEAVE_S)
            raise NascarError(
                f"A process that measured died (exit status {process.exitcode}). "
                "Was it killed, or is the memory used up? Look at what it said above."
            ) from None
