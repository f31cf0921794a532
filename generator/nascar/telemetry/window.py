"""The few ticks of the race that the rows at hand need; what lies behind them is forgotten."""

from __future__ import annotations

from typing import Final

from nascar.race.frames import Frames, FrameSource, join_frames

BLOCK_TICKS: Final = 25
"""Ticks asked of the race at a time: a second, the block in which the race itself works."""


class FrameWindow:
    """Walks along a race and holds on to the ticks still needed. Memory does not grow with the race."""

    def __init__(self, source: FrameSource, block_ticks: int = BLOCK_TICKS) -> None:
        self._source = source
        self._block_ticks = block_ticks
        self._held: Frames | None = None

    def cover(self, first: int, last: int) -> Frames:
        """Frames that hold the ticks `first` to `last`, both included.

        `first` never goes back behind an earlier call's, but may jump: the race in between is run and
        dropped. The same object is returned until the race has to move on.
        """
        held = self._held
        if held is not None:
            if first < held.first_tick:
                raise LookupError(f"tick {first} has been let go; the window starts at {held.first_tick}")
            if last < held.first_tick + held.ticks:
                return held
        kept = [] if held is None else [held]
        reached = 0 if held is None else held.first_tick + held.ticks
        while reached <= last:
            block = self._source.advance(self._block_ticks)
            if block.first_tick != reached or block.ticks != self._block_ticks:
                raise ValueError(f"the race gave ticks from {block.first_tick}, wanted {reached}")
            reached += block.ticks
            if reached > first:
                kept.append(block)
        self._held = _join(kept, first)
        return self._held


def _join(blocks: list[Frames], first: int) -> Frames:
    """Consecutive blocks as one, from tick `first` on."""
    blocks = [b for b in blocks if b.first_tick + b.ticks > first]
    skip = max(0, first - blocks[0].first_tick)
    joined = join_frames(blocks)
    return joined.cut(skip, joined.ticks - skip)
