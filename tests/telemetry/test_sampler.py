"""What a row says is what the race did, to the sensor's step, whatever batch it travels in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nascar.race.frames import TICK_S
from nascar.telemetry.columns import Between, Column, Kind, Table
from nascar.telemetry.sampler import Sampler, TimeUnit
from nascar.telemetry.schema import CHASSIS, ENGINE, TABLES

Rows = dict[str, dict[str, NDArray[Any]]]
MakeSampler = Callable[..., Sampler]
ReadRows = Callable[..., Rows]
MakeRace = Callable[..., Any]

# Many instants in a tick, a few, about one, and one in many ticks: both ways of rendering, and their edge.
RATES = [
    pytest.param(3_000_000, 0.3, id="25,000 Hz"),
    pytest.param(612_000, 0.6, id="5,100 Hz"),
    pytest.param(611_953, 0.4, id="an odd rate"),
    pytest.param(12_000, 2, id="100 Hz, four instants in a tick"),
    pytest.param(11_999, 2, id="under 100 Hz"),
    pytest.param(3_000, 4, id="25 Hz"),
    pytest.param(40, 60, id="a row every 3 s"),
]


def race_time_s(sampler: Sampler, rows: int) -> NDArray[np.float64]:
    plan = sampler.plan
    return np.arange(rows, dtype=np.float64) * len(plan.tables) / plan.rate


def truth(race: Any, column: Column, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The channel of `column` interpolated in float64 at the time of every row."""
    assert column.sensor is not None
    frames = race.advance(int(time_s[-1] / TICK_S) + 3)
    channel = frames.channel(column.sensor.frame, column.sensor.tire) * column.sensor.scale
    tick = np.floor(time_s / TICK_S).astype(int)
    part = time_s / TICK_S - tick
    car = np.arange(time_s.size) % frames.cars
    if column.sensor.between is Between.HOLD:
        return np.asarray(channel[tick, car])
    if column.sensor.between is Between.LAP:
        distance = frames.distance_m
        at = distance[tick, car] + part * (distance[tick + 1, car] - distance[tick, car])
        return np.asarray(np.maximum(1, np.floor(at / race.lap_length_m) + 1))
    return np.asarray(channel[tick, car] + part * (channel[tick + 1, car] - channel[tick, car]))


def same(a: Rows, b: Rows) -> None:
    assert a.keys() == b.keys()
    for table, columns in a.items():
        assert columns.keys() == b[table].keys()
        for name, values in columns.items():
            np.testing.assert_array_equal(values, b[table][name], err_msg=f"{table}.{name}")


@pytest.mark.parametrize(("rate", "duration_s"), RATES)
def test_perfect_sensors_read_the_rounded_truth(
    rate: int,
    duration_s: float,
    make_sampler: MakeSampler,
    read_rows: ReadRows,
    make_race: MakeRace,
    silent_tables: tuple[Table, ...],
) -> None:
    sampler = make_sampler(rate=rate, duration_s=duration_s, tables=silent_tables)
    rows = read_rows(sampler)
    assert sampler.plan.instants
    time_s = race_time_s(sampler, sampler.plan.instants * sampler.plan.cars)
    for table in silent_tables:
        for column in table.sensors:
            assert column.sensor is not None
            exact = truth(make_race(40), column, time_s)
            if column.sensor.clip is not None:
                exact = np.clip(exact, *column.sensor.clip)
            off = np.abs(rows[table.name][column.name] - exact) / column.sensor.step
            assert off.max() < 0.51, f"{table.name}.{column.name}"


def test_real_sensors_are_off_by_their_noise(
    make_sampler: MakeSampler, read_rows: ReadRows, silent_tables: tuple[Table, ...]
) -> None:
    noisy = read_rows(make_sampler(duration_s=1))
    silent = read_rows(make_sampler(duration_s=1, tables=silent_tables))
    for table in TABLES:
        for column in table.sensors:
            assert column.sensor is not None
            off = (noisy[table.name][column.name] - silent[table.name][column.name]) / column.sensor.step
            noise = column.sensor.noise / column.sensor.step
            if noise == 0:
                assert not off.any(), column.name
            elif column.sensor.clip is None:
                # Two roundings add a sixth of a step squared; the noise of a second is not all of a turn.
                assert off.std() == pytest.approx(np.hypot(noise, 6**-0.5), rel=0.15), column.name
                assert abs(off.mean()) < 0.1 * noise + 0.02, column.name
            assert np.abs(off).max() <= 6 * noise + 1, column.name


