"""What one level asks of a server, and how all levels of a benchmark are measured."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from nascar.questions import Question


@dataclass(frozen=True, slots=True)
class Load:
    """One level: what ``nascar stream`` is told."""

    rate: int
    """Rows a second."""
    seconds: float
    workers: int = 300
    batch_size: int = 10_000
    seed: int = 1
    cars: int = 40
    processes: int | None = None
    """None: as many as the stream finds that the rate needs."""
    compression: str = "none"
    max_backlog_s: float = 5.0
    verify_deadline_s: float = 60.0
    """The server has so long to store what it acknowledged."""

    def arguments(self) -> list[str]:
        """The flags of ``nascar stream``."""
        flags = {
            "--rate": self.rate,
            "--duration": f"{self.seconds:g}",
            "--workers": self.workers,
            "--batch-size": self.batch_size,
            "--seed": self.seed,
            "--cars": self.cars,
            "--compression": self.compression,
            "--max-backlog": f"{self.max_backlog_s:g}",
            "--verify-deadline": f"{self.verify_deadline_s:g}",
        }
        if self.processes is not None:
            flags["--processes"] = self.processes
        # What is measured is the stream alone: what it would tell of itself, the benchmark sees from outside.
        return [*(str(part) for flag in flags.items() for part in flag), "--no-monitor"]

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Manner:
    """How every level of a benchmark is measured."""

    questions: tuple[Question, ...] = ()
    """Asked while rows flow; empty for none."""
    ask_every_s: float = 1.0
    """The pause after each question."""
    warm_up_s: float = 3.0
    """A server that was just started, or is loaded for the first time, first gets rows for so long into a database
    of their own; they are in no number."""


class Stopped(Exception):
    """Ctrl-C came before the level had begun: there is nothing of it."""


@dataclass(slots=True)
class Stopper:
    """Ctrl-C, handed on to what runs now; what was measured by then is kept."""

    is_asked: bool = False
    _listeners: list[Callable[[], object]] = field(default_factory=list)

    def stop(self) -> None:
        """End early. A second call is handed on, too: it cuts the counting short."""
        self.is_asked = True
        for listener in tuple(self._listeners):
            listener()

    @contextlib.contextmanager
    def handing_to(self, listener: Callable[[], object]) -> Iterator[None]:
        """Meanwhile `listener` is called by `stop`."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
