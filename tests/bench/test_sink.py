"""The null sink: HTTP as clients speak it, in whole and in pieces, and nothing kept of it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from nascar.bench.sink import MOST_HEAD_BYTES, Sink, SinkProcess
from nascar.errors import NascarError
from nascar.stream.client import STATS_PATH, WRITE_PATH, Client, QueryError

ACK = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as open_sink:
        yield open_sink


class Peer:
    """A client that writes bytes as they are, and reads answers one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, sink: Sink) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", int(sink.url.rpartition(":")[2])))

    async def answer(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)

    async def status(self) -> int:
        return int((await self.answer()).split(b" ")[1])

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 10) == b""

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@pytest.fixture
async def peer(sink: Sink) -> AsyncIterator[Peer]:
    made = await Peer.of(sink)
    yield made
    await made.close()


def write(body: bytes, *fields: str) -> bytes:
    lines = [f"POST {WRITE_PATH} HTTP/1.1", "Host: sink", f"Content-Length: {len(body)}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def test_a_connection_takes_one_write_after_the_other(sink: Sink, peer: Peer) -> None:
    for size in (1, 100, 3_000_000):
        peer.writer.write(write(bytes(size)))
        assert await peer.answer() == ACK
    assert (sink.requests, sink.body_bytes) == (3, 3_000_101)


async def test_pipelined_requests_are_answered_in_order(sink: Sink, peer: Peer) -> None:
    peer.writer.write(write(b"x" * 70_000) + b"GET /ready HTTP/1.1\r\n\r\n" + write(b"y") + write(b""))
    assert [await peer.status() for _ in range(4)] == [204, 200, 204, 400]
    assert sink.body_bytes == 70_001


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 40])
async def test_the_cut_of_what_arrives_does_not_matter(sink: Sink, peer: Peer, piece: int) -> None:
    stream = write(b"\r\n\r\nPOST / HTTP/1.1") + write(b"z", "X-Long: " + "h" * 50) + write(b"\r\n")
    for start in range(0, len(stream), piece):
        peer.writer.write(stream[start : start + piece])
        await peer.writer.drain()
        await asyncio.sleep(0)
    assert [await peer.status() for _ in range(3)] == [204, 204, 204]
    assert sink.body_bytes == 22


async def test_who_asks_first_is_told_to_go_on(peer: Peer) -> None:
    head, _, body = write(b"rows", "Expect: 100-continue").partition(b"\r\n\r\n")
    peer.writer.write(head + b"\r\n\r\n")
    assert await peer.status() == 100
    peer.writer.write(body)
    assert await peer.answer() == ACK


async def test_who_asks_and_does_not_wait_gets_one_answer(peer: Peer) -> None:
    peer.writer.write(write(b"rows", "Expect: 100-continue"))
    assert await peer.answer() == ACK
    peer.writer.write(write(b"rows"))
    assert await peer.answer() == ACK


async def test_head_is_answered_as_get_is_and_without_a_body(peer: Peer) -> None:
    for method in ("HEAD", "GET"):
        peer.writer.write(f"{method} /ready HTTP/1.1\r\n\r\n".encode())
        assert await peer.answer() == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def test_an_empty_write_is_refused_and_the_connection_goes_on(peer: Peer) -> None:
    peer.writer.write(f"POST {WRITE_PATH} HTTP/1.1\r\n\r\n".encode() + write(b"") + write(b"rows"))
    assert [await peer.status() for _ in range(3)] == [400, 400, 204]


