"""Request bodies as they come in: each one bounded, and all of them together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import StreamReader

from embedded_arc.errors import Refusal

UNKNOWN_LENGTH_BYTES: Final = 64_000_000
"""A body sent in chunks, without a length in its head, may be this long: what is set aside for it at once."""

PATIENCE_S: Final = 60.0
"""A sender that pauses longer than this in the middle of a body is given up."""


class BodyBudget:
    """Memory for bodies: who asks for more than is left waits for its turn, in order."""

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes
        self._limit = limit_bytes
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def taken_bytes(self) -> int:
        return self._limit - self._left

    @asynccontextmanager
    async def take(self, size_bytes: int) -> AsyncIterator[None]:
        """Hold `size_bytes` of the budget; waits while they are not there."""
        size = min(size_bytes, self._limit)
        if self._queue or size > self._left:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (size, turn)
            self._queue.append(entry)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give_back(size)
                else:
                    self._queue.remove(entry)
                    self._serve()
                raise
        else:
            self._left -= size
        try:
            yield
        finally:
            self._give_back(size)

    def _give_back(self, size: int) -> None:
        self._left += size
        self._serve()

    def _serve(self) -> None:
        while self._queue and self._queue[0][0] <= self._left:
            size, turn = self._queue.popleft()
            if not turn.done():
                self._left -= size
                turn.set_result(None)


def check_length(length: int | None, limit_bytes: int) -> int:
    """What to set aside for a body with this declared length, or a refusal."""
    if length is None:
        return min(UNKNOWN_LENGTH_BYTES, limit_bytes)
    if length > limit_bytes:
        raise Refusal(413, "Request Entity Too Large")
    return length


class BodyBuffers:
    """Buffers for bodies, used again: a megabyte that the system has to find and clear costs more than its rows."""

    def __init__(self, most: int = 8, largest_bytes: int = 4_000_000) -> None:
        self._free: list[bytearray] = []
        self._most = most
        self._largest_bytes = largest_bytes

    def take(self) -> bytearray:
        """A buffer of any length, with anything in it."""
        return self._free.pop() if self._free else bytearray()

    def give_back(self, body: bytearray) -> None:
        """Nobody looks into `body` any more."""
        if len(self._free) < self._most and len(body) <= self._largest_bytes:
            self._free.append(body)


async def read_body(
    content: StreamReader, length: int | None, limit_bytes: int, into: bytearray | None = None
) -> bytearray:
    """The whole body, in `into` if that is given."""
    most = check_length(length, limit_bytes)
    body = bytearray() if into is None else into
    at = 0
    while True:
        try:
            async with asyncio.timeout(PATIENCE_S):
                chunk = await content.readany()
        except TimeoutError:
            raise Refusal(408, "Request Timeout") from None
        if not chunk:
            break
        end = at + len(chunk)
        if end > most:
            raise Refusal(413, "Request Entity Too Large")
        # Beyond the end, this makes the body longer.
        body[at:end] = chunk
        at = end
    del body[at:]
    return body
