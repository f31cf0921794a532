"""The report of a run: JSON with fixed names, for scripts and for `nascar verify`.

All rows and times are plain numbers; a report never holds a token or an address with credentials.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict, cast
from urllib.parse import urlsplit

from nascar.errors import UsageError
from nascar.stream.clock import iso_utc
from nascar.stream.latency import Latencies, Percentiles, total
from nascar.stream.ledger import TableLedger
from nascar.stream.result import Result
from nascar.stream.timeline import Timeline
from nascar.stream.verdict import Verdict
from nascar.stream.verification import TableVerification, Verification
from nascar.whole_file import write_whole

_VERSIONS_OF: Final = ("nascar-telemetry", "aiohttp", "numpy")
_SECRET_FLAGS: Final = ("--token",)


class TableReport(TypedDict):
    """Rows of one table; times in µs since 1970, null if nothing came due."""

    scheduled: int
    acknowledged: int
    failed: int
    missed: int
    waiting: int
    first_time_us: int | None
    last_time_us: int | None
    late: int
    acknowledged_unclear: int
    failed_unclear: int
    requests: int
    retries: int
    bytes: int


class Report(TypedDict):
    """What `build` makes and `read` gives back."""

    tables: dict[str, TableReport]
    beside: NotRequired[dict[str, TableReport]]
    """The low-rate tables, which count for no rate; not in reports of older versions."""
    target_rate: int
    achieved_rate: float
    latency_ms: dict[str, dict[str, float | None]]
    """``due`` and ``send``: p50, p95, p99, max."""
    departure_ms: dict[str, float | None]
    cpu_s: float
    max_rss_bytes: int
    verdict: str
    """``held`` or ``not held``."""
    verdict_text: str
    reasons: list[str]
    bound: str | None
    suggested_rate: int | None
    database: str
    url: str
    dry_run: bool
    stopped: bool
    started_at: str | None
    duration_s: float
    """Seconds of the schedule that came due."""
    elapsed_s: float
    workers: int
    stalls_s: dict[str, float]
    overrun_rows: int
    """Acknowledged rows that do not count for the rate: they came too long after the schedule's end."""
    lost_rows: dict[str, int]
    """Failed and missed rows by what kept them: client, server, backlog, refusal."""
    troubles: dict[str, int]
    beside_troubles: NotRequired[dict[str, int]]
    latency_by_table_ms: NotRequired[dict[str, dict[str, dict[str, float | None]]]]
    """By table, then ``due``, ``send`` and ``departure``."""
    jitter_ms: NotRequired[dict[str, float | None]]
    """How late the processes woke from their own sleeps."""
    timeline: NotRequired[dict[str, Any]]
    """Lists of one length, an entry for each ``interval_s`` since the start; null where nothing was measured."""
    processes: NotRequired[list[dict[str, Any]]]
    verification: NotRequired[dict[str, Any] | None]
    """What was counted in the database; null if it was not."""
    max_backlog_rows: NotRequired[int]
    compression: NotRequired[str]
    wire_bytes: NotRequired[int]
    """Bytes of the acknowledged bodies as they were sent."""
    monitor: NotRequired[dict[str, int] | None]
    """``rows`` of pipeline_metrics, those ``acknowledged`` and those ``lost``; null if none were to be written. They
    are in no other number."""
    shard: NotRequired[dict[str, int] | None]
    """``index`` (from 1) and ``count``, if it is a part of a run; then the ledger is the part's."""
    unreached: int
    most_in_flight: int
    most_live_bytes: int
    backlog: dict[str, Any]
    notes: list[dict[str, Any]]
    versions: dict[str, str]
    seed: NotRequired[int | None]
    cars: NotRequired[int | None]
    time_unit: NotRequired[str]
    arguments: NotRequired[list[str]]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the stream itself does not know of a run."""

    seed: int | None = None
    cars: int | None = None
    time_unit: str = "us"
    """Unit of the times in the tables, ``us`` or ``ms``."""
    arguments: tuple[str, ...] = ()
    """The command line; a token in it is taken out."""
    compression: str = "none"
    monitor: Mapping[str, int] | None = None
    """Rows that say how the run stood, which are in no ledger: how many there were, and were acknowledged; None if
    none were to be written."""


def build(
    result: Result, verdict: Verdict, facts: RunFacts | None = None, verification: Verification | None = None
) -> Report:
    """The report of a finished run."""
    facts, shard = facts or RunFacts(), result.settings.shard
    settings, stalls = result.settings, result.stalls
    return Report(
        tables={name: _table(table) for name, table in result.ledger.tables.items()},
        beside={name: _table(table) for name, table in result.beside.tables.items()},
        target_rate=settings.rate,
        achieved_rate=round(result.achieved_rate, 1),
        latency_ms={
            "due": _percentiles(total(result.latencies.due)),
            "send": _percentiles(total(result.latencies.send)),
        },
        departure_ms=_percentiles(total(result.latencies.departure)),
        cpu_s=round(result.cpu_s, 3),
        max_rss_bytes=result.max_rss_bytes,
        verdict=verdict.word,
        verdict_text=verdict.text,
        reasons=list(verdict.reasons),
        bound=verdict.bound,
        suggested_rate=verdict.suggested_rate,
        database=settings.database,
        url=without_credentials(settings.url),
        dry_run=settings.dry_run,
        stopped=result.stopped,
        started_at=iso_utc(result.started_us) if result.started_us else None,
        duration_s=round(result.covered_s, 3),
        elapsed_s=round(result.elapsed_s, 3),
        workers=settings.workers,
        stalls_s={
            "client": round(stalls.client_s, 3),
            "server": round(stalls.server_s, 3),
            "backlog": round(stalls.backlog_s, 3),
        },
        overrun_rows=result.overrun,
        lost_rows={hindrance.value: rows for hindrance, rows in result.lost.items()},
        troubles=dict(result.troubles),
        beside_troubles=dict(result.beside_troubles),
        latency_by_table_ms=_by_table(result.latencies),
        jitter_ms=_percentiles(result.jitter.percentiles()),
        timeline=_timeline(result.timeline),
        processes=[asdict(process) for process in result.processes],
        verification=None if verification is None else _verification(verification),
        max_backlog_rows=settings.max_backlog_rows,
        compression=facts.compression,
        wire_bytes=result.ledger.total().bytes,
        monitor=None if facts.monitor is None else dict(facts.monitor),
        shard=None if shard.is_whole else {"index": shard.index + 1, "count": shard.count},
        unreached=result.unreached,
        most_in_flight=result.most_in_flight,
        most_live_bytes=result.most_live_bytes,
        backlog={
            "guarded": result.backlog_guarded,
            "most_rows": result.most_backlog,
            "stored_rate": None if result.stored_rate is None else round(result.stored_rate, 1),
        },
        notes=[{"at_s": round(note.at_s, 3), "text": note.text} for note in result.notes],
        versions=_versions(),
        seed=facts.seed,
        cars=facts.cars,
        time_unit=facts.time_unit,
        arguments=without_token(facts.arguments, settings.token),
    )


def check_writable(path: Path) -> None:
    """Find out before a run that its report could not be written. Leaves nothing behind."""
    if path.is_dir():
        raise UsageError(f"The report {path} is a folder. Give the name of a file with --report.")
    try:
        handle, probe = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be written ({error.strerror}). Give another file with --report."
        ) from None
    os.close(handle)
    Path(probe).unlink()


def write(report: Report, path: Path) -> None:
    """Write the report whole or not at all: a reader never sees half of it."""
    write_whole(json.dumps(report, indent=2, ensure_ascii=False) + "\n", path)


def read(path: Path) -> Report:
    """Read a report back. Raises `UsageError` if it is not one."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be read ({error.strerror}). Make one with `nascar stream --report`."
        ) from None
    except ValueError as error:
        raise UsageError(f"The report {path} is not JSON ({error}). Give a file made by --report.") from None
    flaw = _flaw(report)
    if flaw:
        raise UsageError(f"The report {path} {flaw}. Give a file made by `nascar stream --report`.")
    return cast(Report, report)