@pytest.mark.parametrize("rate", [612_000, 12_000, 3_000])
def test_rows_do_not_depend_on_the_batch_size(
    rate: int, make_sampler: MakeSampler, read_rows: ReadRows
) -> None:
    duration_s = min(0.5, 12_000 / rate)
    rows = [
        read_rows(make_sampler(rate=rate, duration_s=duration_s, batch_size=40 * instants))
        for instants in (1, 7, 204, 250, 1000)
    ]
    for other in rows[1:]:
        same(rows[0], other)


@pytest.mark.parametrize("rate", [612_000, 3_000])
def test_rows_do_not_depend_on_the_batches_before(
    rate: int, make_sampler: MakeSampler, read_rows: ReadRows
) -> None:
    batches = 90
    whole = {index: read_rows(make_sampler(rate=rate), [index]) for index in (0, 31, 32, 33, 89)}
    every_third = make_sampler(rate=rate)
    for index in range(0, batches, 3):
        rows = read_rows(every_third, [index])
        if index in whole:
            same(rows, whole[index])
    all_of_them = make_sampler(rate=rate)
    for index in range(batches):
        rows = read_rows(all_of_them, [index])
        if index in whole:
            same(rows, whole[index])


def test_the_rows_of_all_batches_are_the_row_set(make_sampler: MakeSampler, read_rows: ReadRows) -> None:
    sampler = make_sampler(duration_s=0.5, cars=13)
    plan = sampler.plan
    assert plan.instants
    for columns in read_rows(sampler).values():
        assert columns["time"].tolist() == [plan.row_time_us(n) for n in range(plan.instants * plan.cars)]
        assert np.all(np.diff(columns["time"]) > 0)
        assert columns["car_number"].tolist() == list(range(1, 14)) * plan.instants
        assert all(values.size == plan.instants * plan.cars for values in columns.values())


def test_numbers_come_in_column_order_contiguous_and_in_their_type(make_sampler: MakeSampler) -> None:
    sampler = make_sampler()
    for index, table in enumerate(TABLES):
        batch = sampler.plan.batch(index)
        seen = []
        for column, values in sampler.numbers(batch):
            seen.append(column)
            assert values.dtype == (np.float64 if column.kind is Kind.FLOAT else np.int64)
            assert values.shape == (batch.rows,) and values.flags.c_contiguous
        assert seen == [column for column in table.columns if column.kind is not Kind.TEXT]


def test_the_shortest_decimal_reads_back_as_the_same_number(
    make_sampler: MakeSampler, read_rows: ReadRows
) -> None:
    rows = read_rows(make_sampler(), range(3))
    for table in TABLES:
        for column in table.sensors:
            if column.kind is Kind.FLOAT:
                assert column.sensor is not None
                values = rows[table.name][column.name]
                texts = [f"{value:.{column.sensor.decimals}f}" for value in values.tolist()]
                assert [float(text) for text in texts] == values.tolist()
                assert not np.any(np.signbit(values) & (values == 0)), "no minus zero"


def test_a_clipped_sensor_stays_within_its_limits_and_reaches_them(
    make_sampler: MakeSampler, read_rows: ReadRows
) -> None:
    rows = read_rows(make_sampler(rate=30_000, duration_s=12))
    throttle = rows[ENGINE.name]["throttle_position"]
    assert throttle.min() == 0 and throttle.max() == 100
    brake = rows[CHASSIS.name]["brake_pressure_psi"]
    assert brake.min() == 0


