"""``nascar race``: one race without telemetry, and its box score."""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nascar.cli.box_score import box_score_text, print_events
from nascar.cli.pipeline import say_wait
from nascar.cli.race_format import RaceFormat, add_race, race_format
from nascar.cli.summary import output_console
from nascar.race.box_score import BoxScore, box_score
from nascar.race.digest import BLOCK_TICKS, FramesDigest
from nascar.race.events import Event, EventKind
from nascar.race.frames import FLAGS, TICK_S

_STOPPED: Final = 130
"""Exit status after Ctrl-C, as that of the other commands."""
_SHOW_EVERY_TICKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the command has come to."""

    box: BoxScore
    events: list[Event]
    race_time_s: float
    """Race time that was worked out, to the last tick."""
    ready_s: float
    """Wall clock until the first second of the race was there: compilation, the first time."""
    wall_s: float
    """Wall clock of the rest."""
    frames_sha256: str | None


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "race",
        help="run one race without telemetry and print its box score",
        description="Runs one race from the green to the checkered flag, as fast as this machine can, and prints "
        "the official box score. Nothing is sent. The same seed, entries and commands give the same race.",
        epilog="Example: nascar race --seed 7 --laps 334 --json > race.json",
    )
    add_race(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object, with a digest of all frames (frames_sha256)",
    )
    parser.add_argument("--events", action="store_true", help="list what happened, too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    race = race_format(args)
    say_wait("Getting ready")
    outcome = run_race(race, args.seed, FramesDigest() if args.json else None)
    if args.json:
        print(json.dumps(_as_json(args, race, outcome), indent=2))
    else:
        _print(args, race, outcome)
    return 0 if outcome.box.official else _STOPPED


def run_race(format: RaceFormat, seed: int, digest: FramesDigest | None = None) -> Outcome:
    """Run a race until every car has finished or is out, or until Ctrl-C."""
    began_s = started_s = time.perf_counter()
    race, timing = format.race(seed), format.timing()
    laps = format.rules.laps
    events: list[Event] = []
    ticks = 0
    with _progress() as progress:
        task = progress.add_task(f"lap 0 of {laps}", total=laps)
        try:
            while not race.finished:
                frames = race.advance(BLOCK_TICKS)
                if not ticks:
                    started_s = time.perf_counter()
                ticks += frames.ticks
                timing.observe(frames)
                events += timing.take_events()
                timing.take_laps()
                if digest is not None:
                    digest.update(frames)
                if ticks % _SHOW_EVERY_TICKS == 0:
                    lap, flag = timing.score.leader_laps, FLAGS[int(frames.flag[-1])]
                    progress.update(task, completed=lap, description=f"lap {lap} of {laps} {flag}")
            # The last car may be about to cross the line, half a tick after the last tick.
            timing.observe(race.advance(BLOCK_TICKS))
            events += timing.take_events()
        except KeyboardInterrupt:
            # What is known so far is printed.
            pass
    return Outcome(
        box=box_score(timing, format.entries, official=race.finished),
        events=events,
        race_time_s=ticks * TICK_S,
        ready_s=started_s - began_s,
        wall_s=time.perf_counter() - started_s,
        frames_sha256=None if digest is None else digest.hexdigest(),
    )


def _progress() -> Progress:
    """On stderr, and only for a person at a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _as_json(args: argparse.Namespace, race: RaceFormat, outcome: Outcome) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "seed": args.seed,
        "laps": race.rules.laps,
        "track": race.track.name,
        "cars": len(race.entries),
        "frames_sha256": outcome.frames_sha256,
        "ready_s": round(outcome.ready_s, 3),
        "wall_s": round(outcome.wall_s, 3),
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
    }
    facts |= outcome.box.as_json()
    facts["commands"] = [_event(race, event) for event in outcome.events if event.kind is EventKind.COMMAND]
    if args.events:
        facts["events"] = [_event(race, event) for event in outcome.events]
    return facts


def _event(race: RaceFormat, event: Event) -> dict[str, Any]:
    return {
        "race_time_s": round(event.tick * TICK_S, 2),
        "lap": event.lap,
        "flag": FLAGS[event.flag],
        "kind": event.kind.value,
        "car": race.entries[event.car].car_number if event.car >= 0 else None,
        "text": event.text,
    }


def _print(args: argparse.Namespace, race: RaceFormat, outcome: Outcome) -> None:
    console = output_console()
    if args.events:
        print_events(console, outcome.events)
        console.print()
    console.print(
        f"{race.track.name}, {race.rules.laps:,} laps, {len(race.entries)} cars, seed {args.seed}",
        style="bold",
    )
    console.print(box_score_text(outcome.box))
    if race.commands and not args.events:
        print_events(console, (event for event in outcome.events if event.kind is EventKind.COMMAND))
    late = sum(command.race_time_s > outcome.race_time_s for command in race.commands)
    if late:
        console.print(f"{late} of {len(race.commands)} commands are for a time after the race's end.")
    console.print(
        f"{outcome.race_time_s:,.0f} s of race in {outcome.wall_s:.1f} s on this machine, "
        f"after {outcome.ready_s:.1f} s to get ready.",
        style="dim",
    )
    console.print(_next(args, outcome), soft_wrap=True)


def _next(args: argparse.Namespace, outcome: Outcome) -> str:
    if not outcome.box.official:
        return "Stopped before the end. Next: the whole race, or fewer --laps."
    if not args.events:
        return f"Next: what happened, with --events; the race as telemetry, with `nascar demo --seed {args.seed}`."
    return f"Next: the race as telemetry, with `nascar demo --seed {args.seed}`."
