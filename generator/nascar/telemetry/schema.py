"""The telemetry tables: the only place that knows their names, columns, types, units and ranges.

The sampler, the wire encoder, the README's tables, the dashboards and the tests all read it. Names, order,
types and ranges are those of the published demo. Ranges hold on the racing surface; on pit road speed and
rpm go lower, and so may the gear.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


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
    """None for the columns that a car carries with it: its number and its names."""


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


MPH_PER_MPS: Final = 3600.0 / 1609.344

_TIME = Column("time", Kind.TIME, "µs", "Instant of the row, UTC, since 1970-01-01 (ms with --time-unit ms)")
_CAR_NUMBER = Column("car_number", Kind.INT, "", "Car number, 1–40 in the entry list of the demo")
_DRIVER = Column("driver", Kind.TEXT, "", "Driver name")
_TEAM = Column("team", Kind.TEXT, "", "Team name")
_MANUFACTURER = Column("manufacturer", Kind.TEXT, "", "Chevrolet, Ford or Toyota")
_LAP = Column(
    "lap", Kind.INT, "lap", "Current lap number, from 1", (1, 100_000), Sensor("lap", between=Between.LAP)
)


def _tire_pressure(tire: str, place: str) -> Column:
    return Column(
        f"{tire}_pressure_psi",
        Kind.FLOAT,
        "psi",
        f"{place} tire pressure; follows the tire's temperature by the gas law",
        (15, 90),
        Sensor("tire_pressure_psi", tire=tire, noise=0.04, decimals=1),
    )


def _tire_temp(tire: str, place: str) -> Column:
    return Column(
        f"{tire}_temp_f",
        Kind.INT,
        "°F",
        f"{place} tire surface temperature (estimate; hottest on the right front)",
        (60, 320),
        Sensor("tire_temp_f", tire=tire, noise=0.6),
    )


_PLACES: Final = {"lf": "Left front", "rf": "Right front", "lr": "Left rear", "rr": "Right rear"}

ENGINE: Final = Table(
    "engine_telemetry",
    "Engine, drivetrain and fuel",
    (
        _TIME,
        _CAR_NUMBER,
        _DRIVER,
        _TEAM,
        _MANUFACTURER,
        Column("rpm", Kind.INT, "rpm", "Engine speed", (3000, 9500), Sensor("rpm", noise=12)),
        Column(
            "throttle_position",
            Kind.FLOAT,
            "%",
            "Throttle, 0 closed to 100 wide open",
            (0, 100),
            Sensor("throttle", scale=100, noise=0.2, decimals=1, clip=(0, 100)),
        ),
        Column(
            "speed_mph",
            Kind.FLOAT,
            "mph",
            "Speed over the ground",
            (55, 200),
            # A car that stands still must not read backwards.
            Sensor("speed_mps", scale=MPH_PER_MPS, noise=0.05, decimals=2, clip=(0, 300)),
        ),
        Column(
            "engine_temp",
            Kind.INT,
            "°F",
            "Engine water temperature (estimate)",
            (150, 260),
            Sensor("water_temp_f", noise=0.3),
        ),
        Column(
            "oil_pressure",
            Kind.INT,
            "psi",
            "Oil pressure: rises with rpm, falls with oil temperature (estimate)",
            (20, 110),
            Sensor("oil_pressure_psi", noise=0.3),
        ),
        Column(
            "oil_temp",
            Kind.INT,
            "°F",
            "Oil temperature (estimate)",
            (150, 320),
            Sensor("oil_temp_f", noise=0.3),
        ),
        Column(
            "fuel_level",
            Kind.FLOAT,
            "gal",
            "Fuel in the cell, integrated from the flow meter",
            (0, 20),
            # No noise: a flow meter's integral never rises, and neither may the level outside the pit.
            Sensor("fuel_gal", decimals=3, clip=(0, 20)),
        ),
        Column("gear", Kind.INT, "", "Gear engaged", (3, 4), Sensor("gear", between=Between.HOLD)),
        _LAP,
    ),
)

CHASSIS: Final = Table(
    "chassis_telemetry",
    "Forces, brakes, steering and ride heights",
    (
        _TIME,
        _CAR_NUMBER,
        _DRIVER,
        Column(
            "lateral_g",
            Kind.FLOAT,
            "g",
            "Lateral g-force across the banked floor, positive in the left-hand turns",
            (-3.5, 3.5),
            Sensor("lateral_g", noise=0.02, decimals=3),
        ),
        Column(
            "longitudinal_g",
            Kind.FLOAT,
            "g",
            "Longitudinal g-force, positive when the car gains speed",
            (-2.5, 1.5),
            Sensor("longitudinal_g", noise=0.01, decimals=3),
        ),
        Column(
            "vertical_g",
            Kind.FLOAT,
            "g",
            "Vertical g-force through the floor, 1 at rest",
            (0.5, 3.5),
            Sensor("vertical_g", noise=0.02, decimals=3),
        ),
        Column(
            "brake_pressure_psi",
            Kind.INT,
            "psi",
            "Brake line pressure (estimate); above 500 is heavy braking",
            (0, 1500),
            Sensor("brake_pressure_psi", noise=0.8, clip=(0, 1500)),
        ),
        Column(
            "steering_angle_deg",
            Kind.FLOAT,
            "°",
            "Steering wheel angle, positive to the left",
            (-90, 90),
            Sensor("steering_angle_deg", noise=0.1, decimals=1),
        ),
        Column(
            "ride_height_front_in",
            Kind.FLOAT,
            "in",
            "Front ride height (estimate): falls with vertical g and with drag",
            (0.5, 7),
            Sensor("ride_height_front_in", noise=0.01, decimals=3),
        ),
        Column(
            "ride_height_rear_in",
            Kind.FLOAT,
            "in",
            "Rear ride height (estimate)",
            (0.5, 9),
            Sensor("ride_height_rear_in", noise=0.01, decimals=3),
        ),
        _LAP,
    ),
)

TIRE: Final = Table(
    "tire_telemetry",
    "Pressure and surface temperature of the four tires",
    (
        _TIME,
        _CAR_NUMBER,
        _DRIVER,
        *(_tire_pressure(tire, place) for tire, place in _PLACES.items()),
        *(_tire_temp(tire, place) for tire, place in _PLACES.items()),
        _LAP,
    ),
)

TABLES: Final = (ENGINE, CHASSIS, TIRE)
"""The three published tables, in the order in which they take turns on the wire."""
