"""What stands on the terminal when levels were measured: the six published measures, a column for each level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from nascar.bench import measures
from nascar.bench.amounts import NOTHING, amount, rate
from nascar.bench.measures import Level, Measure


def level_line(level: Level) -> Text:
    """One level in one line, as soon as it is over, with the reasons if it was not held."""
    report = level["report"]
    held = level["held"]
    text = Text.assemble(
        (f"{rate(level['load']['rate']):>9} ", "bold"),
        ("held" if held else "not held", "green" if held else "red"),
    )
    if report is not None:
        text.append(
            f"  acknowledged {report['achieved_rate']:,.0f} rows/s,"
            f" P99 {amount(report['latency_ms']['due']['p99'], 'ms')} from the due time"
        )
    limit = measures.bound(level)
    if not held:
        text.append(
            f"\n          {f'limited by the {limit}: ' if limit else ''}" + "; ".join(measures.reasons(level))
        )
    for warning in measures.warnings(level):
        text.append(f"\n          {warning}", "yellow")
    return text


def ladder_table(levels: Sequence[Level]) -> Table:
    """All levels beside each other; of repetitions the median, with the least and the most."""
    table = Table(title="The load ladder", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    columns = measures.by_load(levels)
    for column in columns:
        load = column[0]["load"]
        table.add_column(f"{rate(load['rate'])}, {load['seconds']:g} s", justify="right")

    def section(title: str, lines: Iterable[Measure]) -> None:
        rows = [(measure.label, [_cell(measure, column) for column in columns]) for measure in lines]
        known = [(label, cells) for label, cells in rows if any(cell != NOTHING for cell in cells)]
        if known:
            table.add_row(Text(title, "dim"))
        for label, cells in known:
            table.add_row(f"  {label}", *cells)

    section("Ingest rate: rows, and rows a second", measures.RATES)
    section("Write latency", measures.LATENCIES)
    section("The eight questions while writing", [*measures.question_measures(levels), *measures.QUESTIONS])
    section("Memory, disk and CPU", measures.RESOURCES)
    table.add_row(Text("Verdict", "dim"))
    table.add_row("  held", *(_held(column) for column in columns))
    table.add_row("  limited by", *(_limits(column) for column in columns))
    return table


def _cell(measure: Measure, column: Sequence[Level]) -> str:
    middle, ends = measures.median(measure, column), measures.spread(measure, column)
    text = amount(middle, measure.unit)
    if ends is None or ends[0] == ends[1]:
        return text
    return f"{text} ({amount(ends[0], measure.unit)} – {amount(ends[1], measure.unit)})"


def _held(column: Sequence[Level]) -> Text:
    held = sum(level["held"] for level in column)
    if len(column) == 1:
        return Text("yes", "green") if held else Text("no", "bold red")
    return Text(f"{held} of {len(column)}", "green" if held == len(column) else "bold red")


def _limits(column: Sequence[Level]) -> str:
    return ", ".join(sorted({measures.bound(level) for level in column} - {""})) or NOTHING
