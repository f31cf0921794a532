"""A request body that aiohttp sends straight from a buffer on loan."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.payload import Payload

CHUNK_BYTES: Final = 512 * 1024
"""Bytes in one write: few system calls, yet well under a millisecond of the event loop each."""


class BufferPayload(Payload):
    """Sends a memoryview with its Content-Length, in chunks, without a copy of the whole.

    When the body is sent, all of it is in the kernel: nothing in this process points to the buffer any more,
    so that it can be filled anew. When it cannot be sent to its end, the connection is cut: bytes left in the
    transport must not go out later, when the buffer holds other rows.
    """

    _autoclose = True

    def __init__(self, data: memoryview) -> None:
        super().__init__(data, content_type="application/msgpack")
        self._size = data.nbytes
        self._transport: asyncio.WriteTransport | None = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        data: memoryview = self._value
        size = data.nbytes if content_length is None else min(data.nbytes, content_length)
        if isinstance(writer, StreamWriter) and writer.transport is not None:
            self._transport = writer.transport
            # Without this, draining would end with up to 64 KiB still pointing into the buffer.
            self._transport.set_write_buffer_limits(high=0)
            # On their own: joined with the headers, the first chunk would be copied.
            writer.send_headers()
        for start in range(0, size, CHUNK_BYTES):
            await writer.write(data[start : min(start + CHUNK_BYTES, size)])
        await writer.drain()
        self._transport = None

    def cut(self) -> None:
        """Cut the connection if the body is not wholly sent. To be called when the request has failed."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
