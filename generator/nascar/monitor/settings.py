"""What of a run is to be watched, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nascar.questions import Question


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How a run is watched."""

    writes: bool = True
    """Whether each second becomes a row of `pipeline_metrics`."""
    questions: tuple[Question, ...] = ()
    """Asked in turn while rows are visible; empty for none."""
    ask_every_s: float = 5.0
    """The pause after each answer."""
    server_pid: int | None = None
    """The server's process, if it runs on this machine."""
    server_proc: Path | None = None
    """Else a folder with copies of its /proc files."""
    server_data: Path | None = None
    """Its data folder as this process sees it."""
