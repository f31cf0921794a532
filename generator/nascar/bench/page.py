"""The page of a record, one for each kind, and that of a single stream's report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nascar.bench import measures, pictures, record
from nascar.bench.amounts import NOTHING, amount, rate
from nascar.bench.document import Document, plotly_js
from nascar.bench.level_page import add_level
from nascar.bench.measures import Level, Measure
from nascar.bench.pace import RULE
from nascar.bench.record import Record
from nascar.errors import UsageError
from nascar.stream import report as reports
from nascar.stream.report import Report
from nascar.stream.verdict import TOLERANCE


def check() -> None:
    """Find out before a benchmark whether its page can be drawn. Raises `NascarError`."""
    plotly_js()


def render(made: Record) -> str:
    """The page of a record."""
    page = Document(f"{made['kind'].capitalize()}, {made['date']}")
    page.add(f"<h1>{made['kind'].capitalize()}</h1>")
    _header(page, made)
    {"ceiling": _ceiling, "ladder": _ladder, "knee": _knee}[made["kind"]](page, made[made["kind"]])
    return page.html()


def render_file(file: Path) -> str:
    """The page of a file: a record, or else a report of ``nascar stream``. Raises `UsageError`."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    if isinstance(found, dict) and "kind" in found:
        return render(record.read(file))
    return render_report(reports.read(file))


def render_report(report: Report) -> str:
    """The page of one run of ``nascar stream``."""
    if "timeline" not in report:
        raise UsageError("This report is of an older version, without a timeline. Run the stream again.")
    page = Document(f"Stream, {report['started_at'] or 'not started'}")
    page.add("<h1>Stream</h1>")
    page.table(
        ("", ""),
        [
            ("started", report["started_at"] or NOTHING),
            ("command", " ".join(("nascar", *report.get("arguments", [])))),
            ("seed", report.get("seed")),
            ("server", f"{report['url']}, database {report['database']}"),
            ("versions", _pairs(report["versions"])),
        ],
        is_text=True,
    )
    add_level(page, _as_level(report), "The run")
    return page.html()


def _as_level(report: Report) -> Level:
    """A report as if a benchmark had run it, without what only a benchmark looks at."""
    return {
        "load": {
            "rate": report["target_rate"],
            "seconds": report["duration_s"],
            "workers": report["workers"],
        },
        "repetition": 1,
        "held": report["verdict"] == "held",
        "stopped": report["stopped"],
        "stores": not report["dry_run"],
        "error": None,
        "resources": {"client": None, "server": None, "machine": None},
        "server_note": "only `nascar bench` looks at it",
        "questions": None,
        "questions_note": "only `nascar bench` asks them",
        "settled": None,
        "disk_bytes": None,
        "report": report,
    }