@pytest.mark.parametrize("path", [STATS_PATH, "/", "/api/v1/query", WRITE_PATH + "/"])
async def test_it_has_nothing_else_and_no_row_counters(peer: Peer, path: str) -> None:
    peer.writer.write(f"POST {path} HTTP/1.1\r\nContent-Length: 3\r\n\r\nsql".encode())
    peer.writer.write(f"GET {path}?a=b HTTP/1.1\r\n\r\n".encode())
    assert [await peer.status() for _ in range(2)] == [404, 404]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("nonsense", 400),
        ("POST  / HTTP/1.1", 400),
        ("GET ready HTTP/1.1", 400),
        ("POST / HTTP/1.1\r\nContent-Length: -1", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1_0", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400),
        ("POST / HTTP/1.1\r\nno colon", 400),
        ("POST / HTTP/1.1\r\nName : value", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\nX: y", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", 411),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999", 413),
        ("POST / HTTP/1.1\r\nExpect: a miracle", 417),
        ("BREW / HTTP/1.1", 501),
        ("GET / HTTP/2.0", 505),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_ends(
    sink: Sink, peer: Peer, head: str, status: int
) -> None:
    # The client goes on sending, and still reads the answer.
    peer.writer.write(head.encode() + b"\r\n\r\n" + bytes(100_000))
    answer = await peer.answer()
    assert int(answer.split(b" ")[1]) == status
    assert b"Connection: close" in answer
    assert await peer.is_closed()
    assert sink.requests == 0


async def test_a_head_without_end_is_refused(peer: Peer) -> None:
    peer.writer.write(b"GET / HTTP/1.1\r\nX: " + b"h" * MOST_HEAD_BYTES)
    assert await peer.status() == 431
    assert await peer.is_closed()


@pytest.mark.parametrize(
    ("head", "stays"),
    [
        ("GET /ready HTTP/1.1\r\nConnection: close", False),
        ("GET /ready HTTP/1.0", False),
        ("GET /ready HTTP/1.0\r\nConnection: Keep-Alive", True),
        ("GET /ready HTTP/1.1", True),
    ],
)
async def test_the_client_says_whether_the_connection_stays(peer: Peer, head: str, stays: bool) -> None:
    peer.writer.write(head.encode() + b"\r\n\r\n")
    assert await peer.status() == 200
    peer.writer.write(b"GET /ready HTTP/1.1\r\n\r\n")
    if stays:
        assert await peer.status() == 200
    else:
        assert await peer.is_closed()


async def test_clients_that_go_in_the_middle_leave_nothing_behind(sink: Sink) -> None:
    for part in (b"", b"POS", write(b"rows")[:-2]):
        peer = await Peer.of(sink)
        peer.writer.write(part)
        await peer.writer.drain()
        await peer.close()
    whole = await Peer.of(sink)
    whole.writer.write(write(b"rows"))
    assert await whole.answer() == ACK
    await whole.close()
    for _ in range(1000):
        if not sink.connections:
            break
        await asyncio.sleep(0.01)
    assert not sink.connections
    assert sink.requests == 1


async def test_who_takes_no_answers_gets_no_more_requests_in(sink: Sink) -> None:
    peer = await Peer.of(sink)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    asked = b"GET /ready HTTP/1.1\r\n\r\n" * 20_000
    sent = 0
    with pytest.raises(TimeoutError):
        while True:
            peer.writer.write(asked)
            sent += 20_000
            await asyncio.wait_for(peer.writer.drain(), 1)
    taken = sink.requests
    await asyncio.sleep(0.2)
    assert sink.requests == taken < sent
    peer.writer.transport.abort()


async def test_the_streams_client_takes_it_for_a_server_that_shows_no_counters(sink: Sink) -> None:
    async with Client(sink.url, database="laps") as client:
        await client.wait_ready(5)
        await client.check_access()
        assert (await client.post(memoryview(bytes(2_000_000)))).acknowledged
        assert not await client.flush()
        with pytest.raises(QueryError):
            await client.stats()


async def test_thousands_of_writes_over_many_connections_take_no_memory() -> None:
    async with SinkProcess() as process, Client(process.url, connections=50) as client:
        body = memoryview(bytes(200_000))

        async def post_some(count: int) -> int:
            return sum([(await client.post(body)).acknowledged for _ in range(count)])

        async def post_all(each: int) -> int:
            return sum(await asyncio.gather(*(post_some(each) for _ in range(50))))

        assert await post_all(4) == 200
        before = psutil.Process(process.pid).memory_info().rss
        assert await post_all(60) == 3_000
        grown = psutil.Process(process.pid).memory_info().rss - before
    # 600 MB went through.
    assert grown < 4e6


async def test_the_process_ends_with_the_block_around_it() -> None:
    async with SinkProcess() as process:
        pid = process.pid
        assert psutil.pid_exists(pid)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", process.url)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, None])
def test_the_command_serves_until_it_is_told_to_stop(number: signal.Signals | None) -> None:
    command = [sys.executable, "-m", "nascar.bench.sink", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().startswith("null sink ready at http://127.0.0.1:")
        if number is None:
            process.stdin.close()
        else:
            os.kill(process.pid, number)
        assert process.wait(10) == 0


async def test_a_port_in_use_is_said(sink: Sink, tmp_path: Path) -> None:
    port = int(sink.url.rpartition(":")[2])
    with pytest.raises(NascarError, match=rf"port {port} .*Give another --port"):
        async with Sink(port):
            raise AssertionError("two servers on one port")
