"""How bodies are squeezed for a real network."""

from __future__ import annotations

from enum import Enum


class Compression(Enum):
    """What a body is squeezed with; servers tell by its first bytes."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
