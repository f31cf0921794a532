"""A server that takes every body and keeps nothing: what HTTP on this machine can do at most.

It speaks just enough of Arc's contract for a stream to run against it, and says openly what it is: it has no
row counters (404), so nobody can take its 204 for stored rows. Bodies are received into one buffer for all
connections and never looked at; memory does not depend on how much comes, nor how fast.

    python -m nascar.bench.sink [--port N] [--until-stdin-closes]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from nascar.child_server import ChildServer
from nascar.errors import NascarError
from nascar.stream.client import WRITE_PATH

HOST: Final = "127.0.0.1"
"""Loopback only: nobody else shall measure a network with it by mistake."""
BUFFER_BYTES: Final = 256 * 1024
"""One receive; larger than a socket's usual filling, small enough to stay in a core's cache."""
MOST_HEAD_BYTES: Final = 16 * 1024
MOST_BODY_BYTES: Final = 2**30
"""What Arc refuses, too."""
LINGER_S: Final = 1.0
"""So long a refused client may go on sending before its connection is cut: cut at once, it would lose the answer."""

_PHRASES: Final = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    411: "Length Required",
    413: "Content Too Large",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    505: "HTTP Version Not Supported",
}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"})


class Refused(Exception):
    """A request that cannot be understood; the connection ends with `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """What the head of a request says."""

    method: bytes
    path: bytes
    """Without the query."""
    body_bytes: int
    is_last: bool
    """Whether the connection ends with the answer."""
    awaits_continue: bool


def parse_head(head: bytes) -> Request:
    """Read a request line and its headers, without the empty line at the end. Raises `Refused`."""
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/"):
        raise Refused(400)
    method, target, version = parts
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refused(505)
    if method not in _METHODS:
        raise Refused(501)
    if not target.startswith(b"/"):
        raise Refused(400)
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon or not name or name != name.strip() or b"\n" in line or b"\r" in line:
            raise Refused(400)
        if name == b"content-length" and fields.get(name, value) != value:
            raise Refused(400)
        fields[name] = value
    if b"transfer-encoding" in fields:
        # Whoever streams a body without its length is not what is measured here.
        raise Refused(411)
    length = fields.get(b"content-length", b"0")
    if not length.isdigit():
        raise Refused(400)
    if int(length) > MOST_BODY_BYTES:
        raise Refused(413)
    expectation = fields.get(b"expect", b"").lower()
    if expectation not in (b"", b"100-continue"):
        raise Refused(417)
    connection = fields.get(b"connection", b"").lower()
    is_last = b"close" in connection or (version == b"HTTP/1.0" and b"keep-alive" not in connection)
    return Request(method, target.partition(b"?")[0], int(length), is_last, awaits_continue=bool(expectation))


def status_of(request: Request) -> int:
    """The whole of the sink's contract."""
    if request.path == b"/ready" and request.method in (b"GET", b"HEAD"):
        return 200
    if request.path == WRITE_PATH.encode() and request.method == b"POST":
        return 204 if request.body_bytes else 400
    return 404


class Sink:
    """The listening server. Use it with ``async with``; it counts what it took."""

    def __init__(self, port: int = 0) -> None:
        self.requests = 0
        """Requests answered."""
        self.body_bytes = 0
        """Bytes of bodies received, whatever the answer."""
        self.memory = bytearray(BUFFER_BYTES)
        """What every connection receives into: nothing in it outlives the call that says how much came."""
        self.view = memoryview(self.memory)
        self.connections: set[asyncio.Transport] = set()
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens; only while it is open."""
        if self._server is None:
            raise RuntimeError("the sink is not open: use it with `async with`")
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), HOST, self._port, backlog=4096)
        except OSError as error:
            raise NascarError(
                f"The null sink cannot listen on port {self._port} ({os.strerror(error.errno or 0)}). "
                "Give another --port, or 0 for a free one."
            ) from None
        return self

    async def __aexit__(self, *exc: object) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for transport in tuple(self.connections):
                transport.abort()
            await server.wait_closed()


class _Connection(asyncio.BufferedProtocol):
    """One connection: heads are read, bodies are counted away."""

    __slots__ = ("_body_left", "_head", "_is_leaving", "_request", "_sink", "_transport")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._transport: asyncio.Transport | None = None
        self._head = bytearray()
        """The beginning of a head whose end has not come yet."""
        self._request: Request | None = None
        self._body_left = 0
        self._is_leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        assert self._transport is not None
        self._sink.connections.discard(self._transport)

    def pause_writing(self) -> None:
        # A client that takes no answers gets no further requests in.
        assert self._transport is not None
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._sink.view

    def buffer_updated(self, nbytes: int) -> None:
        at = 0
        while at < nbytes and not self._is_leaving:
            if self._request is None:
                at = self._take_head(at, nbytes)
            else:
                taken = min(self._body_left, nbytes - at)
                self._body_left -= taken
                self._sink.body_bytes += taken
                at += taken
            if self._request is not None and not self._body_left:
                self._answer(self._request)

    def _take_head(self, at: int, end: int) -> int:
        """Read on in the head of a request; returns where the next byte behind it lies."""
        memory, head = self._sink.memory, self._head
        if not head:
            stop = memory.find(b"\r\n\r\n", at, min(end, at + MOST_HEAD_BYTES))
            if stop >= 0:
                self._begin(bytes(memory[at:stop]), more=stop + 4 < end)
                return stop + 4
        before = len(head)
        head += memory[at : min(end, at + MOST_HEAD_BYTES)]
        stop = head.find(b"\r\n\r\n", max(0, before - 3))
        if stop < 0:
            if len(head) >= MOST_HEAD_BYTES:
                self._refuse(431)
            return end
        whole = bytes(head[:stop])
        head.clear()
        behind = at + stop + 4 - before
        self._begin(whole, more=behind < end)
        return behind

    def _begin(self, head: bytes, *, more: bool) -> None:
        """Take up a request; with `more`, what follows its head has come already."""
        try:
            request = parse_head(head)
        except Refused as refused:
            self._refuse(refused.status)
            return
        self._request, self._body_left = request, request.body_bytes
        if request.awaits_continue and request.body_bytes and not more:
            self._write(_CONTINUE)

    def _answer(self, request: Request) -> None:
        self._request = None
        self._sink.requests += 1
        self._write(_answer(status_of(request), request.is_last))
        if request.is_last:
            self._leave()

    def _refuse(self, status: int) -> None:
        self._write(_answer(status, is_last=True))
        self._leave()

    def _leave(self) -> None:
        """End the connection, but let the answer arrive before what still comes in is cut off."""
        assert self._transport is not None
        self._is_leaving = True
        if self._transport.is_closing():
            return
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _answer(status: int, is_last: bool) -> bytes:
    """A whole answer; none of them has a body, so it is the one to a HEAD, too."""
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}"]
    if status != 204:
        lines.append("Content-Length: 0")
    if is_last:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class SinkProcess:
    """``python -m nascar.bench.sink`` as a child on a free port, so that it has a core of its own.

    Use it with ``async with``.
    """

    def __init__(self) -> None:
        self.url = ""
        self._child = ChildServer("nascar.bench.sink")

    @property
    def pid(self) -> int:
        """Process id of the sink; only while it runs."""
        return self._child.pid

    async def __aenter__(self) -> Self:
        url = await self._child.start()
        if url is None:
            raise NascarError("The null sink did not start. `python -m nascar.bench.sink` says why.")
        self.url = url
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._child.stop()


async def serve(port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` hears the address."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Sink(port) as sink:
        announce(sink.url)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sink; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m nascar.bench.sink",
        description="A server on loopback that acknowledges every write and keeps nothing.",
        epilog="Example: python -m nascar.bench.sink --port 8086, then nascar stream --url http://127.0.0.1:8086",
    )
    parser.add_argument(
        "--port", type=int, choices=range(65536), default=0, metavar="N", help="0: a free one"
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop with whatever started it, too"
    )
    args = parser.parse_args(arguments)
    if args.until_stdin_closes:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    try:
        asyncio.run(serve(args.port, lambda url: print(f"null sink ready at {url}", flush=True)))
    except NascarError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _stop_with_stdin() -> None:
    # Not through sys.stdin: a thread that waits in there holds its lock, and the process could not end cleanly.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
