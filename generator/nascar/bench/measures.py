"""What a level's record says, as named numbers: one place for the table, the page, the comparison and documents.

All take a level as `TrialResult.as_json` makes it and the record keeps it; None stands for what was not measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from nascar.bench.pace import Pace, pace_of

CLIENT_BUSY: Final = 0.8
"""A generator that used this share of its cores was at its own limit, or near it."""
MACHINE_BUSY: Final = 0.9
"""A machine that was this busy leaves neither client nor server what they ask for."""

Level = Mapping[str, Any]


class Better(Enum):
    """Which way a number should go."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a level."""

    key: str
    """Its name in tables of ratios and in JSON."""
    label: str
    unit: str
    better: Better
    of: Callable[[Level], float | None]


def rows(level: Level, count: str) -> int | None:
    """Rows of the three tables: ``scheduled``, ``acknowledged``, ``failed``, ``missed`` …"""
    report = level["report"]
    return None if report is None else sum(table[count] for table in report["tables"].values())


def stored_rows(level: Level) -> int | None:
    """Rows of the three tables that were counted in the database; None if they were not."""
    verification = (level["report"] or {}).get("verification")
    return None if verification is None else sum(t["stored"] for t in verification["tables"].values())


def use(level: Level, who: str, what: str) -> float | None:
    """What ``client``, ``server`` or ``machine`` used while rows flowed."""
    found = level["resources"][who]
    return None if found is None else found[what]


def pace(level: Level) -> Pace | None:
    """Whether the server's storage kept pace; None if that was not seen."""
    return pace_of(level["report"]) if level["stores"] else None


def question_ms(level: Level, slug: str) -> float | None:
    """Median time of one of the eight questions."""
    asked = (level["questions"] or {}).get("questions", {})
    return asked[slug]["ms"]["median"] if slug in asked else None


def slowest_question_ms(level: Level) -> float | None:
    """The longest that any question took."""
    asked = (level["questions"] or {}).get("questions", {})
    return max((one["ms"]["max"] for one in asked.values() if one["ms"]["max"] is not None), default=None)


def client_cores(level: Level) -> float | None:
    """Cores that the generator used, by its own count: the most exact one."""
    report = level["report"]
    return None if not report or not report["elapsed_s"] else report["cpu_s"] / report["elapsed_s"]


def client_share(level: Level) -> float | None:
    """Share of its cores that the generator used: each of its processes has one thread that does the work."""
    cores, report = client_cores(level), level["report"]
    return None if cores is None else cores / max(1, len(report.get("processes", ())))


def warnings(level: Level) -> list[str]:
    """What a reader must know before taking the numbers for the server's."""
    said = list(level.get("notes", ()))
    report, share = level["report"], client_share(level)
    if share is not None and share > CLIENT_BUSY:
        processes = max(1, len(report.get("processes", ())))
        said.append(
            f"The generator used {share:.0%} of its {processes} core{'s' * (processes > 1)}: "
            "what was reached is the client's number, not the server's."
        )
    busy, cores = use(level, "machine", "mean_cores"), level.get("machine_cores")
    if busy is not None and cores and busy > MACHINE_BUSY * cores:
        parts = {name: use(level, name, "mean_cores") or 0.0 for name in ("client", "server")}
        others = max(0.0, busy - sum(parts.values()))
        said.append(
            f"The machine was {busy / cores:.0%} busy: client {parts['client']:.2f}, server {parts['server']:.2f}, all "
            f"else {others:.2f} of its {cores} cores. No number here is that of a machine of its own."
        )
    if report is not None and level["stores"] and report.get("verification") is None:
        said.append("What is stored was not counted.")
    if report is not None and level["stores"] and pace(level) is None:
        said.append(
            "Whether the storage kept pace was not checked: the server did not show its row counters to the end."
        )
    failed = sum(one["failed"] for one in (level["questions"] or {}).get("questions", {}).values())
    if failed:
        said.append(f"{failed:,} of the questions were not answered.")
    if level["settled"] is not None and level["settled"]["backlog_rows"] > 0:
        said.append(
            f"After {level['settled']['seconds']:.0f} s the server still held "
            f"{level['settled']['backlog_rows']:,} rows that it had not stored."
        )
    return said


