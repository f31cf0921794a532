"""A source of batches that goes to other processes."""

from __future__ import annotations

from dataclasses import dataclass

from nascar.errors import UsageError
from tests.stream.conftest import FakeSource


@dataclass
class FakeWork:
    """`FakeSource` as several processes make it."""

    rate: int
    duration_s: float | None
    broken: bool = False

    def prepare(self) -> None:
        if self.broken:
            raise UsageError("there is no such race")

    def feed_at(self, start_us: int) -> FakeSource:
        return FakeSource(start_us, self.rate, self.duration_s)

    def picture(self) -> str:
        return "lap 24"