def _pairs(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def _header(page: Document, made: Record) -> None:
    on = made["machine"]
    limits = [
        f"limited to {on[name]:,g} {unit}"
        for name, unit in (("cpu_limit_cores", "cores"), ("memory_limit_bytes", "bytes"))
        if on.get(name)
    ]
    usable = "" if on["cores_usable"] == on["cores"] else f" ({on['cores_usable']} usable)"
    page.table(
        ("", ""),
        [
            ("date", made["date"]),
            ("command", made["command"]),
            ("commit", made["commit"]),
            ("seed", made["seed"]),
            ("target", made.get("target", "the generator alone")),
            *([("server's version", made.get("server_version"))] if "target" in made else []),
            (
                "machine",
                f"{on['cores']} cores{usable}, {on['cpu']}{', virtual' if on['is_virtual'] else ''}, "
                f"{amount(on['memory_bytes'], 'bytes')}, {on['disk'] or 'disk not looked at'}"
                + "".join(f", {limit}" for limit in limits),
            ),
            ("system", f"{on['system']} {on['kernel']} ({on['architecture']})"),
            (
                "load before",
                None if on["load_before"] is None else f"{on['load_before']:g} processes wanted to run",
            ),
            ("versions", _pairs(made["versions"])),
        ],
        is_text=True,
    )


def _thresholds(page: Document, levels: Sequence[Level]) -> None:
    stored = (
        "missed, every acknowledged row was found in the database when it was counted, and the server's storage kept "
        f"pace: {RULE}. Where a server shows no counters, that last is not checked, and said."
        if any(level["stores"] for level in levels)
        else "missed. The null sink keeps nothing: no row was looked for, and no number here is a database's."
    )
    page.text(
        f"A level is held if the acknowledged rate is within {TOLERANCE:.0%} of the target, no row failed or was "
        f"{stored} Where the generator used more than {measures.CLIENT_BUSY:.0%} of its cores, the number is the "
        "generator's and not the server's. Latency counts from the time at which a row was due, and beside it from the "
        "send: a client that waits for a slow server hides in the second what the first shows.",
        "dim",
    )


def _ladder(page: Document, ladder: Mapping[str, Any]) -> None:
    levels = ladder["levels"]
    held = sum(level["held"] for level in levels)
    wanted = len(ladder["wanted"]) * ladder["repetitions"]
    ended = f" It ended early: {ladder['ended']}." if ladder["ended"] else ""
    page.verdict(ladder["held"], f"Held {held} of {wanted} levels.{ended}")
    _thresholds(page, levels)
    page.add("<h2>The six measures</h2>")
    _summary(page, levels)
    for level in levels:
        repetition = f", repetition {level['repetition']}" if ladder["repetitions"] > 1 else ""
        add_level(
            page, level, f"{rate(level['load']['rate'])} for {level['load']['seconds']:g} s{repetition}"
        )


def _knee(page: Document, knee: Mapping[str, Any]) -> None:
    if knee["rate"] is not None:
        above = (
            "nothing above it was tried"
            if knee["missed_rate"] is None
            else f"{knee['missed_rate']:,} rows/s were not held"
        )
        page.verdict(
            True,
            f"The highest rate sustained for {knee['sustained_s']:g} s: {knee['rate']:,} rows/s; {above}.",
        )
    else:
        said = "no rate was held" if knee["is_answered"] else f"the search was ended: {knee['ended']}"
        page.verdict(False, f"No sustained rate was found: {said}.")
    stored = ", all are stored and in time," if any(one["stores"] for one in knee["trials"]) else ""
    page.text(
        f"A trial lasts {knee['trial_s']:g} s and counts as held if no row was lost{stored} and the 99th percentile of "
        f"the write latency from the due time is at most {knee['p99_limit_ms']:g} ms. The answer lies within "
        f"{knee['precision']:.0%} of a rate that was not held.",
        "dim",
    )
    _thresholds(page, knee["trials"])
    page.picture("The search", pictures.trials(knee["trials"]))
    page.table(
        (
            "trial",
            "why",
            "rows/s",
            "seconds",
            "acknowledged rows/s",
            "P99 from the due time",
            "held",
            "because",
        ),
        [
            (
                number,
                one["phase"],
                f"{one['load']['rate']:,}",
                f"{one['load']['seconds']:g}",
                amount((one["report"] or {}).get("achieved_rate"), "rows/s"),
                amount(_p99_ms(one), "ms"),
                "yes" if one["counts_as_held"] else "no",
                "; ".join(one["misses"]),
            )
            for number, one in enumerate(knee["trials"], 1)
        ],
    )
    for level in _telling(knee):
        add_level(
            page, level, f"{rate(level['load']['rate'])} for {level['load']['seconds']:g} s, {level['phase']}"
        )


def _telling(knee: Mapping[str, Any]) -> list[Level]:
    """The trials worth looking at: what the answer stands on, and the last that shows what limits it."""
    last: dict[tuple[int, bool], Level] = {
        (one["load"]["rate"], one["counts_as_held"]): one for one in knee["trials"]
    }
    chosen = (last.get((knee["rate"], True)), last.get((knee["missed_rate"], False)))
    return [one for one in chosen if one is not None] or list(knee["trials"][-1:])


def _p99_ms(level: Level) -> float | None:
    report = level["report"]
    p99_ms: float | None = None if report is None else report["latency_ms"]["due"]["p99"]
    return p99_ms


def _ceiling(page: Document, ceiling: Mapping[str, Any]) -> None:
    titles = ceiling["titles"]
    page.text(
        f"What the generator can do on this machine, in messages (rows) a second, at {ceiling['rate']:,} messages/s "
        f"of race time: the median of {_repetitions(ceiling)} measurements, with the least and the most. Per core is "
        "by CPU time, one process alone; all cores is by the clock, one process for every core at the same time."
    )
    page.picture("Per core", pictures.bars(ceiling["per_core"], titles))
    page.picture(f"All {ceiling['cores']} cores", pictures.bars(ceiling["all_cores"], titles, pictures.GREEN))
    page.add("<h2>Numbers</h2>")
    page.table(
        ("stage", "median", "least", "most"),
        [
            line
            for title, spreads in (("per core", ceiling["per_core"]), ("all cores", ceiling["all_cores"]))
            for line in (
                title,
                *(
                    (titles.get(name, name), *(f"{one[key]:,.0f}" for key in ("median", "least", "most")))
                    for name, one in spreads.items()
                ),
            )
        ],
    )
    page.add("<h2>What follows, and what must be known to read it</h2>")
    page.sentences(ceiling["notes"])


def _repetitions(ceiling: Mapping[str, Any]) -> int:
    return max((len(one["measured"]) for one in ceiling["per_core"].values()), default=0)


def _summary(page: Document, levels: Sequence[Level]) -> None:
    columns = measures.by_load(levels)

    def lines(title: str, chosen: Sequence[Measure]) -> Iterable[Sequence[object] | str]:
        rows = [
            (m.label, *(amount(measures.median(m, column), m.unit) for column in columns)) for m in chosen
        ]
        known = [row for row in rows if set(row[1:]) != {NOTHING}]
        if known:
            yield title
        yield from known

    page.table(
        (
            "",
            *(f"{rate(column[0]['load']['rate'])}, {column[0]['load']['seconds']:g} s" for column in columns),
        ),
        [
            *lines("ingest rate: rows, and rows a second", measures.RATES),
            *lines("write latency", measures.LATENCIES),
            *lines(
                "the eight questions while writing",
                [*measures.question_measures(levels), *measures.QUESTIONS],
            ),
            *lines("memory, disk and CPU", measures.RESOURCES),
            "verdict",
            (
                "held",
                *(f"{sum(level['held'] for level in column)} of {len(column)}" for column in columns),
            ),
        ],
    )
