"""A run on a fake source, watched."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from nascar.stream.progress import Phase, Snapshot
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.source import BatchSource
from tests.stream.conftest import FakeSource

Make = Callable[..., StreamSettings]


class Watched:
    """A run on a fake source, with what it said and made."""

    def __init__(self, settings: StreamSettings, duration_s: float | None = 0.5, **source: Any) -> None:
        self.told: list[str] = []
        self.source: FakeSource | None = None
        self._settings = settings
        self._duration_s = duration_s
        self._options = source
        self.run = Run(
            settings, self._source_at, jitter=random.Random(3).random, lead_s=0.05, tell=self.told.append
        )

    def _source_at(self, start_us: int) -> BatchSource:
        self.source = FakeSource(start_us, self._settings.rate, self._duration_s, **self._options)
        return self.source

    async def end(self) -> Result:
        """Run to the end; whatever happened, the books are straight."""
        result = await self.run.run()
        total = result.ledger.total()
        assert result.ledger.balanced
        assert total.waiting == 0
        if self.source is not None:
            assert self.source.live == 0, "a body was not given back"
            if not result.stopped and result.error is None:
                assert total.scheduled == self.source.rows
        return result

    async def running(self, until: Callable[[Snapshot], bool]) -> None:
        while not until(self.run.snapshot()):
            assert self.run.snapshot().phase is not Phase.DONE
            await asyncio.sleep(0.02)
