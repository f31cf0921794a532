"""What stands on the terminal when a run is over: the ledger, the measurements and the verdict."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nascar.monitor.table import PIPELINE_METRICS
from nascar.monitor.writer import Tally
from nascar.stream.latency import Percentiles, total
from nascar.stream.ledger import TableLedger
from nascar.stream.result import Result
from nascar.stream.verdict import Verdict
from nascar.stream.verification import TableVerification, Verification

_MEGABYTE = 1e6
_PLAIN_WIDTH = 140
"""Columns where the output is no terminal: wide enough that no figure is cut."""


def output_console() -> Console:
    """The console of a command: as wide as the terminal, or wide enough for a log."""
    return Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)


def print_summary(
    console: Console,
    result: Result,
    judged: Verdict,
    verification: Verification | None = None,
    monitored: Tally | None = None,
) -> None:
    """Print the ledger of `result`, with the stored rows where they were read back, and the verdict."""
    console.print()
    console.print(ledger_table(result, verification))
    for line in measurements(result):
        console.print(Text(line, style="dim"))
    for message, times in (result.troubles + result.beside_troubles).most_common(5):
        console.print(Text(f"not acknowledged, {times:,} times: {message}", style="yellow"))
    if verification is not None and not verification.ok:
        console.print(Text(verification.text().splitlines()[-1], style="bold red"))
    if monitored is not None and monitored.lost:
        text = f"{PIPELINE_METRICS.name}: {monitored.lost:,} of {monitored.rows:,} rows were not written"
        console.print(Text(f"{text}; they count for nothing else", style="yellow"))
    console.print(Text(judged.text, style="bold green" if judged.ok else "bold red"))


def ledger_table(result: Result, verification: Verification | None) -> Table:
    """Rows by table: scheduled = acknowledged + failed + missed (+ waiting), and stored where counted.

    Below the total stand the low-rate tables, which are no part of it.
    """
    table = Table(title="Ledger (rows)", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("table")
    counts = ["scheduled", "acknowledged", "failed", "missed"]
    if result.ledger.total().waiting:
        counts.append("waiting")
    for name in counts:
        table.add_column(name, justify="right")
    stored: dict[str, TableVerification] = {}
    if verification is not None:
        stored = {one.table: one for one in verification.all_tables}
        table.add_column("stored", justify="right")
        table.add_column("")

    def add(name: str, row: TableLedger, style: str | None = None) -> None:
        cells = [f"{getattr(row, count):,}" for count in counts]
        if name in stored:
            one = stored[name]
            cells += [f"{one.stored:,}", f"[{'green' if one.ok else 'bold red'}]{one.outcome}[/]"]
        elif verification is not None:
            cells += [f"{sum(one.stored for one in verification.tables):,}", ""]
        table.add_row(name, *cells, style=style)

    for name, row in result.ledger.tables.items():
        add(name, row)
    add("all", result.ledger.total(), "bold")
    if result.beside.tables:
        table.add_row("beside the rate", style="dim")
    for name, row in result.beside.tables.items():
        add(name, row)
    return table


def measurements(result: Result) -> list[str]:
    """What was measured, a line each."""
    sent = result.ledger.total()
    seconds = result.elapsed_s
    lines = []
    if not result.settings.dry_run:
        rate = sent.bytes / seconds / _MEGABYTE if seconds else 0.0
        lines += [
            f"rate {result.achieved_rate:,.0f} rows/s of {result.settings.own_rate:,.0f} wanted, {rate:,.1f} MB/s, "
            f"{sent.requests:,} requests, {sent.retries:,} retries, {sent.late:,} rows late",
            f"write latency from the due time {percentiles(total(result.latencies.due))}",
            f"write latency from the send     {percentiles(total(result.latencies.send))}",
            f"left after the due time         {percentiles(total(result.latencies.departure))}",
            f"the schedule's own jitter       {percentiles(result.jitter.percentiles())}",
        ]
    cores = result.cpu_s / seconds if seconds else 0.0
    several = len(result.processes) > 1
    who = f"{len(result.processes)} processes" if several else "this process"
    lines.append(
        f"{who}: {result.cpu_s:.1f} s of CPU in {seconds:.1f} s ({cores:.2f} cores), "
        f"{result.max_rss_bytes / _MEGABYTE:,.0f} MB of memory at most" + (" each" if several else "")
    )
    return lines


def percentiles(measured: Percentiles) -> str:
    """``p50 … p95 … p99 … max …`` in milliseconds."""
    values = {"p50": measured.p50, "p95": measured.p95, "p99": measured.p99, "max": measured.max}
    return "  ".join(f"{name} {'–' if ms is None else f'{ms:,.1f} ms'}" for name, ms in values.items())
