"""The box score as text: what stands on the terminal when a race is over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from nascar.race.box_score import RUNNING, BoxScore, Finish
from nascar.race.events import Event
from nascar.race.frames import FLAGS, TICK_S

_COLUMNS: Final = (
    ("pos", "right"),
    ("start", "right"),
    ("car", "right"),
    ("driver", "left"),
    ("make", "left"),
    ("laps", "right"),
    ("led", "right"),
    ("best lap", "right"),
    ("gap", "right"),
    ("stops", "right"),
    ("stints", "left"),
    ("status", "left"),
)
_FLAG_STYLES: Final = {"yellow": "yellow", "red": "red", "green": "green"}


def box_score_text(box: BoxScore) -> RenderableType:
    """The finish order as a table, and the race in some lines."""
    title = "Official result" if box.official else "Order so far"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify, no_wrap=name != "status")  # type: ignore[arg-type]
    for finish in box.finish_order:
        table.add_row(*_cells(finish), style=None if finish.status == RUNNING else "dim")
    return Group(table, Text(), *(Text(line) for line in _lines(box)))


def print_events(console: Console, events: Iterable[Event]) -> None:
    """What happened, a line each: race time, lap, flag, and a sentence."""
    for event in events:
        flag = FLAGS[event.flag]
        line = f"{clock(event.tick * TICK_S)}  lap {event.lap:>4}  {flag:<9}  {event.text}"
        console.print(Text(line, style=_FLAG_STYLES.get(flag, "")), soft_wrap=True)


def clock(time_s: float) -> str:
    """Seconds as h:mm:ss.mmm."""
    minutes, ms = divmod(round(time_s * 1000), 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{ms / 1000:06.3f}"


def _cells(finish: Finish) -> tuple[str, ...]:
    return (
        str(finish.position),
        str(finish.start_position),
        f"#{finish.car}",
        finish.driver,
        finish.manufacturer,
        str(finish.laps),
        str(finish.laps_led),
        "–" if finish.best_lap_s is None else f"{finish.best_lap_s:.3f}",
        _gap(finish),
        str(finish.stops),
        "-".join(map(str, finish.stints)),
        finish.status,
    )


def _gap(finish: Finish) -> str:
    if finish.laps_down:
        return f"-{_counted(finish.laps_down, 'lap')}"
    if finish.gap_s is None:
        return "–"
    return f"+{finish.gap_s:.3f}" if finish.position > 1 else ""


def _lines(box: BoxScore) -> Iterable[str]:
    margin = "" if box.margin_s is None else f", margin {box.margin_s:.3f} s"
    yield (
        f"{_counted(box.laps_completed, 'lap')} in {clock(box.race_time_s)}, "
        f"average {box.average_speed_mph:.3f} mph{margin}"
    )
    yield f"{_counted(box.lead_changes, 'lead change')} among {_counted(box.leaders, 'leader')}"
    for lead in box.lead_runs:
        yield f"  #{lead.car} led {_span(lead.first_lap, lead.last_lap)}"
    yield f"{_counted(box.cautions, 'caution')} for {_counted(box.caution_laps, 'lap')}"
    for caution in box.caution_periods:
        yield f"  from lap {caution.lap}, {_counted(caution.laps, 'lap')}: {caution.reason}"
    for stage in box.stages:
        yield f"Stage {stage.number} ended with lap {stage.lap}, won by #{stage.car}"
    if box.fastest_lap is not None:
        fastest = box.fastest_lap
        yield f"Fastest lap: #{fastest.car} {fastest.driver}, lap {fastest.lap}, {fastest.lap_time_s:.3f} s"


def _span(first: int, last: int) -> str:
    return f"lap {first}" if first == last else f"laps {first}–{last}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
