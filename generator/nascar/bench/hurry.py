"""A stream that runs faster than its race's clock: the same rows, due sooner.

At a higher rate a stream has more rows in a second of the race, so the race costs each of them less. What a
ceiling is asked for is another thing: how fast this machine can make and send the rows of the rate that is
wanted. So the rows stay, and the time between them shrinks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nascar.stream.source import BatchHead, BatchSource, BesideSource, Body


class HurriedSource(BatchSource):
    """The batches of `source`, whose first row lies at `start_us`, `times` as fast as they happen."""

    def __init__(self, source: BatchSource, start_us: int, times: float) -> None:
        self._source = source
        self._start_us = start_us
        self._times = times

    @property
    def tables(self) -> tuple[str, ...]:
        return self._source.tables

    @property
    def beside(self) -> BesideSource | None:
        beside = self._source.beside
        return None if beside is None else _HurriedBeside(beside, self._start_us, self._times)

    @property
    def batches(self) -> int | None:
        return self._source.batches

    def head(self, index: int) -> BatchHead:
        head = self._source.head(index)
        due_us = self._start_us + round((head.due_us - self._start_us) / self._times)
        return replace(head, due_us=due_us)

    def encode(self, index: int) -> Body:
        return self._source.encode(index)


class _HurriedBeside(BesideSource):
    def __init__(self, source: BesideSource, start_us: int, times: float) -> None:
        self._source = source
        self._start_us = start_us
        self._times = times

    @property
    def tables(self) -> tuple[str, ...]:
        return self._source.tables

    def close(self) -> None:
        self._source.close()

    def take(self, until_us: int) -> Sequence[tuple[BatchHead, Body]]:
        happened_us = self._start_us + round((until_us - self._start_us) * self._times)
        return [(replace(head, due_us=until_us), body) for head, body in self._source.take(happened_us)]
