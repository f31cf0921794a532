"""The schema is the published one, and the race can serve it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from nascar.race.frames import TIRES, Frames
from nascar.telemetry.columns import Between, Column, Kind, Table
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES

# Names, order and types as printed in the published demo's "Data Schema".
PUBLISHED = {
    "engine_telemetry": (
        "time int64, car_number int, driver string, team string, manufacturer string, rpm int, "
        "throttle_position float, speed_mph float, engine_temp int, oil_pressure int, oil_temp int, "
        "fuel_level float, gear int, lap int"
    ),
    "chassis_telemetry": (
        "time int64, car_number int, driver string, lateral_g float, longitudinal_g float, vertical_g float, "
        "brake_pressure_psi int, steering_angle_deg float, ride_height_front_in float, "
        "ride_height_rear_in float, lap int"
    ),
    "tire_telemetry": (
        "time int64, car_number int, driver string, lf_pressure_psi float, rf_pressure_psi float, "
        "lr_pressure_psi float, rr_pressure_psi float, lf_temp_f int, rf_temp_f int, lr_temp_f int, "
        "rr_temp_f int, lap int"
    ),
}

# What panels and questions of others rely on.
LOW_RATE = {
    "race_events": (
        "time int64, lap int, flag string, kind string, car_number int, driver string, text string"
    ),
    "lap_times": (
        "time int64, car_number int, driver string, team string, manufacturer string, lap int, "
        "lap_time_s float, position int, gap_s float, laps_led int, tire_age_laps int, fuel_gal float, pit int, "
        "stops int, best_lap_s float, "
        "lf_temp_f float, rf_temp_f float, lr_temp_f float, rr_temp_f float, "
        "lf_pressure_psi float, rf_pressure_psi float, lr_pressure_psi float, rr_pressure_psi float, "
        "lf_wear_pct float, rf_wear_pct float, lr_wear_pct float, rr_wear_pct float, "
        "pit_road_s float, box_s float, fuel_added_gal float, tires_changed int"
    ),
    "track_position": (
        "time int64, car_number int, driver string, team string, manufacturer string, x_m float, y_m float, "
        "lap int, lap_distance_m float, turn int, position int, gap_s float, speed_mph float, in_pit int, flag string"
    ),
}

SENSORS = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for table in TABLES
    for column in table.sensors
]


def described(tables: tuple[Table, ...]) -> dict[str, str]:
    return {t.name: ", ".join(f"{c.name} {c.kind.value}" for c in t.columns) for t in tables}


def test_tables_are_the_published_ones() -> None:
    assert described(TABLES) == PUBLISHED


def test_the_low_rate_tables_stand_beside_them_and_share_no_name() -> None:
    assert described(LOW_RATE_TABLES) == LOW_RATE
    assert not PUBLISHED.keys() & LOW_RATE.keys()


def test_every_number_of_a_low_rate_table_says_its_range_and_every_column_what_it_is() -> None:
    columns = [column for table in LOW_RATE_TABLES for column in table.columns]
    assert all(c.description for c in columns)
    for column in columns:
        if column.kind in (Kind.INT, Kind.FLOAT):
            assert column.range is not None and column.range[0] < column.range[1], column.name
        assert (column.decimals > 0) == (column.kind is Kind.FLOAT), column.name


@pytest.mark.parametrize(("table", "column"), SENSORS)
def test_a_sensor_reads_something_that_the_race_has(table: Table, column: Column) -> None:
    assert column.sensor is not None
    assert column.sensor.frame in {field.name for field in fields(Frames)}
    assert column.sensor.tire is None or column.sensor.tire in TIRES
    assert (column.sensor.tire is not None) == column.sensor.frame.startswith("tire_")


@pytest.mark.parametrize(("table", "column"), SENSORS)
def test_float32_tells_the_steps_of_a_sensor_apart(table: Table, column: Column) -> None:
    assert column.sensor is not None and column.range is not None
    if column.sensor.between is Between.LINE:
        most = max(abs(limit) for limit in column.range) * column.sensor.steps_per_unit
        assert np.spacing(np.float32(most)) < 1 / 250


@pytest.mark.parametrize(("table", "column"), SENSORS)
def test_whole_numbers_have_whole_steps_and_no_clip_cuts_into_the_range(table: Table, column: Column) -> None:
    sensor = column.sensor
    assert sensor is not None and column.range is not None
    assert column.kind in (Kind.INT, Kind.FLOAT)
    assert (column.kind is Kind.INT) == (sensor.decimals == 0)
    if sensor.clip is not None:
        assert sensor.clip[0] <= column.range[0] and column.range[1] <= sensor.clip[1]


def test_every_column_of_a_sensor_says_its_range() -> None:
    assert all(c.range is not None and c.range[0] < c.range[1] for t in TABLES for c in t.sensors)
    assert all(c.description for t in TABLES for c in t.columns)


def test_a_table_finds_its_columns_by_name() -> None:
    for table in TABLES:
        assert [table.column(c.name) for c in table.columns] == list(table.columns)
        with pytest.raises(KeyError, match="no column 'wings'"):
            table.column("wings")
