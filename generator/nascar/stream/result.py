"""What came of a run, or of all its processes together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nascar.errors import NascarError
from nascar.stream.hindrance import Hindrance, Stalls
from nascar.stream.latency import Latencies, Latency
from nascar.stream.ledger import Ledger
from nascar.stream.progress import Note, Phase, Snapshot
from nascar.stream.settings import StreamSettings
from nascar.stream.timeline import Timeline


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process of the run used."""

    shard: int
    """Which part it sent, from 0."""
    pid: int
    cpu_s: float
    max_rss_bytes: int
    acknowledged: int
    """Rows."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. All in it adds up, also after a failure or a stop."""

    settings: StreamSettings
    ledger: Ledger
    latencies: Latencies
    started_us: int
    """Instant of the start of the schedule, µs since 1970; 0 if the clock never started."""
    elapsed_s: float
    """From there to the end of the draining."""
    cpu_s: float
    """Of all processes."""
    max_rss_bytes: int
    """Of the process that took most."""
    stalls: Stalls
    """Of the process that stalled longest, kind by kind."""
    overrun: int = 0
    """Rows that were acknowledged so long after the schedule's end that they were not on their way then: a
    queue was left. They are acknowledged, but do not count for the rate."""
    troubles: Counter[str] = field(default_factory=Counter)
    """Requests that were not acknowledged, by message."""
    unreached: int = 0
    """Requests among them that found no connection to the server."""
    lost: Counter[Hindrance] = field(default_factory=Counter)
    """Failed and missed rows, by what kept them from being acknowledged."""
    most_in_flight: int = 0
    most_live_bytes: int = 0
    backlog_guarded: bool = False
    """Whether the server showed its counters to the end."""
    most_backlog: int = 0
    """The most rows that the server held in memory, beyond those it held at the start."""
    stored_rate: float | None = None
    """Rows a second that the server wrote to its disk meanwhile; None if it did not say."""
    stopped: bool = False
    """Ended by `stop` before its time."""
    error: NascarError | None = None
    """What ended the run before its time; the verdict names it among its reasons."""
    notes: tuple[Note, ...] = ()
    beside: Ledger = field(default_factory=lambda: Ledger(()))
    """What became of the rows beside the schedule; they count for no rate."""
    beside_troubles: Counter[str] = field(default_factory=Counter)
    """Requests of theirs that were not acknowledged, by message."""
    timeline: Timeline = field(default_factory=lambda: Timeline(0))
    jitter: Latency = field(default_factory=Latency)
    """How late the processes woke from their own sleeps: the error of the schedule itself."""
    processes: tuple[ProcessUse, ...] = ()

    @property
    def covered_s(self) -> float:
        """Seconds of the schedule that came due (dry run: that the run took)."""
        if self.settings.dry_run:
            return self.elapsed_s
        return self.ledger.total().scheduled / self.settings.own_rate

    @property
    def achieved_rate(self) -> float:
        """Rows a second that were acknowledged while the schedule ran: all of them but the `overrun`."""
        seconds = self.covered_s
        return (self.ledger.total().acknowledged - self.overrun) / seconds if seconds > 0 else 0.0


def merged(
    settings: StreamSettings,
    results: Sequence[Result],
    *,
    error: NascarError | None = None,
    notes: Sequence[Note] = (),
) -> Result:
    """The result of a run from those of its processes; `settings` are the whole run's.

    `error` and `notes` are what the run says beyond its processes.
    """
    whole = Result(
        settings=settings,
        ledger=Ledger(()),
        latencies=Latencies(()),
        started_us=min((r.started_us for r in results if r.started_us), default=0),
        elapsed_s=max((r.elapsed_s for r in results), default=0.0),
        cpu_s=sum(r.cpu_s for r in results),
        max_rss_bytes=max((r.max_rss_bytes for r in results), default=0),
        stalls=Stalls(
            client_s=max((r.stalls.client_s for r in results), default=0.0),
            server_s=max((r.stalls.server_s for r in results), default=0.0),
            backlog_s=max((r.stalls.backlog_s for r in results), default=0.0),
        ),
        overrun=sum(r.overrun for r in results),
        unreached=sum(r.unreached for r in results),
        most_in_flight=sum(r.most_in_flight for r in results),
        most_live_bytes=sum(r.most_live_bytes for r in results),
        backlog_guarded=bool(results) and all(r.backlog_guarded for r in results),
        most_backlog=max((r.most_backlog for r in results), default=0),
        stored_rate=max((r.stored_rate for r in results if r.stored_rate is not None), default=None),
        stopped=any(r.stopped for r in results),
        error=error or next((r.error for r in results if r.error is not None), None),
        notes=tuple(sorted((*notes, *(n for r in results for n in r.notes)), key=lambda note: note.at_s)),
    )
    starts = [r.timeline for r in results if r.started_us]
    timeline = starts[0] if starts else whole.timeline
    for other in starts[1:]:
        timeline.join(other)
    for result in results:
        whole.ledger.merge(result.ledger)
        whole.beside.merge(result.beside)
        whole.latencies.merge(result.latencies)
        whole.jitter.add(result.jitter)
        whole.troubles.update(result.troubles)
        whole.beside_troubles.update(result.beside_troubles)
        whole.lost.update(result.lost)
    return replace(whole, timeline=timeline, processes=tuple(p for r in results for p in r.processes))


def final_snapshot(standing: Snapshot, result: Result) -> Snapshot:
    """How a run stands that has ended with `result`; `standing` is how it stood when it was last looked at."""
    total = result.ledger.total()
    return replace(
        standing,
        phase=Phase.DONE,
        elapsed_s=result.elapsed_s,
        scheduled=total.scheduled,
        acknowledged=total.acknowledged,
        failed=total.failed,
        missed=total.missed,
        waiting=total.waiting,
        late=total.late,
        requests=total.requests,
        retries=total.retries,
        in_flight=0,
        ready=0,
        tables=result.ledger.copy_tables(),
        beside=result.beside.copy_tables(),
    )
