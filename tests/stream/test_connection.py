"""Writes over real sockets: connections are kept, shared, and never carry the rows of another request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from nascar.errors import UsageError
from nascar.stream.connection import LARGE_CHUNK_BYTES, SMALL_CHUNK_BYTES, Connections, NotReached
from nascar.stream.response import BrokenAnswer

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
CERTIFICATE = Path(__file__).with_name("localhost.pem")
HEAVY = memoryview(b"a" * (80 * SMALL_CHUNK_BYTES))

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Listener:
    """A server that reads heads and bodies as they are, and answers as it is told."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.answer: Answer = taken
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/write?x=1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                await self.answer(reader, writer, int(head.rpartition("Content-Length: ")[2]))

    async def read(self, reader: asyncio.StreamReader, length: int) -> None:
        self.bodies.append(await reader.readexactly(length))


async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    await reader.readexactly(length)
    writer.write(TAKEN)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    await listener.start()
    yield listener
    await listener.stop()


@contextlib.asynccontextmanager
async def connected(listener: Listener, most: int = 4) -> AsyncIterator[Connections]:
    connections = Connections(listener.url, {"x-arc-database": "laps"}, most)
    yield connections
    await connections.close()


async def test_a_request_is_what_http_says(listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await listener.read(reader, length)
        writer.write(TAKEN)

    listener.answer = answer
    async with connected(listener) as connections:
        assert (await connections.post(memoryview(b"rows"), 5)).status == 204
        assert (await connections.post(memoryview(b""), 5)).status == 204
    host = listener.url.removeprefix("http://").partition("/")[0]
    for head, length in zip(listener.heads, (4, 0), strict=True):
        assert head == (
            f"POST /write?x=1 HTTP/1.1\r\nHost: {host}\r\nx-arc-database: laps\r\nContent-Length: {length}\r\n\r\n"
        )
    assert listener.bodies == [b"rows", b""]


async def test_over_tls_heavy_bodies_arrive_whole_and_are_free_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Who signed this certificate of 127.0.0.1 is trusted here and nowhere else.
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    listener = Listener()
    await listener.start(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await listener.read(reader, length)
        writer.write(TAKEN)

    listener.answer = answer
    connections = Connections(listener.url.replace("http:", "https:"), {}, 1)
    for size in (10, 2 * LARGE_CHUNK_BYTES + 1, 300_000):
        body = bytearray(os.urandom(size))
        assert (await connections.post(memoryview(body), 20)).status == 204
        assert listener.bodies[-1] == body
        body.clear()
    assert listener.connections == 1
    await connections.close()
    await listener.stop()


async def test_a_connection_is_used_again(listener: Listener) -> None:
    async with connected(listener) as connections:
        for _ in range(5):
            await connections.post(memoryview(b"rows"), 5)
    assert listener.connections == 1


async def test_requests_at_a_time_have_connections_of_their_own_up_to_the_most(listener: Listener) -> None:
    under_way = most_under_way = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        nonlocal under_way, most_under_way
        under_way += 1
        most_under_way = max(most_under_way, under_way)
        await reader.readexactly(length)
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(TAKEN)

    listener.answer = answer
    async with connected(listener, most=3) as connections:
        done = await asyncio.gather(*(connections.post(memoryview(b"rows"), 5) for _ in range(9)))
    assert [response.status for response in done] == [204] * 9
    assert most_under_way == listener.connections == 3


async def test_who_finds_no_connection_in_time_was_never_reached(listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await asyncio.sleep(60)

    listener.answer = answer
    async with connected(listener, most=1) as connections:
        first = asyncio.create_task(connections.post(memoryview(b"rows"), 0.3))
        await asyncio.sleep(0)
        with pytest.raises(NotReached):
            await connections.post(memoryview(b"rows"), 0.1)
        with pytest.raises(TimeoutError):
            await first


@pytest.mark.parametrize(
    "last", [b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", TAKEN * 2]
)
async def test_a_connection_that_the_server_ends_is_not_used_again(last: bytes, listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await reader.readexactly(length)
        writer.write(last)
        if b"1.0" in last:
            writer.close()

    listener.answer = answer
    async with connected(listener) as connections:
        for _ in range(3):
            assert (await connections.post(memoryview(b"rows"), 5)).status in (200, 204)
    assert listener.connections == 3


async def test_a_connection_that_was_closed_while_idle_is_replaced(listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await taken(reader, writer, length)
        await writer.drain()
        writer.close()

    listener.answer = answer
    async with connected(listener) as connections:
        for _ in range(3):
            await connections.post(memoryview(b"rows"), 5)
            await asyncio.sleep(0.05)
    assert listener.connections == 3


async def test_a_server_that_speaks_unasked_is_not_trusted_with_the_next_request(listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await taken(reader, writer, length)
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 500 Too late\r\nContent-Length: 0\r\n\r\n")

    listener.answer = answer
    async with connected(listener) as connections:
        for _ in range(2):
            assert (await connections.post(memoryview(b"rows"), 5)).status == 204
            await asyncio.sleep(0.1)
    assert listener.connections == 2


async def test_a_refusal_before_the_end_of_the_body_is_heard_and_ends_the_connection(
    listener: Listener,
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(60)

    listener.answer = answer
    async with connected(listener) as connections:
        response = await connections.post(HEAVY, 5)
        assert response.status == 413
        listener.answer = taken
        assert (await connections.post(memoryview(b"rows"), 5)).status == 204
    assert listener.connections == 2


@pytest.mark.parametrize("breaks", ["reset", "closed", "nonsense"])
async def test_a_connection_that_breaks_in_mid_body_ends_the_request(breaks: str, listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await reader.readexactly(10)
        if breaks == "reset":
            writer.transport.abort()
        elif breaks == "closed":
            writer.close()
        else:
            writer.write(b"I do not speak HTTP\r\n\r\n")
        await asyncio.sleep(0.1)

    listener.answer = answer
    async with connected(listener) as connections:
        with pytest.raises((OSError, BrokenAnswer)):
            await connections.post(HEAVY, 5)
        listener.answer = taken
        assert (await connections.post(memoryview(b"rows"), 5)).status == 204


async def test_when_a_request_has_ended_nothing_points_into_the_body(listener: Listener) -> None:
    async with connected(listener) as connections:
        for size in (1, SMALL_CHUNK_BYTES, LARGE_CHUNK_BYTES, 3 * LARGE_CHUNK_BYTES + 1):
            body = bytearray(size)
            assert (await connections.post(memoryview(body), 5)).status == 204
            # A bytearray with a view that somebody still holds cannot change its size.
            body.clear()


async def test_a_request_that_is_given_up_ends_its_connection(listener: Listener) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        await asyncio.sleep(60)

    listener.answer = answer
    async with connected(listener) as connections:
        sending = asyncio.create_task(connections.post(memoryview(b"rows"), 5))
        await asyncio.sleep(0.05)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        listener.answer = taken
        assert (await connections.post(memoryview(b"rows"), 5)).status == 204
    assert listener.connections == 2


async def test_a_field_cannot_smuggle_in_another() -> None:
    with pytest.raises(UsageError, match="x-arc-database has a character"):
        Connections("http://127.0.0.1:1/", {"x-arc-database": "laps\r\nx-admin: 1"}, 1)