def reasons(level: Level) -> list[str]:
    """Why the level was not held; empty if it was."""
    if level["held"]:
        return []
    report = level["report"]
    if not level.get("began", True):
        return [f"it did not begin: {level['error']}"]
    if report is None:
        return [f"the stream ended without a report: {level['error']}"]
    said, kept = list(report["reasons"]), pace(level)
    if kept is not None and not kept.is_kept:
        said.append(kept.text)
    if level["stopped"]:
        said.append(f"stopped after {report['duration_s']:.0f} of {level['load']['seconds']:g} s")
    elif not said:
        said.append(f"the stream ended with status {level['status']}")
    return said


def bound(level: Level) -> str:
    """What limited the rate: ``client``, ``server``, ``backlog``, or nothing known."""
    known, kept = (level["report"] or {}).get("bound") or "", pace(level)
    return "server" if not known and kept is not None and not kept.is_kept else known


def _report(*keys: str) -> Callable[[Level], float | None]:
    def of(level: Level) -> float | None:
        found: Any = level["report"]
        for key in keys:
            found = (found or {}).get(key)
        value: float | None = found
        return value

    return of


def _per_row(
    amount: Callable[[Level], float | None], count: str, factor: float
) -> Callable[[Level], float | None]:
    def of(level: Level) -> float | None:
        value, number = amount(level), rows(level, count)
        return None if value is None or not number else value * factor / number

    return of


def _seconds(level: Level) -> float | None:
    return level["report"]["elapsed_s"] if level["report"] else None


def _cpu_s(who: str) -> Callable[[Level], float | None]:
    def of(level: Level) -> float | None:
        cores, seconds = use(level, who, "mean_cores"), _seconds(level)
        return None if cores is None or seconds is None else cores * seconds

    return of


def _rate_of(who: str, what: str) -> Callable[[Level], float | None]:
    def of(level: Level) -> float | None:
        amount, seconds = use(level, who, what), _seconds(level)
        return None if amount is None or not seconds else amount / seconds

    return of


def _disk_bytes(level: Level) -> float | None:
    taken: float | None = level["disk_bytes"]
    return taken


def _most_backlog(level: Level) -> float | None:
    # A server that shows no counters has none of which could be said that it is empty.
    backlog = (level["report"] or {}).get("backlog", {})
    return backlog["most_rows"] if backlog.get("guarded") else None


def _age_s(level: Level) -> float | None:
    age_s: float | None = (level["questions"] or {}).get("newest_row_age_s", {}).get("median")
    return age_s


def _use(who: str, what: str) -> Callable[[Level], float | None]:
    return lambda level: use(level, who, what)


def _latency(since: str, percentile: str) -> Callable[[Level], float | None]:
    return _report("latency_ms", since, percentile)


