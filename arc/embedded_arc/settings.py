"""How the engine is to run, checked once where it enters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEAST_TOKEN_CHARACTERS: Final = 32
"""Arc takes no shorter bootstrap token."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one engine. The token never shows in a repr."""

    data_dir: Path
    bootstrap_token: str
    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes a free one."""
    flush_age_s: float = 1.0
    """Rows wait in memory at most this long before they are stored and can be seen."""
    keep_s: float | None = 20 * 60.0
    """Stored rows are dropped this long after they arrived; None keeps all."""
    keep_all: frozenset[str] = frozenset()
    """Tables, in whatever database, that keep all their rows all the same."""
    memory_limit: str = "400MB"
    """What DuckDB may take, in DuckDB's spelling."""
    threads: int = 1
    """Threads that DuckDB uses for one statement. Statements run side by side in any case; on two cores a
    second thread made the same insert cost half as much again."""
    most_queries: int = 4
    """Queries that run at the same time; more wait for their turn."""
    query_timeout_s: float = 60.0
    prepare: tuple[str, ...] = ()
    """SQL of questions that are computed in every file as soon as it takes no more rows."""
    body_limit_bytes: int = 1_000_000_000
    """Longest request body, and the most that a compressed one may unfold to."""
    bodies_limit_bytes: int = 1_200_000_000
    """All bodies being received or decoded together; further requests wait."""
    buffered_limit_bytes: int = 300_000_000
    """Rows waiting for a flush; above it a write waits until rows are stored."""
    result_limit_bytes: int = 64_000_000
    """Longest JSON answer to a query."""
    flush_rows: int = 1_000_000
    """A table with this many rows waiting is flushed before its age is reached."""
    segment_s: float = 15.0
    """A busy table begins a new file this often, a quiet one less often."""
    segment_rows: int = 1_000_000
    """A table is busy that has this many rows in its file by then."""

    grace_s: float = 5.0
    """A file is taken out of the views this long before it goes, so that queries that use it can end."""

    def __repr__(self) -> str:
        return f"Settings({str(self.data_dir)!r}, {self.host}:{self.port})"
