"""What a table and its columns are: name, kind, unit, range, and how a number is read out of a race's frames."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a column travels and is stored."""

    TIME = "int64"
    INT = "int"
    FLOAT = "float"
    TEXT = "string"


class Between(Enum):
    """What a channel does between two ticks of the race."""

    LINE = "linear"
    """Moves in a straight line from one tick to the next."""
    HOLD = "hold"
    """Keeps the earlier tick's value (a gear)."""
    LAP = "lap"
    """Counts up at the instant at which the car crosses the start line."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """How a number is read out of a race's frames.

    The reading is ``round((frame value * scale + noise) / step) * step``, cut to `clip`; the noise is
    band-limited, with a standard deviation of `noise` in the column's own unit. Without noise, a reading
    never leaves the range between its two ticks: what falls in the race falls in the rows.
    """

    frame: str
    """Attribute of `nascar.race.frames.Frames`."""
    tire: str | None = None
    scale: float = 1.0
    noise: float = 0.0
    decimals: int = 0
    """The sensor's step is ``10 ** -decimals`` of the column's unit."""
    between: Between = Between.LINE
    clip: tuple[float, float] | None = None

    @property
    def step(self) -> float:
        return float(10.0**-self.decimals)

    @property
    def steps_per_unit(self) -> int:
        return int(10**self.decimals)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    unit: str
    description: str
    range: tuple[float, float] | None = None
    """Least and greatest value on the racing surface, both included."""
    sensor: Sensor | None = None
    """None for the columns that a car carries with it, its number and its names, and in low-rate tables."""
    decimals: int = 0
    """Digits after the point where no sensor says so."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    description: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}")

    @property
    def texts(self) -> tuple[Column, ...]:
        """Columns of text, the same in every row of a car."""
        return tuple(c for c in self.columns if c.kind is Kind.TEXT)

    @property
    def sensors(self) -> tuple[Column, ...]:
        """Columns that are read out of the race."""
        return tuple(c for c in self.columns if c.sensor is not None)
