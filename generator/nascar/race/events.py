"""What happened in a race, one entry for each thing that a commentator would say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What an event is about; the value is what the table ``race_events`` stores."""

    FLAG = "flag"
    """A flag is shown to the field, or pit road opens or closes; no car."""
    CAUTION = "caution"
    """Why the yellow flag is out; the car that caused it, if one did."""
    INCIDENT = "incident"
    """A car spins, hits something, or loses a tire."""
    RETIRED = "retired"
    """A car is out of the race; it stays where it stands."""
    STOP = "stop"
    """A car leaves its pit box; `tires`, `fuel_gal` and `standing_s` say what was done."""
    PENALTY = "penalty"
    FREE_PASS = "free_pass"
    """The lucky dog: the first car a lap down gets its lap back."""
    WAVE_AROUND = "wave_around"
    ONE_TO_GO = "one_to_go"
    STAGE = "stage"
    """A stage ends with this car in the lead."""
    LEAD = "lead"
    """Another car leads at the line."""
    FASTEST_LAP = "fastest_lap"
    FINISH = "finish"
    """A car takes the checkered flag."""
    COMMAND = "command"
    """A command of the presenter was carried out, or refused at its time; the text says which."""


NO_CAR = -1


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    tick: int
    kind: EventKind
    car: int
    """Place on the entry list, from 0; `NO_CAR` where none is concerned."""
    lap: int
    """Lap that the leader is on, from 1."""
    flag: int
    """Flag shown from then on, an index into `frames.FLAGS`."""
    text: str
    """One sentence for people."""
    tires: int = 0
    """New tires of a stop: 0, 2 (right side) or 4."""
    fuel_gal: float = 0.0
    """Fuel that went in at a stop."""
    standing_s: float = 0.0
    """Time that a stop took in the box, in seconds."""
