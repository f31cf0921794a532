"""The race and its stream in the terminal, while they happen.

On a terminal a screen that is drawn twice a second; elsewhere (a pipe, a container's log) one plain line
every five seconds. It polls; the stream knows nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nascar.cli.summary import percentiles
from nascar.race.entries import Entry
from nascar.race.frames import FLAGS
from nascar.race.timing import Standings
from nascar.stream.progress import Note, Phase, Snapshot

REDRAW_S: Final = 0.5
LINE_EVERY_S: Final = 5.0
TOP: Final = 10

_FLAG_STYLES: Final = {
    "green": "bold white on green",
    "yellow": "bold black on yellow",
    "red": "bold white on red",
    "white": "bold black on white",
    "checkered": "bold white on black",
}
_MANUFACTURER_STYLES: Final = {"Chevrolet": "yellow", "Ford": "bright_blue", "Toyota": "red"}


class Running(Protocol):
    """What is shown: a run in one process or in several."""

    def snapshot(self) -> Snapshot: ...


class Screen:
    """Shows `run` from entering to leaving, with the race as `standings` has it (None before it begins).

    `below` adds a part of its own (the demo's questions).
    """

    def __init__(
        self,
        console: Console,
        run: Running,
        entries: Sequence[Entry],
        standings: Callable[[], Standings | None],
        below: Callable[[], RenderableType | None] = lambda: None,
    ) -> None:
        self._console = console
        self._run = run
        self._entries = entries
        self._standings = standings
        self._below = below
        self._task: asyncio.Task[None] | None = None
        self._told: set[Note] = set()

    async def __aenter__(self) -> Self:
        show = self._draw if self._console.is_terminal else self._print_lines
        self._task = asyncio.create_task(show())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if not self._console.is_terminal:
            self._print_notes()

    def picture(self) -> RenderableType:
        """The whole screen as it is now."""
        snapshot = self._run.snapshot()
        standings = self._standings()
        parts: list[RenderableType] = []
        if standings is None:
            parts.append(Text(f"{snapshot.phase.value} …", style="bold"))
        else:
            parts += [
                _headline(standings, snapshot),
                _side_by_side(_running_order(standings, self._entries), _flow(snapshot)),
            ]
        below = self._below()
        if below is not None:
            parts.append(below)
        parts += [Text(note.text, style="yellow") for note in snapshot.notes[-3:]]
        parts.append(Text("Ctrl-C ends the run and prints the ledger", style="dim"))
        return Group(*parts)

    async def _draw(self) -> None:
        with Live(self.picture(), console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                await asyncio.sleep(REDRAW_S)
                live.update(self.picture(), refresh=True)

    async def _print_lines(self) -> None:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            self._print_notes()
            snapshot = self._run.snapshot()
            standings = self._standings()
            if standings is not None:
                print(line(standings, snapshot), flush=True)

    def _print_notes(self) -> None:
        """Say what has not been said yet."""
        for note in self._run.snapshot().notes:
            # Not by time: those of several processes come in no order.
            if note not in self._told:
                self._told.add(note)
                print(f"note: {note.text}", flush=True)


def line(standings: Standings, snapshot: Snapshot) -> str:
    """One plain line: where the race is and how the stream keeps up."""
    return (
        f"{snapshot.elapsed_s:6.0f} s  lap {standings.leader_lap} {FLAGS[standings.flag]}  "
        f"offered {snapshot.offered_rate:,.0f}/s  acknowledged {snapshot.acknowledged_rate:,.0f}/s "
        f"of {snapshot.target_rate:,}  {snapshot.bytes_rate / 1e6:,.1f} MB/s  "
        f"from due {percentiles(snapshot.due_ms)}  from send {percentiles(snapshot.send_ms)}  "
        f"late {snapshot.late:,}  missed {snapshot.missed:,}  failed {snapshot.failed:,}  "
        f"backlog {_backlog(snapshot)}"
    )


def _headline(standings: Standings, snapshot: Snapshot) -> Text:
    flag = FLAGS[standings.flag]
    minutes, seconds = divmod(int(standings.race_time_s), 60)
    hours, minutes = divmod(minutes, 60)
    text = Text.assemble(
        (f" {flag.upper()} ", _FLAG_STYLES[flag]),
        (f"  LAP {standings.leader_lap}", "bold"),
        f"   race time {hours}:{minutes:02d}:{seconds:02d}   ",
    )
    if snapshot.phase is not Phase.RUNNING:
        text.append(snapshot.phase.value, style="bold yellow")
    if snapshot.holding:
        text.append("  rows held back: the server stores too slowly", style="bold red")
    return text


def _side_by_side(left: RenderableType, right: RenderableType) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(left, right)
    return grid


def _running_order(standings: Standings, entries: Sequence[Entry]) -> Panel:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("pos", "right"), ("car", "right"), ("driver", "left"), ("make", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for name in ("gap", "last lap", "best lap", "stops"):
        table.add_column(name, justify="right", no_wrap=True)
    for place in range(min(TOP, len(standings.car))):
        entry = entries[int(standings.car[place])]
        gap = (
            "PIT" if standings.on_pit_road[place] else f"+{standings.gap_s[place]:.3f}" if place else "leader"
        )
        table.add_row(
            str(place + 1),
            Text(f"#{entry.car_number}", style=f"bold {_MANUFACTURER_STYLES.get(entry.manufacturer, '')}"),
            entry.driver,
            Text(entry.manufacturer, style=_MANUFACTURER_STYLES.get(entry.manufacturer, "")),
            gap,
            _lap_time(float(standings.last_lap_s[place])),
            _lap_time(float(standings.best_lap_s[place])),
            str(int(standings.stops[place])),
        )
    return Panel.fit(table, title="Running order", border_style="dim")


def _flow(snapshot: Snapshot) -> Panel:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    share = snapshot.acknowledged_rate / snapshot.target_rate
    held = "green" if share >= 0.99 else "yellow" if share >= 0.9 else "red"
    lost = "bold red"
    table.add_row("target", f"{snapshot.target_rate:,} rows/s")
    table.add_row("offered", f"{snapshot.offered_rate:,.0f} rows/s")
    table.add_row("acknowledged", Text(f"{snapshot.acknowledged_rate:,.0f} rows/s", style=held))
    table.add_row("", f"{snapshot.bytes_rate / 1e6:,.1f} MB/s")
    for name, measured in (
        ("P50/95/99 from due", snapshot.due_ms),
        ("P50/95/99 from send", snapshot.send_ms),
    ):
        table.add_row(name, _three(measured.p50, measured.p95, measured.p99))
    table.add_row("rows in all", f"{snapshot.acknowledged:,}")
    table.add_row("late", f"{snapshot.late:,}")
    table.add_row("missed", Text(f"{snapshot.missed:,}", style=lost if snapshot.missed else ""))
    table.add_row("failed", Text(f"{snapshot.failed:,}", style=lost if snapshot.failed else ""))
    table.add_row("server backlog", _backlog(snapshot))
    return Panel.fit(table, title="Stream", border_style="dim")


def _three(*values: float | None) -> str:
    shown = " / ".join("–" if ms is None else f"{ms:,.1f}" for ms in values)
    return f"{shown} ms"


def _backlog(snapshot: Snapshot) -> str:
    return "unknown" if snapshot.backlog is None else f"{snapshot.backlog:,} rows"


def _lap_time(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds > 0 else "–"
