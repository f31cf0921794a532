"""Codes of what happens in the inner loops, and the list that they write into."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from nascar.compiled import compiled
from nascar.race.state import MOST_EVENTS


class CodeCodes(NamedTuple):
    """What an `EVENT` record is about. `detail` and `value` are named where they mean something."""

    GREEN: int = 0
    YELLOW: int = 1
    """`detail` is the `Cause`."""
    PITS_OPEN: int = 2
    ONE_TO_GO: int = 3
    WHITE: int = 4
    CHECKERED: int = 5
    OVERTIME: int = 6
    """`detail` is the lap at which the race now ends."""
    SPIN: int = 7
    CRASH: int = 8
    PUNCTURE: int = 9
    """`detail` is the tire."""
    FAILURE: int = 10
    RETIRED: int = 11
    """`detail` is the `Reason`."""
    STOP: int = 12
    """`detail` is the number of tires; values are fuel in gal and seconds in the box."""
    SPEEDING: int = 13
    FREE_PASS: int = 14
    WAVE_AROUND: int = 15
    FINISH: int = 16
    """`detail` is the place."""
    STAGE: int = 17
    DRY: int = 18
    REFUSED: int = 19
    """`detail` is the verb's number, values[0] the `Refusal`."""
    OBEYED: int = 20
    """`detail` is the verb's number."""
    TO_THE_TAIL: int = 21


Code: Final = CodeCodes()


class CauseCodes(NamedTuple):
    """Why the yellow flag is out."""

    DEBRIS: int = 0
    SPIN: int = 1
    CRASH: int = 2
    FAILURE: int = 3
    STAGE: int = 4
    COMMAND: int = 5
    STOPPED_CAR: int = 6


Cause: Final = CauseCodes()


class ReasonCodes(NamedTuple):
    """Why a car is out."""

    ENGINE: int = 0
    CRASH: int = 1
    FUEL: int = 2
    COMMAND: int = 3


Reason: Final = ReasonCodes()


class RefusalCodes(NamedTuple):
    """Why a command was not carried out."""

    OUT: int = 0
    CAUTION: int = 1
    OVER: int = 2
    BUSY: int = 3


Refusal: Final = RefusalCodes()


@compiled
def tell(
    events: Any, field: Any, tick: int, code: int, car: int, detail: int, first: float, second: float
) -> None:
    """Append one event; what finds no room is counted."""
    if field.events >= MOST_EVENTS:
        field.lost_events += 1
        return
    event = events[field.events]
    event.tick = tick
    event.code = code
    event.car = car
    event.lap = max(field.leader_lap + 1, 1)
    event.flag = field.flag
    event.detail = detail
    event.value[0] = first
    event.value[1] = second
    field.events += 1
