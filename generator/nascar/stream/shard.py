"""A part of a run: every N-th batch. All parts together are the run, row for row.

Every process runs the same race, which is cheap, and renders only its own batches, which is dear. Nothing is
agreed on between them but the start, so it is the same on two cores and on fifty machines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from nascar.stream.source import BatchHead, BatchSource, BesideSource, Body


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 0) of `count`."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"there is no part {self.index} of {self.count}")

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the run."""
        return self.count == 1

    def part(self, of: Shard) -> Shard:
        """This shard of another: batch numbers of part 2 of 3 of part 1 of 4 lie 12 apart."""
        return Shard(of.index + self.index * of.count, self.count * of.count)

    def __str__(self) -> str:
        """As people count: from 1."""
        return f"{self.index + 1}/{self.count}"


WHOLE: Final = Shard()


class ShardedSource(BatchSource):
    """The batches of one shard, numbered from 0 again; due when they are due in the whole run.

    What stands beside the schedule belongs to the first shard.
    """

    def __init__(self, source: BatchSource, shard: Shard) -> None:
        self._source = source
        self._shard = shard
        if shard.index and source.beside is not None:
            source.beside.close()

    @property
    def tables(self) -> tuple[str, ...]:
        return self._source.tables

    @property
    def beside(self) -> BesideSource | None:
        return self._source.beside if self._shard.index == 0 else None

    @property
    def batches(self) -> int | None:
        whole = self._source.batches
        return None if whole is None else max(0, -(-(whole - self._shard.index) // self._shard.count))

    def head(self, index: int) -> BatchHead:
        return replace(self._source.head(self._of_run(index)), index=index)

    def encode(self, index: int) -> Body:
        return self._source.encode(self._of_run(index))

    def _of_run(self, index: int) -> int:
        return index * self._shard.count + self._shard.index
