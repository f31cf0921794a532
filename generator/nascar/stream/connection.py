"""Kept-alive HTTP/1.1 connections for writes: the shortest way from a buffer into the kernel.

A general HTTP client makes a dozen objects and timers for a request, which cost as much as the copy of a whole
body into the kernel. A stream's requests differ in their body alone, so a connection here writes one head
and the buffer itself, and reads the answer. All other requests go through aiohttp.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from yarl import URL

from nascar.errors import UsageError
from nascar.stream.response import BrokenAnswer, Response, ResponseReader

SMALL_CHUNK_BYTES: Final = 256 * 1024
"""Bytes in one write on a connection whose kernel did not take the last: what it leaves may be copied."""
LARGE_CHUNK_BYTES: Final = 4 * 2**20
"""Most bytes in one write: few system calls and few times that the reader is woken, for about a millisecond of the
event loop. Whole bodies of usual batches go in one."""
SECOND_ADDRESS_S: Final = 0.25
"""So long the first address of a name may take before the next is tried beside it (RFC 8305)."""


class NotReached(Exception):
    """No connection to the server could be made. Its cause is the system's error, or a time-out."""


class Connection(asyncio.Protocol):
    """One connection, for one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._chunk_bytes = SMALL_CHUNK_BYTES
        self._reader = ResponseReader()
        self._answer: asyncio.Future[Response] | None = None
        """Of the request under way."""
        self._drained: asyncio.Future[None] | None = None
        """Pending while the kernel has not taken all that was written."""

    @property
    def is_open(self) -> bool:
        """Whether another request may be made."""
        return self._transport is not None and not self._transport.is_closing()

    def cut(self) -> None:
        """Close at once. What is not in the kernel yet is not sent any more."""
        if self._transport is not None:
            self._transport.abort()

    async def post(self, head: bytes, body: memoryview) -> Response:
        """Make one request. Raises `OSError` or `BrokenAnswer`.

        However this ends, by cancellation too, no byte of `body` is sent afterwards: either all of it is in
        the kernel, or the connection is cut.
        """
        transport = self._transport
        if transport is None or self._answer is not None:
            raise RuntimeError("the connection is closed, or has a request under way")
        self._reader = ResponseReader()
        self._answer = answer = self._loop.create_future()
        is_reusable = False
        try:
            # On its own: joined with the head, the first chunk would be copied.
            transport.write(head)
            sent = 0
            while sent < body.nbytes:
                if sent:
                    # Other sockets are served between any two chunks.
                    await asyncio.sleep(0)
                if answer.done():
                    # A server that refuses may answer before it has everything; then the rest is not sent.
                    break
                chunk = body[sent : sent + self._chunk_bytes]
                transport.write(chunk)
                sent += chunk.nbytes
                if self._drained is None:
                    self._chunk_bytes = min(2 * self._chunk_bytes, LARGE_CHUNK_BYTES)
                else:
                    self._chunk_bytes = SMALL_CHUNK_BYTES
                    await self._drained
            is_sent = sent == body.nbytes and self._drained is None
            response: Response = await answer
            is_reusable = is_sent and response.keeps_alive
            return response
        except BaseException:
            is_reusable = False
            raise
        finally:
            self._answer = None
            if answer.done() and not answer.cancelled():
                # Seen, also where a cancellation came before it.
                answer.exception()
            if not is_reusable:
                transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # Whatever is not taken at once counts as not drained, for it may point into the body. TLS counts from the
        # limit on, a plain transport from above it.
        is_tls = transport.get_extra_info("ssl_object") is not None
        transport.set_write_buffer_limits(high=int(is_tls), low=0)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            # Nothing was asked: what follows on this connection could not be told apart.
            self.cut()
            return
        try:
            response = self._reader.feed(data)
        except BrokenAnswer as error:
            self._end(error)
        else:
            if response is not None:
                self._answer.set_result(response)
                self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        response = self._reader.end() if error is None else None
        if response is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(response)
        self._end(error or ConnectionResetError("Server disconnected"))

    def _end(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self._wake()

    def _wake(self) -> None:
        """Whoever waits for the kernel need not: there is an answer, or there will be none."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


class Connections:
    """At most `most` connections to one place for one kind of POST request."""

    def __init__(self, url: str, fields: dict[str, str], most: int) -> None:
        """`fields` are the header fields of every request, but for those of the body's length and the host."""
        where = URL(url)
        self.host = where.host or ""
        self._port = where.port or 0
        self._ssl = ssl.create_default_context() if where.scheme == "https" else None
        lines = [f"POST {where.raw_path_qs} HTTP/1.1", f"Host: {where.host_port_subcomponent}"]
        for name, value in fields.items():
            if not value.isprintable():
                raise UsageError(f"{name} has a character that HTTP cannot send. Give it without.")
            lines.append(f"{name}: {value}")
        self._head = "\r\n".join((*lines, "Content-Length: ")).encode()
        # The one that was used last is the one whose server and caches are warm.
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(most)

    async def post(self, body: memoryview, within_s: float) -> Response:
        """Make one request. Raises `NotReached`, or if the server may have it `OSError` (`TimeoutError` after
        `within_s`) or `BrokenAnswer`.

        When this has ended, by cancellation too, no byte of `body` is sent any more.
        """
        connection = None
        try:
            async with asyncio.timeout(within_s), self._free:
                connection = self._take_idle() or await self._connect()
                response = await connection.post(self._head + b"%d\r\n\r\n" % body.nbytes, body)
                if connection.is_open:
                    self._idle.append(connection)
                return response
        except TimeoutError as error:
            if connection is None:
                raise NotReached from error
            raise

    async def close(self) -> None:
        """Close what is idle; requests under way go on."""
        while self._idle:
            self._idle.pop().cut()
        # The sockets are closed in the loop's next turn.
        await asyncio.sleep(0)

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self) -> Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                Connection, self.host, self._port, ssl=self._ssl, happy_eyeballs_delay=SECOND_ADDRESS_S
            )
        except OSError as error:
            raise NotReached from error
        return connection
