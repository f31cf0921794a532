"""Bodies squeezed for a real network: a tenth of the bytes or less, for several times the work of encoding.

Arc tells gzip and zstd by their first bytes, so no header says which it is. The levels are the lowest of each: on
loopback even they cost more than they save, and higher ones gain little on numbers that a sensor has rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

import zstandard
from isal import igzip_lib

from nascar.stream.source import Body

GZIP_LEVEL: Final = 1
ZSTD_LEVEL: Final = 1

Squeeze = Callable[[memoryview], bytes]


class Compression(Enum):
    """What a body is squeezed with."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    def squeezer(self) -> Squeeze | None:
        """What squeezes one body after another, for one thread; None if nothing is to be squeezed."""
        match self:
            case Compression.NONE:
                return None
            case Compression.GZIP:
                return _gzip
            case Compression.ZSTD:
                # Kept for all bodies: its tables are made once.
                return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress


class SqueezedBody(Body):
    """The bytes of another body, squeezed. They are its own: the other's buffer is free again."""

    __slots__ = ("_bytes",)

    def __init__(self, plain: Body, squeeze: Squeeze) -> None:
        try:
            self._bytes: bytes | None = squeeze(plain.data)
        finally:
            plain.release()

    @property
    def data(self) -> memoryview:
        if self._bytes is None:
            raise RuntimeError("the body has been released")
        return memoryview(self._bytes)

    def release(self) -> None:
        if self._bytes is None:
            raise RuntimeError("the body has been released")
        self._bytes = None


def _gzip(data: memoryview) -> bytes:
    return igzip_lib.compress(data, GZIP_LEVEL, igzip_lib.COMP_GZIP)
