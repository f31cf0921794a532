"""How a run and its server stand at one second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from nascar.monitor.disk import Disk
from nascar.monitor.table import PIPELINE_METRICS, QUESTIONS
from nascar.monitor.use import MEGABYTE, UNKNOWN, Use
from nascar.stream.progress import Snapshot
from nascar.telemetry.columns import Kind
from nascar.telemetry.rows import Rows, make_rows

_UNKNOWN: Final = float("nan")
"""A column of numbers keeps its type in every request this way, and JSON shows it as null."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is known of the server. None: it does not say, or not any more."""

    stored_rows: int | None = None
    """Rows of all tables that it has stored since the run began."""
    stored_rate: float | None = None
    tells_backlog: bool = False
    """Whether it shows its counters; without them the backlog that was read last says nothing of now."""
    newest_row_age_s: float | None = None
    question_ms: Mapping[int, float] = field(default_factory=dict)
    """Newest time of an answer, by the question's number."""
    use: Use = UNKNOWN
    disk: Disk | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """All that is known of one second."""

    at_us: int
    """A whole second, µs since 1970."""
    run: Snapshot
    server: ServerState
    generator: Use

    @property
    def backlog_rows(self) -> int | None:
        """Rows that the server has taken and not yet stored; None if it does not say."""
        return self.run.backlog if self.server.tells_backlog else None

    def values(self) -> dict[str, float]:
        """The row of this second: every column of the table but `time`; NaN is unknown."""
        run, server = self.run, self.server
        known: dict[str, float | None] = {
            "target_rate": run.target_rate,
            "offered_rate": run.offered_rate,
            "acknowledged_rate": run.acknowledged_rate,
            "stored_rate": server.stored_rate,
            "sent_mb_s": run.bytes_rate / MEGABYTE,
            "due_p50_ms": run.due_ms.p50,
            "due_p95_ms": run.due_ms.p95,
            "due_p99_ms": run.due_ms.p99,
            "send_p50_ms": run.send_ms.p50,
            "send_p95_ms": run.send_ms.p95,
            "send_p99_ms": run.send_ms.p99,
            "backlog_rows": self.backlog_rows,
            "scheduled_rows": run.scheduled,
            "acknowledged_rows": run.acknowledged,
            "stored_rows": server.stored_rows,
            "late_rows": run.late,
            "missed_rows": run.missed,
            "failed_rows": run.failed,
            "waiting_rows": run.waiting,
            "requests_in_flight": run.in_flight,
            **{f"question_{number}_ms": server.question_ms.get(number) for number in range(1, QUESTIONS + 1)},
            "newest_row_age_s": server.newest_row_age_s,
            "generator_cpu_cores": self.generator.cpu_cores,
            "generator_memory_mb": self.generator.memory_mb,
            "server_cpu_cores": server.use.cpu_cores,
            "server_memory_mb": server.use.memory_mb,
            "server_read_mb_s": server.use.read_mb_s,
            "server_write_mb_s": server.use.write_mb_s,
            "server_disk_mb": None if server.disk is None else server.disk.bytes / MEGABYTE,
            "server_files": None if server.disk is None else server.disk.files,
        }
        return {name: _UNKNOWN if value is None else float(value) for name, value in known.items()}


def rows_of(samples: Sequence[Sample]) -> Rows:
    """The rows of these seconds, in order."""
    values = [sample.values() for sample in samples]
    columns = {
        column.name: [row[column.name] for row in values]
        for column in PIPELINE_METRICS.columns
        if column.kind is not Kind.TIME
    }
    return make_rows(PIPELINE_METRICS, [sample.at_us for sample in samples], columns)
