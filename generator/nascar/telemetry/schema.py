"""The telemetry tables: the only place that knows their names, columns, types, units and ranges.

The sampler, the wire encoder, the README's tables, the dashboards and the tests all read it. Names, order,
types and ranges of `TABLES` are those of the published demo. Their ranges hold on the racing surface
under green: under caution, on pit road and in a spin speed, rpm and gear go lower, and a car that slides leaves
those of its forces. `LOW_RATE_TABLES` stand beside them: what race control and timing say, a few hundred rows
a second that are no part of the rate. Their ranges hold always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nascar.race.events import EventKind
from nascar.race.frames import FLAGS
from nascar.telemetry.columns import Between, Column, Kind, Sensor, Table

MPH_PER_MPS: Final = 3600.0 / 1609.344


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


_TIME = Column("time", Kind.TIME, "µs", "Instant of the row, UTC, since 1970-01-01 (ms with --time-unit ms)")
_CAR_NUMBER = Column("car_number", Kind.INT, "", "Car number, 1–40 in the entry list of the demo")
_DRIVER = Column("driver", Kind.TEXT, "", "Driver name")
_TEAM = Column("team", Kind.TEXT, "", "Team name")
_MANUFACTURER = Column("manufacturer", Kind.TEXT, "", "Chevrolet, Ford or Toyota")
_LAP = Column(
    "lap", Kind.INT, "lap", "Current lap number, from 1", (1, 100_000), Sensor("lap", between=Between.LAP)
)


_LAP_COMPLETED = Column("lap", Kind.INT, "lap", "The lap that was completed, from 1", (1, 100_000))
_POSITION = Column("position", Kind.INT, "", "Running order, 1 is the leader", (1, 1_000))
_FLAG = Column("flag", Kind.TEXT, "", f"Flag shown to the field: {_either(FLAGS)}")


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

RACE_EVENTS: Final = Table(
    "race_events",
    "What a commentator would say: flags, cautions, stops, incidents, passes for the lead, stages, the finish",
    (
        replace(
            _TIME,
            description="Tick of the race at which it happened; events of one tick are 1 µs apart, in their order",
        ),
        Column("lap", Kind.INT, "lap", "Lap that the leader is on, from 1", (1, 100_000)),
        replace(_FLAG, description=f"Flag shown to the field from then on: {_either(FLAGS)}"),
        Column(
            "kind",
            Kind.TEXT,
            "",
            f"What it is about: {_either([kind.value for kind in EventKind])}",
        ),
        Column("car_number", Kind.INT, "", "The car concerned, 0 where none is", (0, 999)),
        Column("driver", Kind.TEXT, "", "Its driver, empty where no car is concerned"),
        Column("text", Kind.TEXT, "", "One sentence for people"),
    ),
)

LAP_TIMES: Final = Table(
    "lap_times",
    "One row for each car and lap, as it crosses the line",
    (
        replace(_TIME, description="Instant of the crossing, to the millisecond"),
        replace(_CAR_NUMBER, range=(1, 999)),
        _DRIVER,
        _TEAM,
        _MANUFACTURER,
        _LAP_COMPLETED,
        Column("lap_time_s", Kind.FLOAT, "s", "Time of the lap, from line to line", (5, 100_000), decimals=3),
        replace(_POSITION, description="Place at the line, 1 for the first car to complete this lap"),
        Column(
            "gap_s",
            Kind.FLOAT,
            "s",
            "Behind the first car to complete this lap, at the line",
            (0, 100_000),
            decimals=3,
        ),
        Column("laps_led", Kind.INT, "lap", "Laps led by this car so far", (0, 100_000)),
        Column("tire_age_laps", Kind.INT, "lap", "Laps on these tires, this one included", (0, 100_000)),
        Column("fuel_gal", Kind.FLOAT, "gal", "Fuel in the cell at the line", (0, 20), decimals=3),
        Column("pit", Kind.INT, "", "1 if the car was on pit road in this lap, else 0", (0, 1)),
        Column("stops", Kind.INT, "", "Stops of this car so far; its stint is one more", (0, 100_000)),
        Column("best_lap_s", Kind.FLOAT, "s", "Best lap of this car so far", (5, 100_000), decimals=3),
        *(
            Column(
                f"{tire}_temp_f",
                Kind.FLOAT,
                "°F",
                f"{place} tire surface temperature at the line (estimate)",
                (0, 500),
                decimals=1,
            )
            for tire, place in _PLACES.items()
        ),
        *(
            Column(
                f"{tire}_pressure_psi",
                Kind.FLOAT,
                "psi",
                f"{place} tire pressure at the line",
                (0, 100),
                decimals=1,
            )
            for tire, place in _PLACES.items()
        ),
        *(
            Column(
                f"{tire}_wear_pct",
                Kind.FLOAT,
                "%",
                f"{place} tire wear at the line: 0 new, 100 worn to the cords (estimate)",
                (0, 100),
                decimals=2,
            )
            for tire, place in _PLACES.items()
        ),
        Column("pit_road_s", Kind.FLOAT, "s", "On pit road in this lap, 0 without", (0, 100_000), decimals=2),
        Column(
            "box_s",
            Kind.FLOAT,
            "s",
            "Standing in the box in this lap; a stop belongs to the lap in which the car leaves its box",
            (0, 100_000),
            decimals=2,
        ),
        Column(
            "fuel_added_gal",
            Kind.FLOAT,
            "gal",
            "Fuel that went in at the stop in this lap, 0 without one",
            (0, 40),
            decimals=3,
        ),
        Column("tires_changed", Kind.INT, "", "New tires of the stop in this lap: 0, 2 or 4", (0, 4)),
    ),
)

TRACK_POSITION: Final = Table(
    "track_position",
    "Where every car is, ten times a second, all cars at the same instant",
    (
        replace(_TIME, description="Instant of the row: whole tenths of a second since the start"),
        replace(_CAR_NUMBER, range=(1, 999)),
        _DRIVER,
        _TEAM,
        _MANUFACTURER,
        Column(
            "x_m",
            Kind.FLOAT,
            "m",
            "Place on the map; the start line is the origin, x runs along it in the direction of the race",
            (-5_000, 5_000),
            decimals=2,
        ),
        Column(
            "y_m",
            Kind.FLOAT,
            "m",
            "Place on the map, positive to the left: the infield",
            (-5_000, 5_000),
            decimals=2,
        ),
        Column("lap", Kind.INT, "lap", "Current lap number, from 1", (1, 100_000)),
        Column(
            "lap_distance_m",
            Kind.FLOAT,
            "m",
            "Along the centre line since the start line of this lap, up to the length of the lap",
            (0, 10_000),
            decimals=2,
        ),
        Column(
            "turn",
            Kind.INT,
            "",
            "Turn that the car is in, 1–4 on an oval (each corner holds two, half and half), 0 on a straight",
            (0, 200),
        ),
        _POSITION,
        Column(
            "gap_s",
            Kind.FLOAT,
            "s",
            "Time since the leader was where the car is now; after the finish, as at the line",
            (0, 200_000),
            decimals=3,
        ),
        Column("speed_mph", Kind.FLOAT, "mph", "Speed over the ground", (0, 300), decimals=2),
        Column("in_pit", Kind.INT, "", "1 on pit road, else 0", (0, 1)),
        _FLAG,
    ),
)

LOW_RATE_TABLES: Final = (RACE_EVENTS, LAP_TIMES, TRACK_POSITION)
"""What race control and timing say, beside the published tables and outside their rate."""
