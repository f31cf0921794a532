#!/usr/bin/env python3
"""Fill the derived parts of README.md and of docs: tables, questions, commands, figures, panels, SQL, times of panels.

    python -m scripts.build_readme           write them
    python -m scripts.build_readme --check   status 1 if a document does not say what the sources say

A part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; what stands between is not edited by
hand. The sources are the schema, queries/, the parsers of the commands, and the records of the benchmarks. In
the walkthrough ``panels NAME`` are the panels of a dashboard, and ``sql FILE`` is a query. docs/panel-speed.md has the
records of scripts/bench_panels.py in docs/panel-speed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from grafana.panel_files import load_panels
from nascar.bench import measures, record
from nascar.bench.amounts import amount
from nascar.bench.measures import Level
from nascar.bench.record import Record
from nascar.cli.main import COMMANDS, build_parser
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import load_questions
from nascar.telemetry.columns import Column, Table
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES
from scripts import bench_panels

ROOT = Path(__file__).parents[1]


def tables() -> Iterator[str]:
    for table in TABLES:
        yield from _table(table, "range on the racing surface")
    yield (
        "Beside them stand three low-rate tables: what race control and timing say. **They are outside the "
        "612,000 messages a second**: a few hundred rows a second, sent every two seconds, counted in a ledger of "
        "their own and in no rate."
    )
    yield ""
    for table in LOW_RATE_TABLES:
        yield from _table(table, "range")
    yield (
        "And one table is about the run itself. It is in no ledger, and `--no-monitor` leaves it out; the same "
        "numbers are served as Prometheus text with `--metrics-port`."
    )
    yield ""
    yield from _table(PIPELINE_METRICS, "range")


def _table(table: Table, range_: str) -> Iterator[str]:
    yield f"**`{table.name}`** ({len(table.columns)} columns): {table.description[0].lower()}{table.description[1:]}"
    yield ""
    yield f"| column | type | unit | {range_} | what it says |"
    yield "|---|---|---|---|---|"
    for column in table.columns:
        yield (
            f"| `{column.name}` | {column.kind.value} | {column.unit} | {_range(column)} "
            f"| {column.description} |"
        )
    yield ""


def _range(column: Column) -> str:
    return "" if column.range is None else f"{column.range[0]:g} to {column.range[1]:g}"


def questions() -> Iterator[str]:
    yield "| | question | what the answer shows | file |"
    yield "|---|---|---|---|"
    for question in load_questions(ROOT / "queries"):
        file = f"queries/{question.number:02d}_{question.slug}.sql"
        yield f"| {question.number} | {question.title} | {question.shows} | [`{file}`]({file}) |"


def commands() -> Iterator[str]:
    parser = build_parser()
    choices: dict[str, argparse.ArgumentParser] = next(
        dict(action.choices) for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    names = {module.__name__.rpartition(".")[2] for module in COMMANDS}
    assert names == set(choices)
    for command in choices.values():
        yield from _command(command)


def _command(command: argparse.ArgumentParser) -> Iterator[str]:
    yield f"**`{command.prog}`**: {_sentence(command)}"
    yield ""
    parts = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    if parts:
        for part in parts[0].choices.values():
            yield from _command(part)
    else:
        yield "| argument | meaning |"
        yield "|---|---|"
        for action in command._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            flag = " ".join([*action.option_strings[:1], _metavar(action)]).strip()
            text = (action.help or "") % {"default": action.default, "prog": command.prog}
            # A bar would end the cell.
            cells = (cell.replace("|", "\\|") for cell in (f"`{flag}`", text))
            yield f"| {' | '.join(cells)} |"
        yield ""


def _metavar(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return str(action.metavar or action.dest.upper())


def _sentence(command: argparse.ArgumentParser) -> str:
    return " ".join((command.description or "").split())


def figures() -> Iterator[str]:
    """A few lines of the records in docs/measurements; the whole is in docs/measurements.md."""
    for ladder in _records("ladder"):
        # What the null sink takes says nothing of a database.
        if any(level["stores"] for level in ladder["ladder"]["levels"]):
            yield f"{_origin(ladder)}, against the {ladder['target']}:"
            yield ""
            for column in measures.by_load(ladder["ladder"]["levels"]):
                yield f"* {_level(column)}"
            yield ""
    for made in _records("knee"):
        knee = made["knee"]
        if knee["rate"] is not None:
            yield f"{_origin(made)}: {knee['rate']:,} messages/s were sustained for {knee['sustained_s']:g} s."
            yield ""
    for ceiling in _records("ceiling"):
        per_core, ratios = ceiling["ceiling"]["per_core"], ceiling["ceiling"]["ratios"]
        yield f"{_origin(ceiling)}, a second of one core:"
        yield ""
        for name, what in (
            ("render_encode", "rows rendered and encoded, from a race that has been run"),
            ("dry_run", "the whole way without a network: race, rows and encoding"),
            ("http_sink", "the same over HTTP into a server that keeps nothing"),
        ):
            yield f"* {per_core[name]['median'] / 1e6:.1f} M messages: {what}."
        published = ratios["dry_run_to_published_way"]
        if published is not None:
            yield (
                f"* {published['median']:,.0f} times what the published way makes there (pooled batches, MessagePack "
                "lists, gzip level 9)."
            )


def _records(kind: str) -> list[Record]:
    return [record.read(file) for file in sorted((ROOT / "docs" / "measurements").glob(f"{kind}-*.json"))]


def _origin(made: Record) -> str:
    on = made["machine"]
    return (
        f"On {on['cores']} cores ({on['cpu']}, {amount(on['memory_bytes'], 'bytes')}), {made['date'][:10]}, "
        f"`{made['command']}`"
    )


def _level(column: Sequence[Level]) -> str:
    """One level in a sentence; of repetitions the medians."""
    load = column[0]["load"]
    said = {one.key: amount(measures.median(one, column), one.unit) for one in measures.MEASURES}
    verdict = "held" if all(level["held"] for level in column) else "**not held**"
    return (
        f"{load['rate']:,} messages/s for {load['seconds']:g} s: {verdict}. {said['acknowledged_rows']} rows "
        f"acknowledged, {said['missed_rows']} missed, {said['failed_rows']} failed, {said['stored_rows']} stored; "
        f"P99 {said['latency_due_p99_ms']} from the due time; generator {said['client_cores']} and "
        f"{said['client_rss_bytes']}, server, questions included, {said['server_cores']} and "
        f"{said['server_rss_bytes']}; the newest row that a query sees is {said['newest_row_age_s']} old (median), and the "
        f"slowest answer took {said['slowest_question_ms']}."
    )


PARTS = {"tables": tables, "questions": questions, "commands": commands, "figures": figures}


def panels(dashboard: str) -> Iterator[str]:
    """What to look for on each panel of a dashboard, and the file of its SQL."""
    yield "| panel | what to look for | its SQL |"
    yield "|---|---|---|"
    if dashboard == "race":
        asked = [(q.title, q.look, f"queries/{q.number:02d}_{q.slug}.sql") for q in load_questions()]
    else:
        asked = [(panel.title, panel.look, panel.file) for panel in load_panels(dashboard).values()]
    for title, look, file in asked:
        # Variables of a title mean nothing outside the page.
        name = re.sub(r"\$\{(\w+)(?::\w+)?\}", r"\1", title)
        yield f"| {name} | {look[0].upper()}{look[1:]} | [`{Path(file).name}`](../{file}) |"


def sql(file: str) -> Iterator[str]:
    """The question of the panel in `file`, whole."""
    path = Path(file)
    yield f"[`{file}`](../{file}):"
    yield ""
    yield "```sql"
    yield load_panels(path.parent.name)[path.stem].sql
    yield "```"


def filled_readme(text: str) -> str:
    """README.md with every derived part made anew."""
    for name, part in PARTS.items():
        text, times = _filled(text, name, lambda _, part=part: part())  # type: ignore[misc]
        if times != 1:
            raise SystemExit(f"README.md has {times} parts called {name}, wanted one: <!-- begin {name} -->")
    return text


def filled_walkthrough(text: str) -> str:
    """docs/walkthrough.md with every derived part made anew."""
    text, _ = _filled(text, r"panels (\w+)", panels)
    text, _ = _filled(text, r"sql ([\w/.]+)", sql)
    return text


def filled_panel_speed(text: str) -> str:
    """docs/panel-speed.md with the tables of every record made anew."""
    return _filled(text, r"record ([\w-]+)", panel_record)[0]


def panel_record(name: str) -> Iterator[str]:
    """The record of the panels' times in the file of this name, below a heading of the document's own."""
    made = json.loads((ROOT / "docs" / "panel-speed" / f"{name}.json").read_text(encoding="utf-8"))
    _, _, told = bench_panels.document(made).partition("\n")
    yield told.replace("\n## ", "\n### ")


def _filled(text: str, name: str, part: Callable[[str], Iterator[str]]) -> tuple[str, int]:
    """`text` with the parts called `name` made anew, and how many there are; `part` is given the group of `name`."""
    pattern = re.compile(rf"(<!-- begin (?P<name>{name}) -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL)

    def made(found: re.Match[str]) -> str:
        groups = found.groups()
        body = "\n".join(part(groups[2] if len(groups) == 4 else "")).strip()
        return f"{groups[0]}\n{body}\n\n{groups[-1]}"

    return pattern.subn(made, text)


DOCUMENTS = {
    ROOT / "README.md": filled_readme,
    ROOT / "docs" / "walkthrough.md": filled_walkthrough,
    ROOT / "docs" / "panel-speed.md": filled_panel_speed,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    stale = 0
    for document, fill in DOCUMENTS.items():
        text = document.read_text(encoding="utf-8")
        made = fill(text)
        if args.check and made != text:
            stale = 1
            print(f"{document.name} is not what its sources say. Write it anew: make readme", file=sys.stderr)
        elif made != text:
            document.write_text(made, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
