"""What a run looks like at one moment, for a display that polls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from nascar.stream.latency import NOTHING_MEASURED, Percentiles
from nascar.stream.ledger import TableLedger


class Phase(Enum):
    """Where a run is."""

    WAITING = "waiting for the server"
    RUNNING = "running"
    DRAINING = "draining"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth saying, and when: `at_s` seconds after the run was begun."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counts are rows since the start unless said otherwise; rates are over the last 5 s."""

    phase: Phase
    elapsed_s: float
    """Since the clock started; 0 before."""
    target_rate: int
    """Of the shard."""
    offered_rate: float = 0.0
    """Rows a second that came due."""
    acknowledged_rate: float = 0.0
    bytes_rate: float = 0.0
    """Acknowledged bytes a second."""
    scheduled: int = 0
    acknowledged: int = 0
    failed: int = 0
    missed: int = 0
    waiting: int = 0
    late: int = 0
    requests: int = 0
    retries: int = 0
    due_ms: Percentiles = NOTHING_MEASURED
    """Write latency from the due time, over the last 5 to 10 s."""
    send_ms: Percentiles = NOTHING_MEASURED
    """Write latency from the send, over the last 5 to 10 s."""
    in_flight: int = 0
    """Batches in flight, those that wait for a retry included."""
    ready: int = 0
    """Encoded batches that wait for their due time, or for a free worker."""
    backlog: int | None = None
    """Rows that the server took in this run and has not stored yet; None if it does not say."""
    holding: bool = False
    """The backlog guard holds new rows back."""
    notes: tuple[Note, ...] = ()
    """The latest notes, oldest first."""
    tables: Mapping[str, TableLedger] = field(default_factory=dict)
    """What has become of the rows of each table, by its name."""
    beside: Mapping[str, TableLedger] = field(default_factory=dict)
    """The same of the tables beside the schedule, whose rows are in no other count."""
