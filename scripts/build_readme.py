#!/usr/bin/env python3
"""Fill the derived parts of README.md: tables, questions, commands and measured figures.

    scripts/build_readme.py           write them
    scripts/build_readme.py --check   status 1 if the README does not say what the sources say

A part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; what stands between is not edited by
hand. The sources are the schema, queries/, the parsers of the commands, and the records of the benchmarks.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from nascar.bench import measures, record
from nascar.bench.amounts import amount
from nascar.bench.measures import Level
from nascar.bench.record import Record
from nascar.cli.main import COMMANDS, build_parser
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import load_questions
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES, Column, Table

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


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


def filled(text: str) -> str:
    """`text` with every derived part made anew."""
    for name, part in PARTS.items():
        body = "\n".join(part()).strip()
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text, times = pattern.subn(lambda found, body=body: f"{found[1]}\n{body}\n\n{found[2]}", text)  # type: ignore[misc]
        if times != 1:
            raise SystemExit(f"README.md has {times} parts called {name}, wanted one: <!-- begin {name} -->")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    made = filled(text)
    if args.check:
        if made != text:
            print("README.md is not what its sources say. Write it anew: make readme", file=sys.stderr)
        return int(made != text)
    README.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
