"""What the stream asks of whatever makes the rows: batches with a due time, encoded on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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


class Body(Protocol):
    """One encoded request body on loan from a pool of buffers."""

    @property
    def data(self) -> memoryview:
        """The bytes; valid until `release`."""
        ...

    def release(self) -> None:
        """Give the buffer back. Called exactly once, when no retry can follow."""
        ...


class BatchSource(Protocol):
    """Batches in order of their due times, numbered from 0."""

    @property
    def tables(self) -> tuple[str, ...]: ...

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