RATES: Final = (
    Measure("offered_rows", "offered", "rows", Better.NEITHER, lambda level: rows(level, "scheduled")),
    Measure(
        "acknowledged_rows", "acknowledged", "rows", Better.HIGHER, lambda level: rows(level, "acknowledged")
    ),
    Measure("failed_rows", "failed", "rows", Better.LOWER, lambda level: rows(level, "failed")),
    Measure("missed_rows", "missed", "rows", Better.LOWER, lambda level: rows(level, "missed")),
    Measure("stored_rows", "stored", "rows", Better.HIGHER, stored_rows),
    Measure("acknowledged_rate", "acknowledged a second", "rows/s", Better.HIGHER, _report("achieved_rate")),
    Measure(
        "stored_rate",
        "stored a second, meanwhile",
        "rows/s",
        Better.HIGHER,
        _report("backlog", "stored_rate"),
    ),
    Measure("most_backlog_rows", "most rows not yet stored", "rows", Better.LOWER, _most_backlog),
)
LATENCIES: Final = tuple(
    Measure(
        f"latency_{since}_{percentile}_ms",
        f"{'most' if percentile == 'max' else percentile.upper()} from the {'due time' if since == 'due' else 'send'}",
        "ms",
        Better.LOWER,
        _latency(since, percentile),
    )
    for since in ("due", "send")
    for percentile in ("p50", "p95", "p99", "max")
)
QUESTIONS: Final = (
    Measure("newest_row_age_s", "newest visible row is old", "s", Better.LOWER, _age_s),
    Measure("slowest_question_ms", "slowest answer", "ms", Better.LOWER, slowest_question_ms),
)
RESOURCES: Final = (
    Measure("client_cores", "client CPU", "cores", Better.LOWER, client_cores),
    Measure("server_cores", "server CPU", "cores", Better.LOWER, _use("server", "mean_cores")),
    Measure(
        "client_cpu_us_per_row",
        "client CPU a row",
        "µs",
        Better.LOWER,
        _per_row(_report("cpu_s"), "acknowledged", 1e6),
    ),
    Measure(
        "server_cpu_us_per_row",
        "server CPU a row",
        "µs",
        Better.LOWER,
        _per_row(_cpu_s("server"), "acknowledged", 1e6),
    ),
    Measure("client_rss_bytes", "client memory", "bytes", Better.LOWER, _use("client", "most_rss_bytes")),
    Measure("server_rss_bytes", "server memory", "bytes", Better.LOWER, _use("server", "most_rss_bytes")),
    Measure(
        "server_read_bytes_per_s", "server reads", "bytes/s", Better.LOWER, _rate_of("server", "read_bytes")
    ),
    Measure(
        "server_written_bytes_per_s",
        "server writes",
        "bytes/s",
        Better.LOWER,
        _rate_of("server", "written_bytes"),
    ),
    Measure(
        "disk_written_bytes_per_s",
        "machine's disks write",
        "bytes/s",
        Better.NEITHER,
        _rate_of("machine", "written_bytes"),
    ),
    Measure(
        "wire_bytes_per_row",
        "on the wire",
        "bytes/row",
        Better.LOWER,
        _per_row(_report("wire_bytes"), "acknowledged", 1),
    ),
    Measure(
        "disk_bytes_per_row",
        "on the disk",
        "bytes/row",
        Better.LOWER,
        _per_row(_disk_bytes, "acknowledged", 1),
    ),
)
MEASURES: Final = (*RATES, *LATENCIES, *QUESTIONS, *RESOURCES)


def slugs(levels: Sequence[Level]) -> list[str]:
    """The questions that were asked at any of the levels, in their order."""
    found: dict[str, None] = {}
    for level in levels:
        found.update(dict.fromkeys((level["questions"] or {}).get("questions", {})))
    return list(found)


def question_measures(levels: Sequence[Level]) -> list[Measure]:
    """One measure for each question that was asked."""

    def of(slug: str) -> Measure:
        return Measure(
            f"question_{slug}_ms", slug, "ms", Better.LOWER, lambda level: question_ms(level, slug)
        )

    return [of(slug) for slug in slugs(levels)]


def median(measure: Measure, levels: Sequence[Level]) -> float | None:
    """The middle of a level's repetitions."""
    known = [value for level in levels if (value := measure.of(level)) is not None]
    return statistics.median(known) if known else None


def spread(measure: Measure, levels: Sequence[Level]) -> tuple[float, float] | None:
    """Least and most of a level's repetitions; None for a single one."""
    known = [value for level in levels if (value := measure.of(level)) is not None]
    return (min(known), max(known)) if len(known) > 1 else None


def by_load(levels: Sequence[Level]) -> list[list[Level]]:
    """The repetitions of each load together, in the order in which the loads first came."""
    found: dict[tuple[Any, ...], list[Level]] = {}
    for level in levels:
        found.setdefault((level["load"]["rate"], level["load"]["seconds"]), []).append(level)
    return list(found.values())
