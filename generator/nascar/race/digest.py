"""The digest of a race's frames: two races are the same if their digests are."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from nascar.race.frames import ARRAYS, Frames, join_frames

BLOCK_TICKS: Final = 25


class FramesDigest:
    """SHA-256 over name and bytes of every array of every tick, in order of time.

    It takes whole blocks of `BLOCK_TICKS` from tick 0 on, array by array within a block, so it does not
    depend on how the ticks are cut into frames.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rest: Frames | None = None

    def update(self, frames: Frames) -> None:
        """Take in the next frames, without a gap to those before."""
        if self._rest is not None:
            frames = join_frames([self._rest, frames])
        whole = frames.ticks - frames.ticks % BLOCK_TICKS
        for skip in range(0, whole, BLOCK_TICKS):
            block = frames.cut(skip, BLOCK_TICKS)
            for name in ARRAYS:
                self._hash.update(name.encode())
                self._hash.update(np.ascontiguousarray(getattr(block, name)).data)
        self._rest = frames.cut(whole, frames.ticks - whole) if whole < frames.ticks else None

    def hexdigest(self) -> str:
        """Of the whole blocks taken in so far."""
        return self._hash.hexdigest()
