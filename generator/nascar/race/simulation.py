"""The race: a seed, an entry list and a track in, frames out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.race import chassis, engine, tires
from nascar.race.car import GRAVITY_MPS2, TANK_GAL
from nascar.race.drivers import draw_drivers
from nascar.race.entries import Entry
from nascar.race.frames import FLAGS, Bools, Floats, Frames, join_frames
from nascar.race.grid import starting_grid
from nascar.race.motion import BLOCK_TICKS, Motion
from nascar.race.pace import Pace
from nascar.race.pit_stops import PitStops
from nascar.race.speed_plan import SpeedPlan
from nascar.race.state import Phase
from nascar.race.track import Track
from nascar.race.traffic import STEP_TICKS, Traffic

_START_FUEL_GAL: Final = TANK_GAL - 0.1
"""A full cell, less what the pace laps burnt."""
_GREEN: Final = FLAGS.index("green")


class Race:
    """One race from the green flag on. The same entries, track and seed give the same frames, bit for bit.

    The race is worked out in blocks of `BLOCK_TICKS` whatever `advance` asks for, so the frames do not
    depend on how the ticks are cut into calls.
    """

    def __init__(
        self, entries: Sequence[Entry], track: Track, seed: int, *, start_fuel_gal: float = _START_FUEL_GAL
    ) -> None:
        if not entries:
            raise ValueError("a race needs at least one car")
        if seed < 0:
            raise ValueError(f"a seed is 0 or more, not {seed}")
        self.entries = tuple(entries)
        self.track = track
        self.seed = seed
        plan = SpeedPlan(track)
        drivers = draw_drivers(seed, len(self.entries))
        self._thirst = drivers.thirst
        self._cars = starting_grid(track, plan, drivers, start_fuel_gal)
        self._pace = Pace(seed, track, drivers)
        self._motion = Motion(self._cars, plan)
        self._traffic = Traffic(track, len(self.entries))
        self._pits = PitStops(seed, track, len(self.entries))
        self._next_tick = 0
        """First tick that has not been handed out."""
        self._worked_out = 0
        """First tick that has not been worked out."""
        self._block: Frames | None = None

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks."""
        if ticks < 1:
            raise ValueError(f"a race advances by at least one tick, not by {ticks}")
        stop = self._next_tick + ticks
        parts: list[Frames] = []
        while self._next_tick < stop:
            if self._block is None or self._next_tick >= self._worked_out:
                self._block = self._work_out()
                self._worked_out += BLOCK_TICKS
            skip = self._next_tick - self._block.first_tick
            take = min(stop - self._next_tick, BLOCK_TICKS - skip)
            parts.append(self._block.cut(skip, take))
            self._next_tick += take
        return join_frames(parts)

    def _work_out(self) -> Frames:
        """The next block."""
        cars, motion, traffic, pits = self._cars, self._motion, self._traffic, self._pits
        cars.start_laps(self.track.length_m)
        pits.call(cars)
        self._pace.update(cars)
        motion.begin()
        base_m = cars.base_m
        shape = (BLOCK_TICKS, cars.cars)
        lane_m = np.empty(shape)
        on_pit_road = np.empty(shape, np.bool_)
        going_out = np.empty(shape, np.bool_)
        for row in range(0, BLOCK_TICKS, STEP_TICKS):
            tick = self._worked_out + row
            traffic.look(cars, tick)
            pits.step(cars, tick, traffic)
            motion.run(row, STEP_TICKS, traffic.leader, traffic.ahead_m)
            rows = slice(row, row + STEP_TICKS)
            lap_m = motion.lap_m[rows]
            lane_m[rows] = pits.lanes_m(cars, lap_m, traffic.lanes_m(cars, tick, STEP_TICKS))
            going_out[rows] = cars.phase == Phase.GOING_OUT
            on_pit_road[rows] = pits.on_pit_road(cars, base_m + lap_m, motion.speed_mps[rows])
        return self._read_out(base_m, lane_m, on_pit_road, going_out)

    def _read_out(self, base_m: Floats, lane_m: Floats, on_pit_road: Bools, going_out: Bools) -> Frames:
        cars, motion, track = self._cars, self._motion, self.track
        lap_m = motion.lap_m[:BLOCK_TICKS]
        distance_m = base_m + lap_m
        speed_mps = motion.speed_mps[:BLOCK_TICKS].copy()
        longitudinal_g = motion.accel_mps2[:BLOCK_TICKS] / GRAVITY_MPS2
        throttle = motion.pedals[1:, 0].copy()
        brake_psi = motion.pedals[1:, 1].copy()
        lap = np.floor_divide(distance_m, track.length_m).astype(np.int32) + 1
        felt = chassis.read_chassis(track, lap_m, speed_mps, longitudinal_g)
        gear = engine.gears(speed_mps, going_out)
        rpm = engine.engine_rpm(speed_mps, gear, throttle)
        share = engine.power_share(rpm, throttle)
        flow = self._pits.filled_gal(self._worked_out) - engine.fuel_burnt_gal(share) * self._thirst
        fuel_gal = np.add.accumulate(np.concatenate((cars.fuel_gal[None], flow)), axis=0)
        np.maximum(fuel_gal, 0.0, out=fuel_gal)
        water_temp_f = engine.water_temps_f(cars.water_temp_f, share, speed_mps)
        oil_temp_f = engine.oil_temps_f(cars.oil_temp_f, share, speed_mps)
        slide = tires.sliding(speed_mps, felt.lateral_g, brake_psi)
        changes = self._pits.take_changes(self._worked_out)
        tire_temp_f = tires.temps_f(cars.tire_temp_f, slide, changes)
        tire_wear = tires.wear(cars.tire_wear, slide, changes)
        cars.fuel_gal = fuel_gal[-1].copy()
        cars.water_temp_f = water_temp_f[-1].copy()
        cars.oil_temp_f = oil_temp_f[-1].copy()
        cars.tire_temp_f = tire_temp_f[-1].copy()
        cars.tire_wear = tire_wear[-1].copy()
        arrays: dict[str, Any] = {
            "distance_m": distance_m,
            "lap": np.maximum(lap, 1),
            "position": _positions(distance_m),
            "lane_m": lane_m,
            "on_pit_road": on_pit_road,
            "flag": np.full(BLOCK_TICKS, _GREEN, np.int8),
            "speed_mps": speed_mps,
            "longitudinal_g": longitudinal_g,
            "lateral_g": felt.lateral_g,
            "vertical_g": felt.vertical_g,
            "throttle": throttle,
            "brake_pressure_psi": brake_psi,
            "steering_angle_deg": felt.steering_angle_deg,
            "gear": gear,
            "rpm": rpm,
            "ride_height_front_in": felt.ride_height_front_in,
            "ride_height_rear_in": felt.ride_height_rear_in,
            "fuel_gal": fuel_gal[:-1],
            "water_temp_f": water_temp_f[:-1],
            "oil_temp_f": oil_temp_f[:-1],
            "oil_pressure_psi": engine.oil_pressure_psi(rpm, oil_temp_f[:-1]),
            "tire_temp_f": tire_temp_f[:-1],
            "tire_pressure_psi": tires.pressure_psi(tire_temp_f[:-1]),
            "tire_wear": tire_wear[:-1],
        }
        for array in arrays.values():
            array.flags.writeable = False
        return Frames(first_tick=self._worked_out, **arrays)


def _positions(distance_m: Floats) -> NDArray[np.int32]:
    """Running order of every tick, 1 for the car that has come farthest."""
    order = np.argsort(-distance_m, axis=1, kind="stable")
    position = np.empty(distance_m.shape, np.int32)
    np.put_along_axis(position, order, np.arange(1, distance_m.shape[1] + 1, dtype=np.int32)[None], axis=1)
    return position
