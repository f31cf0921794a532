"""Compressed request bodies, recognised by their first bytes and unfolded within a bound."""

from __future__ import annotations

import zlib
from typing import Final

import zstandard

from embedded_arc.errors import WriteRefused

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"

_STEP_BYTES: Final = 1 << 20
_ZSTD_STEP_BYTES: Final = 1 << 10
"""Input per step: four bytes can stand for 128 KiB, and zstandard gives out a step's output at once."""

_GZIP_HEADER_BYTES: Final = 10
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_ZSTD_WINDOW_BYTES: Final = 1 << 27
"""The largest window taken from a frame's header: it is memory, whatever the frame holds."""


def is_compressed(body: bytes | bytearray) -> bool:
    return body.startswith((GZIP_MAGIC, ZSTD_MAGIC))


def decompressed(body: bytes | bytearray, limit_bytes: int) -> bytes | bytearray:
    """`body` without its compression, whatever the request's headers say; itself if it has none."""
    if body.startswith(GZIP_MAGIC):
        return _gunzip(body, limit_bytes)
    if body.startswith(ZSTD_MAGIC):
        return _unzstd(body, limit_bytes)
    return body


def _gunzip(body: bytes | bytearray, limit_bytes: int) -> bytearray:
    """All members of a gzip stream, one after another."""
    out = bytearray()
    rest: bytes | bytearray | memoryview = body
    while len(rest):
        member = zlib.decompressobj(_GZIP_WINDOW)
        data: bytes | memoryview = memoryview(rest)
        chunk = b""
        try:
            while not member.eof:
                # A full step may leave output behind when the input is used up already.
                if not len(data) and len(chunk) < _STEP_BYTES:
                    raise _broken("gzip", "unexpected EOF")
                chunk = member.decompress(data, _STEP_BYTES)
                out += chunk
                data = member.unconsumed_tail
                if len(out) > limit_bytes:
                    raise _broken("gzip", f"decompressed payload exceeds {limit_bytes:,} bytes")
        except zlib.error as error:
            if "incorrect data check" in str(error):
                raise _broken("gzip", "gzip: invalid checksum") from None
            # What follows a member and is none: too short for a header, or another kind of bytes.
            short = rest is not body and len(rest) < _GZIP_HEADER_BYTES
            raise _broken("gzip", "unexpected EOF" if short else "gzip: invalid header") from None
        rest = member.unused_data
    return out


def _unzstd(body: bytes | bytearray, limit_bytes: int) -> bytearray:
    """All frames of a zstd stream, one after another."""
    out = bytearray()
    rest: bytes | bytearray | memoryview = body
    while len(rest):
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        view = memoryview(rest)
        at = 0
        try:
            while not frame.eof:
                if at >= len(view):
                    raise _broken("zstd", "failed to decompress zstd: unexpected EOF")
                out += frame.decompress(view[at : at + _ZSTD_STEP_BYTES])
                at += _ZSTD_STEP_BYTES
                if len(out) > limit_bytes:
                    raise _broken("zstd", f"decompressed payload exceeds {limit_bytes:,} bytes")
        except zstandard.ZstdError as error:
            raise _broken("zstd", f"failed to decompress zstd: {error}") from None
        rest = view[min(at, len(view)) - len(frame.unused_data) :]
    return out


def _broken(method: str, text: str) -> WriteRefused:
    return WriteRefused(400, f"Invalid {method} compression: {text}")
