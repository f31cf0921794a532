"""``nascar queries``: ask the eight questions and show each answer and the time it took."""

from __future__ import annotations

import argparse
import asyncio
import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nascar.asking import Asked, ask
from nascar.cli.arguments import add_server, token_of, whole_number
from nascar.cli.summary import output_console
from nascar.questions import load_questions
from nascar.stream.client import Client


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "queries",
        help="ask the eight questions and show each answer and its time",
        description="Asks the eight files of queries/ against any server that speaks Arc's API, one after the "
        "other, and prints each answer and its time. Ends with status 0 if all were answered.",
        epilog="Example: ARC_TOKEN=… nascar queries --url http://localhost:8000",
    )
    add_server(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument(
        "--rows",
        type=whole_number(1, 100_000),
        default=10,
        help="rows of each answer to print (default: %(default)s)",
        metavar="N",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_run(args, token_of(args)))


async def _run(args: argparse.Namespace, token: str) -> int:
    questions = load_questions()
    console = output_console()
    asked: list[Asked] = []
    async with Client(args.url, token, database=args.database) as client:
        await client.wait_ready(timeout_s=5)
        for question in questions:
            asked.append(await ask(client, question, args.database))
            if not args.json:
                _show(console, asked[-1], args.rows)
    failed = [one for one in asked if one.error is not None]
    if args.json:
        print(
            json.dumps(
                {"url": args.url, "database": args.database, "queries": [one.as_json() for one in asked]}
            )
        )
    elif failed:
        numbers = ", ".join(str(one.question.number) for one in failed)
        console.print(
            f"[bold red]Not answered: {numbers}.[/] The reason stands above; look at the server's log."
        )
    else:
        total_ms = sum(one.answer.elapsed_s * 1000 for one in asked if one.answer is not None)
        empty = [str(one.question.number) for one in asked if one.answer is not None and not one.answer.rows]
        console.print(f"All {len(asked)} questions answered in {total_ms:,.0f} ms, one after the other.")
        if empty:
            console.print(
                f"No rows for {', '.join(empty)}: the questions look at the last minutes. "
                "Start a race with `nascar stream` and ask again."
            )
    return 1 if failed else 0


def _show(console: Console, asked: Asked, most_rows: int) -> None:
    question, answer = asked.question, asked.answer
    console.print(Text.assemble((f"{question.number}. {question.title}", "bold"), f"  {question.shows}"))
    if answer is None:
        console.print(Text(asked.error or "", style="red"))
    else:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in answer.columns:
            table.add_column(name, justify="left")
        for row in answer.rows[:most_rows]:
            table.add_row(*("" if value is None else str(value) for value in row))
        if answer.rows:
            console.print(table)
        more = len(answer.rows) - most_rows
        note = f", {more:,} more" if more > 0 else ""
        console.print(
            Text(f"{len(answer.rows):,} rows{note} in {answer.elapsed_s * 1000:,.0f} ms", style="green"),
            end="\n\n",
        )
