"""Reads the answers of an HTTP/1.1 server to POST requests out of the bytes that come. No I/O.

Only what a writer of rows needs: the status, the text of a refusal, how long to wait, and whether the
connection may be used again (RFC 9112).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_HEAD_BYTES: Final = 64 * 1024
MOST_TEXT_BYTES: Final = 64 * 1024
"""Of an answer's text no more is kept; the connection of a longer one is not used again."""

_HEAD_END: Final = b"\r\n\r\n"
_MOST_DIGITS: Final = 18
"""Of a length: no answer has an exabyte."""
_NO_TEXT: Final = (204, 304)


class BrokenAnswer(Exception):
    """What came is no answer of an HTTP/1.1 server."""


@dataclass(frozen=True, slots=True)
class Response:
    """The end of one request."""

    status: int
    reason: str
    fields: Mapping[str, str]
    """Header fields, their names in lower case; of a name that comes twice the last."""
    text: bytes
    keeps_alive: bool
    """Whether the server takes another request on this connection."""


class ResponseReader:
    """Reads one answer; a new reader is needed for the next."""

    __slots__ = ("_came", "_chunked", "_fields", "_keeps_alive", "_reason", "_status", "_text")

    def __init__(self) -> None:
        self._came = b""
        """Bytes that are not understood yet."""
        self._status = 0
        """0 until the head is there."""
        self._reason = ""
        self._fields: dict[str, str] = {}
        self._keeps_alive = False
        self._chunked = False
        self._text = b""

    def feed(self, data: bytes) -> Response | None:
        """What the server said next; the answer, once it is complete. Raises `BrokenAnswer`."""
        self._came = self._came + data if self._came else data
        while not self._status:
            head, end, rest = self._came.partition(_HEAD_END)
            if not end:
                if len(self._came) > MOST_HEAD_BYTES:
                    raise BrokenAnswer("its head has no end")
                return None
            self._read_head(head)
            self._came = rest
            if self._status < 200:
                # On its way to an answer: the server only says that it listens.
                self._status = 0
        if self._status in _NO_TEXT:
            return self._answer()
        if self._chunked:
            return self._answer() if self._read_chunks() else None
        length = self._fields.get("content-length")
        if length is None:
            # It ends with the connection.
            self._keeps_alive = False
            self._take(len(self._came))
        else:
            if not (length.isascii() and length.isdigit() and len(length) <= _MOST_DIGITS):
                raise BrokenAnswer(f"its length is {length!r}")
            self._take(min(len(self._came), int(length) - len(self._text)))
            if len(self._text) == int(length):
                return self._answer()
        return self._cut_short() if len(self._text) >= MOST_TEXT_BYTES else None

    def end(self) -> Response | None:
        """The server has closed the connection: the answer, if that was how it ended."""
        ends_so = self._status and not self._chunked and "content-length" not in self._fields
        return self._answer() if ends_so else None

    def _answer(self) -> Response:
        # What comes unasked behind an answer would be taken for the next.
        keeps_alive = self._keeps_alive and not self._came
        return Response(self._status, self._reason, self._fields, self._text, keeps_alive)

    def _cut_short(self) -> Response:
        return Response(self._status, self._reason, self._fields, self._text[:MOST_TEXT_BYTES], False)

    def _take(self, count: int) -> None:
        """Take the next bytes for text."""
        self._text += self._came[:count]
        self._came = self._came[count:]

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        code, _, self._reason = rest.partition(" ")
        if (
            version not in ("HTTP/1.1", "HTTP/1.0")
            or len(code) != 3
            or not (code.isascii() and code.isdigit())
        ):
            raise BrokenAnswer("it is not HTTP/1.1")
        self._status = int(code)
        if self._status == 101 or self._status < 100:
            raise BrokenAnswer(f"it says {code}")
        self._fields = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise BrokenAnswer("a header has no value")
            self._fields[name.strip().lower()] = value.strip()
        connection = self._fields.get("connection", "").lower()
        if version == "HTTP/1.0":
            self._keeps_alive = "keep-alive" in connection
        else:
            self._keeps_alive = "close" not in connection
        self._chunked = self._fields.get("transfer-encoding", "").lower().endswith("chunked")

    def _read_chunks(self) -> bool:
        """Take the chunks that are there; whether the last was among them."""
        while True:
            line, end, rest = self._came.partition(b"\r\n")
            if not end:
                if len(self._came) > MOST_HEAD_BYTES:
                    raise BrokenAnswer("a chunk has no size")
                return False
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                raise BrokenAnswer("a chunk has no size") from None
            if size == 0:
                # Trailers, if any, up to an empty line.
                _, end, after = (b"\r\n" + rest).partition(_HEAD_END)
                if end:
                    self._came = after
                return bool(end)
            if len(rest) < size + 2:
                if len(rest) > MOST_TEXT_BYTES:
                    self._text, self._came, self._keeps_alive = self._text + rest, b"", False
                    return True
                return False
            self._text += rest[:size]
            self._came = rest[size + 2 :]
            if len(self._text) > MOST_TEXT_BYTES:
                self._keeps_alive = False
                return True
