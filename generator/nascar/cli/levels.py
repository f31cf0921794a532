"""What `nascar bench ladder` and `nascar bench knee` share: flags, the target, Ctrl-C, and the record at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from nascar.bench import page, record, trial, watched
from nascar.bench.ladder import Runner
from nascar.bench.load import Load, Manner, Stopper
from nascar.bench.record import Record, Written
from nascar.bench.target import EngineTarget, RunningTarget, SinkTarget, Target
from nascar.bench.trial import TrialResult, run_level
from nascar.cli import arguments, send_flags
from nascar.cli.race_format import add_field
from nascar.errors import UsageError
from nascar.questions import load_questions
from nascar.telemetry.plan import RowPlan

DEFAULT_ASK_EVERY_S: Final = 1.0
DEFAULT_WARM_UP_S: Final = 3.0


def add_target(parser: argparse.ArgumentParser) -> None:
    """The flags that say what is loaded."""
    group = parser.add_argument_group(
        "what is loaded (default: the embedded engine, started anew for each level)"
    )
    group.add_argument(
        "--url", type=arguments.server_url, help="a server that runs already, Arc for example", metavar="URL"
    )
    group.add_argument(
        "--sink",
        action="store_true",
        help="the null sink, which acknowledges everything and keeps nothing: the generator and HTTP alone",
    )
    group.add_argument(
        "--token", help="the server's API token (default: $ARC_TOKEN, which no process list shows)"
    )
    group.add_argument(
        "--database",
        type=arguments.database_name,
        help="each level writes into NAME_1, NAME_2 … of the server at --url, and refuses one that holds rows "
        "(default: bench and the time)",
        metavar="NAME",
    )
    group.add_argument(
        "--append", action="store_true", help="write into --database itself, whatever it holds already"
    )
    group.add_argument(
        "--server-pid",
        type=arguments.whole_number(1, 2**22),
        help="process whose CPU, memory and disk are the server's (default: the one that listens at --url)",
        metavar="PID",
    )
    group.add_argument("--server-container", help="container whose use is the server's", metavar="NAME")
    group.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".demo"),
        help="folder on a disk with room for the embedded engine's data (default: %(default)s)",
        metavar="DIR",
    )


def add_load(parser: argparse.ArgumentParser) -> None:
    """The flags that every level hands on to ``nascar stream``, and how it is measured."""
    group = parser.add_argument_group("how it is loaded and measured")
    group.add_argument(
        "--workers",
        type=arguments.whole_number(1, arguments.MOST_WORKERS),
        help="most requests in flight at every level (default: as published, 300 to 600 by the rate)",
        metavar="N",
    )
    send_flags.add_batch_size(group)
    send_flags.add_sending(group)
    add_field(group)
    group.add_argument(
        "--warm-up",
        type=arguments.seconds(0, 3600),
        default=DEFAULT_WARM_UP_S,
        help="load a server for so long before it is measured; those rows are in no number (default: %(default)g)",
        metavar="SECONDS",
    )
    group.add_argument(
        "--ask-every",
        type=arguments.seconds(0, 3600),
        default=DEFAULT_ASK_EVERY_S,
        help="pause between two of the eight questions, which are asked round and round (default: %(default)g)",
        metavar="SECONDS",
    )
    group.add_argument("--no-questions", action="store_true", help="measure writing alone")
    group.add_argument(
        "--out",
        type=Path,
        default=record.DEFAULT_FOLDER,
        help="folder for the dated record and its page (default: %(default)s)",
        metavar="DIR",
    )


def target_of(args: argparse.Namespace) -> tuple[Target, str]:
    """What the flags of `add_target` ask for, and the token, which must not get into the record."""
    only_with_url = {
        "--database": args.database,
        "--append": args.append,
        "--server-pid": args.server_pid,
        "--server-container": args.server_container,
        "--token": args.token,
    }
    if args.url is None:
        given = [flag for flag, value in only_with_url.items() if value]
        if given:
            raise UsageError(f"{given[0]} is for a server that runs already. Give its address with --url.")
        return (SinkTarget() if args.sink else EngineTarget(args.data_dir)), ""
    if args.sink:
        raise UsageError("--sink brings its own server. Give it or --url, not both.")
    if args.append and args.database is None:
        raise UsageError("--append writes into a database that you name. Give it with --database.")
    if args.server_pid is not None and args.server_container is not None:
        raise UsageError("A server is found by --server-pid or by --server-container. Give one of them.")
    token = arguments.token_of(args)
    database = args.database or f"bench_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    find = partial(watched.find, args.url, args.server_pid, args.server_container)
    image = partial(watched.image_of, args.server_container) if args.server_container else None
    return RunningTarget(args.url, token, database, find, args.append, image), token


def load_of(args: argparse.Namespace) -> Load:
    """What all levels have in common; rate, seconds and workers are each level's own."""
    # Batches that no level could have are refused before one begins.
    RowPlan(arguments.DEFAULT_RATE, args.cars, args.batch_size, 0)
    return Load(
        rate=arguments.DEFAULT_RATE,
        seconds=0,
        batch_size=args.batch_size,
        seed=args.seed,
        cars=args.cars,
        processes=args.processes,
        compression=args.compression.value,
        max_backlog_s=args.max_backlog,
        verify_deadline_s=args.verify_deadline,
    )


def manner_of(args: argparse.Namespace) -> Manner:
    """How the flags want every level measured."""
    questions = () if args.no_questions else load_questions()
    return Manner(questions, args.ask_every, args.warm_up)


@contextmanager
def telling(console: Console) -> Iterator[Callable[[str], None]]:
    """Where a benchmark says what it does now: a line that changes on a terminal, a line more in a log."""
    if not console.is_terminal:
        yield console.print
        return
    with console.status("") as status:
        yield status.update


def runner(target: Target, manner: Manner, stopper: Stopper, tell: Callable[[str], None]) -> Runner:
    """Runs a level against `target`."""

    def run(load: Load, repetition: int) -> Awaitable[TrialResult]:
        return run_level(target, load, manner, stopper, tell, repetition)

    return run


def conclude(console: Console, target: Target, warm_up_s: float, written: Written) -> None:
    """Say what is left behind, and what to do next."""
    _tell_left(console, target, warm_up_s)
    console.print(
        f"Next: open {written.page}, or compare with another run: nascar bench compare {written.json} OTHER.json",
        soft_wrap=True,
    )


def _tell_left(console: Console, target: Target, warm_up_s: float) -> None:
    """Say what a benchmark leaves on a server that is not ours, and how it goes away."""
    if not target.left:
        return
    warm_ups = [trial.warm_up_database(target.left[0])] if warm_up_s else []
    console.print(
        f"Left on the server: {', '.join([*target.left, *warm_ups])}. To remove one, as an administrator: "
        "DELETE /api/v1/databases/NAME?confirm=true",
        soft_wrap=True,
        highlight=False,
    )


def before(args: argparse.Namespace, target: Target) -> Record:
    """What a benchmark begins on; raises `NascarError` if its results could not be written."""
    page.check()
    record.check_folder(args.out)
    return record.surroundings(args.data_dir if isinstance(target, EngineTarget) else None)


def keep(
    args: argparse.Namespace, kind: str, target: Target, token: str, on: Record, body: Mapping[str, Any]
) -> Written:
    """Write the record of a benchmark and its page; `on` is what it began on."""
    made = record.build(
        kind,
        {"target": target.name, "server_version": target.version, kind: body},
        arguments=sys.argv[1:],
        seed=args.seed,
        token=token,
        on=on,
    )
    return record.write(made, page.render(made), args.out)
