"""The race: a seed, an entry list, a track and commands in, frames out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.errors import CommandRefused, UsageError
from nascar.race import chassis, engine, tires
from nascar.race.announcer import REFUSALS, SILENT, VERBS, Announcer
from nascar.race.car import GRAVITY_MPS2, TANK_GAL
from nascar.race.commands import Command, Verb
from nascar.race.drivers import draw_drivers
from nascar.race.entries import Entry
from nascar.race.events import Event
from nascar.race.frames import TICK_S, Floats, Frames, join_frames
from nascar.race.grid import course_of, opening_field, starting_grid
from nascar.race.happenings import Refusal
from nascar.race.kernel import BLOCK_TICKS, work_out
from nascar.race.pace import Pace
from nascar.race.rules import Rules
from nascar.race.speed_plan import SpeedPlan
from nascar.race.state import EVENT, MOST_EVENTS, NEVER, Mode, Phase, records
from nascar.race.track import Track

_START_FUEL_GAL: Final = TANK_GAL - 0.1
"""A full cell, less what the pace laps burnt."""
_COOL_DOWN_S: Final = 700.0
"""The cool-down ends after so long at the latest."""
_LONGEST_FINISH_S: Final = 600.0
"""Who has not taken the checkered flag by then is not waited for."""
_LATEST_S: Final = 31 * 24 * 3_600.0
_ROWS: Final = 8


class Race:
    """One race from the green flag on. The same entries, track, seed, rules and commands give the same frames,
    bit for bit.

    The race is worked out in blocks of `BLOCK_TICKS` whatever `advance` asks for, so the frames do not
    depend on how the ticks are cut into calls.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        track: Track,
        seed: int,
        rules: Rules | None = None,
        *,
        commands: Sequence[Command] = (),
        from_grid: bool = False,
        start_fuel_gal: float = _START_FUEL_GAL,
    ) -> None:
        if not entries:
            raise ValueError("a race needs at least one car")
        if len(entries) > track.most_cars:
            raise UsageError(
                f"{track.name} has room for {track.most_cars} cars, not for {len(entries)}. "
                "Give fewer cars, or another track."
            )
        if seed < 0:
            raise ValueError(f"a seed is 0 or more, not {seed}")
        self.entries = tuple(entries)
        self.track = track
        self.seed = seed
        self.rules = rules or Rules(track.laps)
        n = len(self.entries)
        plan = SpeedPlan(track)
        self._plan = plan
        self._cars = starting_grid(track, plan, draw_drivers(seed, self.entries), start_fuel_gal, from_grid)
        self._field = opening_field(track, self.rules, seed, from_grid)
        self._course = course_of(track, plan)
        self._pace = Pace(track)
        self._announcer = Announcer(self.entries)
        self._events = records(EVENT, MOST_EVENTS)
        self._order = np.argsort(-np.asarray(self._cars.s), kind="stable").astype(np.int64)
        # What the pace laps leave behind, or a night in the garage.
        cold = from_grid
        self._water_temp_f = np.full(n, 170.0 if cold else 200.0)
        self._oil_temp_f = np.full(n, 180.0 if cold else 242.0)
        start_f = [80.0] * 4 if cold else [128.0, 152.0, 126.0, 145.0]
        self._tire_temp_f = np.tile(np.array(start_f), (n, 1))
        self._tire_wear = np.zeros((n, 4))
        self._place_of_number = {entry.car_number: place for place, entry in enumerate(self.entries)}
        self._commands: list[tuple[int, int, int]] = []
        self._next_tick = 0
        """First tick that has not been handed out."""
        self._worked_out = 0
        """First tick that has not been worked out."""
        self._block: Frames | None = None
        self._untold: list[Event] = []
        for command in commands:
            self._commands.append(self._number(command))

    @property
    def finished(self) -> bool:
        """Whether every car has taken the checkered flag or is out."""
        cars = self._cars
        still = (cars.finished == 0) & (cars.out == 0) & (cars.phase != Phase.STOPPED)
        if bool(np.all(cars.out != 0)):
            return True
        if self._field.mode != Mode.CHECKERED:
            return False
        return not bool(still.any()) or self._since_checkered_s > _LONGEST_FINISH_S

    @property
    def over(self) -> bool:
        """Whether the cool-down has ended too: all cars are parked, or had time enough."""
        if not self.finished:
            return False
        parked = (self._cars.phase == Phase.IN_BOX) | (self._cars.phase == Phase.STOPPED)
        return bool(parked.all()) or self._since_checkered_s > _COOL_DOWN_S

    @property
    def _since_checkered_s(self) -> float:
        return (self._worked_out - int(self._field.finish_tick)) * TICK_S

    def order(self, command: Command) -> None:
        """Have `command` carried out at its race time.

        Raises `CommandRefused`, and changes nothing, if that time has passed or its car is out or unknown.
        """
        numbered = self._number(command)
        first_s = self._worked_out * TICK_S
        if numbered[0] < self._worked_out:
            raise CommandRefused(
                f"Race time {command.race_time_s:.2f} s has passed: {first_s:.2f} s is worked out. "
                "Give a later time."
            )
        what = f"{command.verb} {command.car_number or ''}".strip()
        reason = None
        if self._field.mode == Mode.CHECKERED:
            reason = Refusal.OVER
        elif command.verb is Verb.CAUTION:
            if self._field.mode != Mode.GREEN:
                reason = Refusal.CAUTION
        elif self._cars.out[numbered[2]] or self._cars.failing[numbered[2]]:
            reason = Refusal.OUT
        if reason is not None:
            raise CommandRefused(f"{what} is refused: {REFUSALS[reason]}. Wait, or name another car.")
        self._commands.append(numbered)

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

    def _number(self, command: Command) -> tuple[int, int, int]:
        """Tick, verb and car as the inner loops know them."""
        car = -1
        at_s = command.race_time_s
        if not 0.0 <= at_s <= _LATEST_S:
            raise CommandRefused(f"Race time {at_s} s is no time of a race. Give seconds from 0 on.")
        if (command.car_number is None) != (command.verb is Verb.CAUTION):
            takes = "takes no car" if command.verb is Verb.CAUTION else "needs a car"
            raise CommandRefused(f"The command {command.verb} {takes}. Give it so.")
        if command.car_number is not None:
            if command.car_number not in self._place_of_number:
                raise CommandRefused(
                    f"No car {command.car_number} is in the race. Name one of the entry list."
                )
            car = self._place_of_number[command.car_number]
        return round(command.race_time_s / TICK_S), VERBS.index(command.verb), car

    def _due_commands(self) -> NDArray[np.int64]:
        """The commands of the block at hand, in the order in which they came."""
        stop = self._worked_out + BLOCK_TICKS
        due = [command for command in self._commands if command[0] < stop]
        self._commands = [command for command in self._commands if command[0] >= stop]
        return np.array(due, np.int64).reshape(-1, 3)

    def _work_out(self) -> Frames:
        """The next block."""
        if self._field.lost_events:
            raise RuntimeError(f"{self._field.lost_events} events found no room in a block of the race")
        cars, n = self._cars, len(self.entries)
        self._pace.update(cars, self._tire_temp_f, self._tire_wear)
        self._field.events = 0
        floats = np.empty((_ROWS, BLOCK_TICKS, n))
        on_pit_road = np.empty((BLOCK_TICKS, n), np.bool_)
        position = np.empty((BLOCK_TICKS, n), np.int32)
        flag = np.empty(BLOCK_TICKS, np.int8)
        gaining = np.empty((BLOCK_TICKS, n), np.int8)
        work_out(
            cars,
            self._field,
            self._course,
            self._plan.speed_mps,
            self._plan.accel_mps2,
            self._plan.bend,
            self._due_commands(),
            self._events,
            self._order,
            self._worked_out,
            floats,
            on_pit_road,
            position,
            flag,
            gaining,
        )
        arrays = self._read_out(floats, on_pit_road, gaining)
        arrays |= {"position": position, "on_pit_road": on_pit_road, "flag": flag}
        for array in arrays.values():
            array.flags.writeable = False
        return Frames(first_tick=self._worked_out, events=self._announce(), **arrays)

    def _announce(self) -> tuple[Event, ...]:
        written = self._events[: int(self._field.events)]
        events = [self._announcer.announce(record) for record in written if record.code not in SILENT]
        # What falls at the end of the last tick belongs to the tick that follows, in the next block.
        told = self._untold + events
        stop = self._worked_out + BLOCK_TICKS
        self._untold = [event for event in told if event.tick >= stop]
        return tuple(event for event in told if event.tick < stop)

    def _read_out(self, floats: Floats, on_pit_road: Any, gaining: Any) -> dict[str, Any]:
        """Every channel from what the loops have left, ``(ticks, cars)``."""
        cars, track = self._cars, self.track
        distance_m, speed_mps, accel_mps2, throttle, brake_psi, lane_m, filled_gal, loose = floats
        lap = np.floor_divide(distance_m, track.length_m)
        lap_m = distance_m - lap * track.length_m
        longitudinal_g = accel_mps2 / GRAVITY_MPS2
        felt = chassis.read_chassis(track, lap_m, speed_mps, longitudinal_g, loose)
        gear = engine.gears(speed_mps, gaining, on_pit_road)
        rpm = engine.engine_rpm(speed_mps, gear, throttle)
        share = engine.power_share(rpm, throttle)
        flow = filled_gal - engine.fuel_burnt_gal(share) * cars.thirst * (cars.phase != Phase.STOPPED)
        fuel_gal = np.add.accumulate(np.concatenate((cars.fuel_gal[None], flow)), axis=0)
        np.clip(fuel_gal, 0.0, TANK_GAL, out=fuel_gal)
        water_temp_f = engine.water_temps_f(self._water_temp_f, share, speed_mps)
        oil_temp_f = engine.oil_temps_f(self._oil_temp_f, share, speed_mps)
        slide = tires.sliding(speed_mps, felt.lateral_g, brake_psi)
        changes = self._tire_changes()
        tire_temp_f = tires.temps_f(self._tire_temp_f, slide, changes)
        tire_wear = tires.wear(self._tire_wear, slide, changes)
        cars.fuel_gal = fuel_gal[-1]
        cars.dry = (fuel_gal[-1] <= 0.0) & (cars.phase <= Phase.CALLED)
        self._water_temp_f, self._oil_temp_f = water_temp_f[-1].copy(), oil_temp_f[-1].copy()
        self._tire_temp_f, self._tire_wear = tire_temp_f[-1].copy(), tire_wear[-1].copy()
        ticks = np.arange(self._worked_out, self._worked_out + BLOCK_TICKS)
        return {
            "distance_m": distance_m.copy(),
            "lap": np.maximum(lap.astype(np.int32) + 1, 1),
            "lane_m": lane_m.copy(),
            "speed_mps": speed_mps.copy(),
            "longitudinal_g": longitudinal_g,
            "lateral_g": felt.lateral_g,
            "vertical_g": felt.vertical_g,
            "throttle": throttle.copy(),
            "brake_pressure_psi": brake_psi.copy(),
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
            "tire_pressure_psi": tires.pressure_psi(tire_temp_f[:-1], ticks, cars.flat_tire, cars.flat_tick),
            "tire_wear": tire_wear[:-1],
        }

    def _tire_changes(self) -> list[tuple[int, int, tuple[int, int]]]:
        """Row of the block, car and the two tires that are new from there on; none is given twice."""
        cars, changes = self._cars, []
        stop = self._worked_out + BLOCK_TICKS
        for name, pair in (("first_tick", (1, 3)), ("second_tick", (0, 2))):
            due = np.asarray(cars[name])
            for car in np.flatnonzero(due < stop).tolist():
                changes.append((int(due[car]) - self._worked_out, car, pair))
                due[car] = NEVER
        return changes
