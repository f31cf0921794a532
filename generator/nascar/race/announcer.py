"""Makes sentences of what the inner loops have written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from nascar.race.commands import Verb
from nascar.race.entries import Entry
from nascar.race.events import NO_CAR, Event, EventKind
from nascar.race.frames import TIRES
from nascar.race.happenings import Cause, Code, Reason, Refusal

VERBS: Final = (Verb.CAUTION, Verb.PIT, Verb.PUNCTURE, Verb.SPIN, Verb.RETIRE)
"""Numbers of the verbs in the inner loops."""
REFUSALS: Final = {
    Refusal.OUT: "it is out of the race, or on its way out",
    Refusal.CAUTION: "the caution is out already",
    Refusal.OVER: "the race has ended",
    Refusal.BUSY: "it is on its way to its pit box, in it or off the track",
}
_CAUSES: Final = {
    Cause.DEBRIS: "debris on the track",
    Cause.SPIN: "a spin",
    Cause.CRASH: "a crash",
    Cause.FAILURE: "oil on the track",
    Cause.STAGE: "the end of the stage",
    Cause.COMMAND: "race control's command",
    Cause.STOPPED_CAR: "a stopped car",
}
_REASONS: Final = {
    Reason.ENGINE: "engine",
    Reason.CRASH: "crash",
    Reason.FUEL: "out of fuel",
    Reason.COMMAND: "withdrawn",
}
_TIRE_NAMES: Final = dict(zip(TIRES, ("left front", "right front", "left rear", "right rear"), strict=True))
_WORK: Final = {0: "fuel only", 2: "two tires and fuel", 4: "four tires and fuel"}


class Announcer:
    """Knows the entry list."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._names = [f"car {entry.car_number} ({entry.driver})" for entry in entries]

    def announce(self, record: Any) -> Event:
        """The event that an `EVENT` record stands for."""
        car = int(record.car)
        kind, text = self._say(int(record.code), car, int(record.detail), record.value)
        stop = record.code == Code.STOP
        return Event(
            tick=int(record.tick),
            kind=kind,
            car=car if car >= 0 else NO_CAR,
            lap=int(record.lap),
            flag=int(record.flag),
            text=text[0].upper() + text[1:] + ".",
            tires=int(record.detail) if stop else 0,
            fuel_gal=float(record.value[0]) if stop else 0.0,
            standing_s=float(record.value[1]) if stop else 0.0,
        )

    def _say(self, code: int, car: int, detail: int, value: Any) -> tuple[EventKind, str]:
        who = self._names[car] if car >= 0 else "nobody"
        if code == Code.YELLOW:
            by = f", {who}" if car >= 0 else ""
            return EventKind.CAUTION, f"caution for {_CAUSES[detail]}{by}"
        if code == Code.STOP:
            return EventKind.STOP, f"{who} leaves its box after {value[1]:.1f} s: {_WORK[detail]}"
        if code == Code.PUNCTURE:
            return EventKind.INCIDENT, f"{who} has a flat {_TIRE_NAMES[TIRES[detail]]} tire"
        if code == Code.RETIRED:
            return EventKind.RETIRED, f"{who} is out: {_REASONS[detail]}"
        if code == Code.FINISH:
            return EventKind.FINISH, f"{who} takes the checkered flag as number {detail}"
        if code == Code.OVERTIME:
            return EventKind.FLAG, f"overtime: the race now ends after lap {detail}"
        if code == Code.REFUSED:
            whom = f" {who}" if car >= 0 and VERBS[detail] is not Verb.CAUTION else ""
            return EventKind.COMMAND, f"refused: {VERBS[detail]}{whom}: {REFUSALS[int(value[0])]}"
        if code == Code.OBEYED:
            whom = f" {who}" if car >= 0 and VERBS[detail] is not Verb.CAUTION else ""
            return EventKind.COMMAND, f"command: {VERBS[detail]}{whom}"
        kind, sentence = _SENTENCES[code]
        return kind, sentence.format(who=who, detail=detail)


_SENTENCES: Final = {
    Code.GREEN: (EventKind.FLAG, "green flag, {who} leads the field"),
    Code.PITS_OPEN: (EventKind.FLAG, "pit road is open"),
    Code.ONE_TO_GO: (EventKind.ONE_TO_GO, "one lap to go to the restart, double file"),
    Code.WHITE: (EventKind.FLAG, "white flag, {who} leads into the last lap"),
    Code.CHECKERED: (EventKind.FLAG, "checkered flag, {who} wins"),
    Code.SPIN: (EventKind.INCIDENT, "{who} spins"),
    Code.CRASH: (EventKind.INCIDENT, "{who} crashes"),
    Code.DRY: (EventKind.INCIDENT, "{who} has run out of fuel"),
    Code.FAILURE: (EventKind.INCIDENT, "{who} slows down, its engine is failing"),
    Code.SPEEDING: (EventKind.PENALTY, "{who} was too fast on pit road and must stop and go"),
    Code.TO_THE_TAIL: (
        EventKind.PENALTY,
        "{who} restarts from the tail of the field for speeding on pit road",
    ),
    Code.FREE_PASS: (EventKind.FREE_PASS, "{who} gets the free pass and a lap back"),
    Code.WAVE_AROUND: (EventKind.WAVE_AROUND, "{who} is waved around"),
}
SILENT: Final = (Code.STAGE,)
"""Told by the timing, which knows the line."""