@pytest.mark.parametrize(("rate", "duration_s"), [(612_000, 2), (611_953, 1), (45_003, 4), (3_000, 20)])
def test_the_lap_flips_where_the_distance_crosses_the_line(
    rate: int, duration_s: float, make_sampler: MakeSampler, read_rows: ReadRows, make_race: MakeRace
) -> None:
    # A lap of four metres, so that most cars cross the line in most ticks.
    sampler = make_sampler(rate=rate, duration_s=duration_s, race=make_race(40, 4.0))
    laps = read_rows(sampler)
    time_s = race_time_s(sampler, laps[ENGINE.name]["lap"].size)
    lap = truth(make_race(40, 4.0), ENGINE.column("lap"), time_s)
    assert lap.max() - lap.min() > 10
    for table in TABLES:
        np.testing.assert_array_equal(laps[table.name]["lap"], lap)


@pytest.mark.parametrize(("rate", "duration_s"), [(612_000, 1), (60_000, 20), (3_000, 90)])
def test_fuel_never_rises_but_where_the_race_fills_up(
    rate: int, duration_s: float, make_sampler: MakeSampler, read_rows: ReadRows, make_race: MakeRace
) -> None:
    sampler = make_sampler(rate=rate, duration_s=duration_s)
    fuel = read_rows(sampler)[ENGINE.name]["fuel_level"]
    time_s = race_time_s(sampler, fuel.size)
    frames = make_race(40).advance(int(time_s[-1] / TICK_S) + 3)
    fills = np.diff(frames.fuel_gal, axis=0) > 0
    filling = fills[np.floor(time_s / TICK_S).astype(int), np.arange(fuel.size) % 40].reshape(-1, 40)
    change = np.diff(fuel.reshape(-1, 40), axis=0)
    outside = change[~filling[1:] & ~filling[:-1]]
    assert outside.max() <= 0 and (outside < 0).any()


def test_the_seed_decides_the_noise_and_nothing_else(make_sampler: MakeSampler, read_rows: ReadRows) -> None:
    ours, again, other = (read_rows(make_sampler(seed=seed), range(3)) for seed in (7, 7, 8))
    same(ours, again)
    for table in TABLES:
        for column in table.columns:
            if column.kind is Kind.TEXT:
                continue
            changed = (ours[table.name][column.name] != other[table.name][column.name]).any()
            noisy = column.sensor is not None and column.sensor.noise > 0
            assert changed == noisy, f"{table.name}.{column.name}"


def test_time_in_milliseconds_is_the_same_instant(make_sampler: MakeSampler, read_rows: ReadRows) -> None:
    us = read_rows(make_sampler(), range(6))
    ms = read_rows(make_sampler(time_unit=TimeUnit.MS), range(6))
    for table in TABLES:
        np.testing.assert_array_equal(ms[table.name]["time"], us[table.name]["time"] // 1000)


def test_texts_are_those_of_the_entries_in_car_order(make_sampler: MakeSampler) -> None:
    sampler = make_sampler(cars=3)
    assert sampler.texts(ENGINE) == {
        "driver": ("Driver 1", "Driver 2", "Driver 3"),
        "team": ("Team 0", "Team 1", "Team 1"),
        "manufacturer": ("Ford", "Toyota", "Chevrolet"),
    }
    assert sampler.texts(CHASSIS) == {"driver": ("Driver 1", "Driver 2", "Driver 3")}
    assert sampler.car_numbers() == (1, 2, 3)


def test_entries_and_cars_must_agree(make_sampler: MakeSampler, make_race: MakeRace) -> None:
    plan = make_sampler(cars=3).plan
    with pytest.raises(ValueError, match="0 entries for 3 cars"):
        Sampler(make_race(3), (), plan, 1, lap_length_m=2400.0)


def test_a_track_that_does_not_fit_the_laps_is_refused(make_sampler: MakeSampler) -> None:
    sampler = make_sampler(cars=3, lap_length_m=1000.0)
    with pytest.raises(ValueError, match="do not belong to a track of 1000"):
        for index in range(0, 6000, 3):
            next(sampler.numbers(sampler.plan.batch(index)))
