"""A level on a page: verdict, rows, rate, latencies, backlog, questions, resources, ledger, notes."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nascar.bench import measures, pictures
from nascar.bench.amounts import amount
from nascar.bench.document import Document
from nascar.bench.measures import Level


def add_level(page: Document, level: Level, title: str) -> None:
    """Everything about one level, under `title`."""
    page.add(f"<h2>{html.escape(title)}</h2>")
    report = level["report"]
    limit = measures.bound(level)
    if level["held"]:
        page.verdict(True, report["verdict_text"])
    else:
        by = f"Limited by the {limit}: " if limit else "Not held: "
        page.verdict(False, by + "; ".join(measures.reasons(level)) + ".")
    for warning in measures.warnings(level):
        page.text(warning, "warning")
    if report is None:
        return
    page.add("<h3>Rows: offered, acknowledged, stored, and their differences</h3>")
    page.table(*_differences(level))
    page.picture(
        "Rate (a red band is a pause in which nothing was acknowledged; the last second is not a whole one)",
        pictures.rate_over_time(level),
    )
    page.picture("Write latency over time", pictures.latencies_side_by_side(level))
    page.table(
        ("", "P50", "P95", "P99", "most"),
        [
            ("from the due time", *_four(report["latency_ms"]["due"])),
            ("from the send", *_four(report["latency_ms"]["send"])),
            ("left after the due time", *_four(report["departure_ms"])),
            ("the schedule's own jitter", *_four(report.get("jitter_ms", {}))),
        ],
    )
    page.picture(
        "What the server had taken and not stored",
        pictures.backlog_and_stored(level),
        "The server shows no row counters." if level["stores"] else "",
    )
    page.picture(
        "The eight questions while rows flowed",
        pictures.questions_over_time(level),
        f"No times: {level['questions_note'] or 'nothing was asked'}.",
    )
    _questions(page, level)
    page.picture(
        "CPU, memory and disk",
        pictures.resources_over_time(level),
        "Not looked at: only `nascar bench` does.",
    )
    _resources(page, level)
    page.add("<h3>Ledger</h3>")
    page.table(*_ledger(report))
    _wire(page, level)
    _notes(page, report)


def _differences(level: Level) -> tuple[Sequence[str], list[Sequence[object]]]:
    offered, acknowledged, stored = (
        measures.rows(level, "scheduled"),
        measures.rows(level, "acknowledged"),
        measures.stored_rows(level),
    )
    assert offered is not None
    assert acknowledged is not None

    def line(name: str, rows: int | None, before: int | None) -> Sequence[object]:
        difference = None if rows is None or before is None else rows - before
        share = None if rows is None or not offered else f"{rows / offered:.4%}"
        return (name, amount(rows, "rows"), share, None if difference is None else f"{difference:+,}")

    return (
        ("", "rows", "of the offered", "to the line above"),
        [
            line("offered", offered, None),
            line("acknowledged", acknowledged, offered),
            line("stored, counted at the end", stored, acknowledged),
        ],
    )


def _four(percentiles: Mapping[str, float | None]) -> list[str]:
    return [amount(percentiles.get(name), "ms") for name in ("p50", "p95", "p99", "max")]


def _questions(page: Document, level: Level) -> None:
    asked = (level["questions"] or {}).get("questions", {})
    if not asked:
        return
    page.table(
        ("question", "asked", "not answered", "median", "most"),
        [
            (
                f"{one['title']}",
                one["asked"],
                one["failed"],
                amount(one["ms"]["median"], "ms"),
                amount(one["ms"]["max"], "ms"),
            )
            for one in asked.values()
        ],
    )
    for message in sorted({message for one in asked.values() for message in one["errors"]}):
        page.text(f"not answered: {message}", "dim")
    age = level["questions"]["newest_row_age_s"]
    page.text(
        f"The newest row that a query saw was {amount(age['median'], 's')} old (median), "
        f"{amount(age['max'], 's')} at most.",
    )


def _resources(page: Document, level: Level) -> None:
    found = level["resources"]
    lines = []
    for name in ("client", "server", "machine"):
        use = found[name]
        if use is None:
            continue
        lines.append(
            (
                f"{name} ({use['what']})" if name != "machine" else "machine, all processes",
                amount(use["mean_cores"], "cores"),
                amount(use["most_rss_bytes"], "bytes"),
                amount(use["read_bytes"], "bytes"),
                amount(use["written_bytes"], "bytes"),
                amount(use["received_bytes"], "bytes"),
            )
        )
    if lines:
        page.table(("", "CPU, mean", "memory, most", "read", "written", "received over the network"), lines)
    if found["server"] is None:
        page.text(f"The server's use is not known: {level['server_note']}.", "dim")


def _ledger(report: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[object] | str]]:
    verification = report.get("verification")
    counts = ("scheduled", "acknowledged", "failed", "missed", "waiting", "late", "requests", "retries")

    def lines(part: str) -> Iterable[Sequence[object]]:
        for name, table in report.get(part, {}).items():
            counted = None if verification is None else verification[part].get(name)
            yield (
                name,
                *(f"{table.get(count, 0):,}" for count in counts),
                None if counted is None else f"{counted['stored']:,}",
                None if counted is None else counted["outcome"],
            )

    return (
        ("table", *counts, "stored", "outcome"),
        [*lines("tables"), "beside the rate: the low-rate tables", *lines("beside")],
    )


def _wire(page: Document, level: Level) -> None:
    report = level["report"]
    by_key = {measure.key: measure for measure in measures.RESOURCES}
    said = [
        f"{amount(by_key[key].of(level), 'bytes/row')} {by_key[key].label}"
        for key in ("wire_bytes_per_row", "disk_bytes_per_row")
        if by_key[key].of(level) is not None
    ]
    compression = report.get("compression", "none")
    if said:
        page.add("<h3>Bytes per row</h3>")
        page.text("; ".join(said) + f"; compression: {compression}.")


def _notes(page: Document, report: Mapping[str, Any]) -> None:
    stalls = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report["stalls_s"].items() if seconds)
    troubles = [f"{times:,} times: {text}" for text, times in report["troubles"].items()]
    lines = [
        *([f"rows waited: {stalls}"] if stalls else []),
        *(f"not acknowledged, {text}" for text in troubles),
        *(f"at {note['at_s']:.1f} s: {note['text']}" for note in report["notes"]),
    ]
    if lines:
        page.add("<h3>Notes</h3>")
        page.sentences(lines)
