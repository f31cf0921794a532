"""What the stream asks of whatever makes the rows: batches with a due time, encoded on demand, and rows
beside them that come about on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class BatchHead:
    """What is known of a batch before it is rendered; enough to schedule it, or to count it as missed."""

    index: int
    table: str
    rows: int
    first_time_us: int
    last_time_us: int
    due_us: int
    """Wall-clock instant at which the batch is to leave, µs since 1970."""


@dataclass(frozen=True, slots=True)
class TimedHead(BatchHead):
    """A batch whose rows do not follow a schedule: it says when each of them happened."""

    times_us: NDArray[np.int64] = field(compare=False)
    """``(rows,)``, in order."""


class Body(Protocol):
    """One encoded request body on loan from a pool of buffers."""

    @property
    def data(self) -> memoryview:
        """The bytes; valid until `release`."""
        ...

    def release(self) -> None:
        """Give the buffer back. Called exactly once, when no retry can follow."""
        ...


class BesideSource(Protocol):
    """Rows beside the schedule: few, and not known before they happen."""

    @property
    def tables(self) -> tuple[str, ...]: ...

    def take(self, until_us: int) -> Sequence[tuple[BatchHead, Body]]:
        """What has happened by `until_us` (µs since 1970) and was not taken before, at most one batch for
        each table; that is when they are due."""
        ...

    def close(self) -> None:
        """Nobody will take anything: no row has to be kept."""
        ...


class BatchSource(Protocol):
    """Batches in order of their due times, numbered from 0."""

    @property
    def tables(self) -> tuple[str, ...]: ...

    @property
    def beside(self) -> BesideSource | None:
        """Tables that do not count for the rate; their rows come about as batches are encoded."""
        ...

    @property
    def batches(self) -> int | None:
        """How many there are; None without end."""
        ...

    def head(self, index: int) -> BatchHead:
        """Describe batch `index` without rendering it: cheap, and allowed for any index."""
        ...

    def encode(self, index: int) -> Body:
        """Render and encode batch `index`. Indices never go back, but may be skipped (missed batches)."""
        ...