def joined(whole: Sequence[Report]) -> Report:
    """The reports of all shards of a run as one, as far as counting needs it: tables and what stands beside."""
    first = whole[0]
    return Report(
        **{
            **first,
            "tables": _sum_of_tables([report["tables"] for report in whole]),
            "beside": _sum_of_tables([report.get("beside", {}) for report in whole]),
        }
    )


def _sum_of_tables(whole: Sequence[dict[str, TableReport]]) -> dict[str, TableReport]:
    tables: dict[str, TableLedger] = {}
    for report in whole:
        for name, counts in report.items():
            tables.setdefault(name, TableLedger()).add(TableLedger(**counts))
    return {name: _table(table) for name, table in tables.items()}


def without_credentials(url: str) -> str:
    """`url` without user, password, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def without_token(arguments: Sequence[str], token: str = "") -> list[str]:
    """A command line in which the token is replaced by ``***``."""
    kept: list[str] = []
    secret_next = False
    for argument in arguments:
        flag, equals, _ = argument.partition("=")
        # argparse also takes --tok, as long as it is clear what is meant.
        secret = len(flag) > 2 and any(name.startswith(flag) for name in _SECRET_FLAGS)
        if secret_next:
            kept.append("***")
        elif secret and equals:
            kept.append(f"{flag}=***")
        else:
            kept.append(argument.replace(token, "***") if token else argument)
        secret_next = secret and not equals and not secret_next
    return kept


def _table(table: TableLedger) -> TableReport:
    counts = asdict(table)
    del counts["batches"]
    return cast(TableReport, counts)


def _percentiles(percentiles: Percentiles) -> dict[str, float | None]:
    return asdict(percentiles)


def _by_table(latencies: Latencies) -> dict[str, dict[str, dict[str, float | None]]]:
    return {
        table: {
            "due": _percentiles(latencies.due[table].percentiles()),
            "send": _percentiles(latencies.send[table].percentiles()),
            "departure": _percentiles(latencies.departure[table].percentiles()),
        }
        for table in latencies.due
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    points, interval_s = timeline.points, timeline.interval_us / 1e6
    return {
        "interval_s": interval_s,
        "at_s": [number * interval_s for number in range(len(points))],
        "offered": [point.offered for point in points],
        "acknowledged": [point.acknowledged for point in points],
        "failed": [point.failed for point in points],
        "missed": [point.missed for point in points],
        "bytes": [point.body_bytes for point in points],
        "in_flight": [point.in_flight for point in points],
        "due_ms": _columns([point.due_ms for point in points]),
        "send_ms": _columns([point.send_ms for point in points]),
        "backlog": [point.backlog for point in points],
        "stored": [point.stored for point in points],
    }


def _columns(measured: Sequence[Percentiles]) -> dict[str, list[float | None]]:
    return {field.name: [getattr(one, field.name) for one in measured] for field in fields(Percentiles)}


def _verification(verification: Verification) -> dict[str, Any]:
    def counts(tables: tuple[TableVerification, ...]) -> dict[str, Any]:
        return {
            one.table: {
                "acknowledged": one.acknowledged,
                "stored": one.stored,
                "distinct": one.distinct,
                "outcome": one.outcome,
            }
            for one in tables
        }

    return {
        "ok": verification.ok,
        "flushed": verification.flushed,
        "elapsed_s": round(verification.elapsed_s, 3),
        "windows": verification.windows,
        "tables": counts(verification.tables),
        "beside": counts(verification.beside),
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "platform": sys.platform}
    for name in _VERSIONS_OF:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            # Run from a folder of sources, not installed.
            versions[name] = "unknown"
    return versions


def _flaw(report: object) -> str | None:
    """What keeps `report` from being read back; None if nothing does."""
    if not isinstance(report, Mapping):
        return "is not a report"
    for key, kind in (("tables", Mapping), ("database", str)):
        if not isinstance(report.get(key), kind):
            return f"has no {key!r}"
    beside = report.get("beside", {})
    if not isinstance(beside, Mapping):
        return "has no counts in 'beside'"
    for name, table in (*report["tables"].items(), *beside.items()):
        if not isinstance(table, Mapping):
            return f"has no counts for {name!r}"
        for key in ("scheduled", "acknowledged", "failed", "missed"):
            if not isinstance(table.get(key), int):
                return f"has no {key!r} for {name!r}"
        for key in ("first_time_us", "last_time_us"):
            if key not in table or not isinstance(table[key], int | None):
                return f"has no {key!r} for {name!r}"
    return None
