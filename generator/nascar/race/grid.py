"""The field before the race: double file behind the start line, at racing speed or standing."""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.car import MASS_KG
from nascar.race.chance import Purpose, bell, uniform
from nascar.race.drivers import Drivers
from nascar.race.incidents import Fate
from nascar.race.race_control import YELLOW
from nascar.race.rules import Cautions, Rules
from nascar.race.speed_plan import CELL_M, SpeedPlan, Style
from nascar.race.state import (
    CAR,
    COURSE,
    FIELD,
    FREE_M,
    NEVER,
    NOBODY,
    UNLIMITED_MPS,
    Cars,
    Course,
    Field,
    Lane,
    Mode,
    records,
)
from nascar.race.track import Track

_ROW_M: Final = 13.0
_GRID_SHARE: Final = 0.92
"""Of the lap, at most, that the rows stand on: a large field on a short track stands closer."""
_STAGGER_M: Final = 1.0
"""The outside car of a row starts by so much behind the inside car."""
_START_MPS: Final = 81.5
_IN_HAND: Final = 0.99
"""Of the plan's speed, where the rows behind are still in the turn."""
_FULL_LAP_GAL: Final = 0.294
_FULL_LAP_M: Final = 2_414.016
"""A green lap of 1.5 miles: 20 gal for 68 laps."""
_GATE_AHEAD_M: Final = 160.0
"""A driver makes up his mind about a turn so far ahead of it, where he is flat out."""
_YELLOWS: Final = {Cautions.NONE: 0.0, Cautions.SOME: 4.2, Cautions.MANY: 10.0}
"""Things that bring out the yellow flag in 500 miles; the stages come on top."""
_BREAKDOWNS: Final = 1.6
"""Engines and tires that give up in 500 miles, with or without a caution (estimate)."""
_FULL_RACE_M: Final = 500 * 1_609.344
_KINDS: Final = ((0.32, Fate.DEBRIS), (0.66, Fate.SPIN), (1.01, Fate.CRASH))
"""Shares of the kinds, added up (estimate)."""


def starting_grid(track: Track, plan: SpeedPlan, drivers: Drivers, fuel_gal: float, from_grid: bool) -> Cars:
    """Every car's state at tick 0. The leader stands at the start line; unless `from_grid`, all run flat out."""
    n = drivers.grid.size
    order = np.argsort(-drivers.grid, kind="stable")
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    cars = records(CAR, n)
    row_m = min(_ROW_M, _GRID_SHARE * track.length_m / max((n + 1) // 2, 1))
    cars.s = -(place // 2) * row_m - (place % 2) * _STAGGER_M
    cars.laps = np.floor(cars.s / track.length_m).astype(np.int64)
    cars.lane = cars.from_lane = Lane.LOW + place % 2
    cars.claims = 1 << cars.lane
    cars.lane_m = 3.0 - 3.0 * (place % 2)
    lap_m = cars.s - cars.laps * track.length_m
    cell = (lap_m / CELL_M).astype(np.intp) + int(Style.NORMAL) * plan.cells
    if not from_grid:
        cars.speed = np.minimum(_START_MPS, _IN_HAND * plan.speed_mps.take(cell))
        cars.throttle = 1.0
    cars.row = place
    cars.change_tick = -1_000
    cars.style = cars.turn_style = int(Style.NORMAL)
    for name in ("pace", "mood", "damage", "form"):
        cars[name] = 1.0
    cars.cap = cars.cap_goal = UNLIMITED_MPS
    cars.stop_s = cars.box_s = cars.entry_s = cars.exit_s = FREE_M * FREE_M
    cars.first_tick = cars.second_tick = NEVER
    cars.flat_tire = -1
    cars.gates = -1_000_000
    cars.leader = NOBODY
    # Who stands on the line as the watch starts has crossed it then.
    cars.crossed_s = np.where(cars.s == 0.0, 0.0, -1.0)
    # Who qualifies best has the box nearest to pit road's end.
    cars.box = (track.pit.boxes - 1 - place) % track.pit.boxes
    cars.mates = np.bincount(cars.box, minlength=track.pit.boxes)[cars.box] - 1
    cars.fuel_gal = cars.burn_from_gal = fuel_gal
    cars.burn_gal = _FULL_LAP_GAL * track.length_m / _FULL_LAP_M
    cars.mass_kg = MASS_KG
    cars.spread, cars.firmness, cars.thirst = drivers.spread, drivers.brake_firmness, drivers.thirst
    cars.late_chance, cars.late_braker = drivers.late_chance, drivers.late_braker
    cars.skill, cars.long_run = drivers.corner_speed, drivers.long_run
    cars.line, cars.high_line, cars.boldness = drivers.line, drivers.high_line, drivers.boldness
    return cars


def opening_field(track: Track, rules: Rules, seed: int, from_grid: bool) -> Field:
    """Race control before the start."""
    field = records(FIELD, 1)[0]
    field.seed = seed & 0x7FFF_FFFF_FFFF_FFFF
    field.lap_count = rules.laps
    field.stages = len(rules.stage_ends)
    field["stage_end"][: field.stages] = rules.stage_ends
    field.no_stage_caution = rules.cautions is Cautions.NONE
    field.cause_car = NOBODY
    _draw_fates(field, track, rules, seed)
    if from_grid:
        field.mode, field.flag = Mode.LINE_UP, YELLOW
        field.pace_on = 1
        field.pace_s = 25.0
        field.pace_speed = track.pace_mps
    return field


def course_of(track: Track, plan: SpeedPlan) -> Course:
    """The track's measures for the loops."""
    course = records(COURSE, 1)[0]
    pit = track.pit
    course.length_m = track.length_m
    course.pace_mps = track.pace_mps + 0.4
    course.catch_up_mps = 2.0 * track.pace_mps
    course.drop_mps = 0.93 * track.pace_mps
    course.pit_mps = track.pit_limit_mps
    course.leave_m, course.merged_m, course.entry_m = pit.leave_m, pit.merged_m, pit.entry_m
    course.leave_to_m, course.merge_mps = pit.leave_to_m, pit.merge_mps
    course.limit_from_m, course.limit_to_m = pit.limit_from_m, pit.limit_to_m
    course.first_box_m, course.box_spacing_m, course.boxes = pit.first_box_m, pit.box_spacing_m, pit.boxes
    course.spin_from_m, course.spin_to_m = track.spin_from_m, track.spin_to_m
    course.restart_m = 60.0
    course.plan_cells = plan.cells
    starts = [corner.start_m for corner in track.corners]
    ends = [corner.end_m for corner in track.corners]
    before = [ends[-1] - track.length_m, *ends[:-1]]
    # On a short track the turn before it has just ended.
    gates = [
        (start - min(_GATE_AHEAD_M, 0.8 * (start - end))) % track.length_m
        for start, end in zip(starts, before, strict=True)
    ]
    course.gates = len(gates)
    course.gate_m[: len(gates)] = sorted(gates)
    return course


def _draw_fates(field: Field, track: Track, rules: Rules, seed: int) -> None:
    """What is to go wrong, and how far the leader has come by then."""
    distance_m = rules.laps * track.length_m
    share = distance_m / _FULL_RACE_M
    mean = _YELLOWS[rules.cautions] * share
    if mean == 0.0:
        return
    most = len(field.fate_m)
    draws = uniform(seed, Purpose.FATES, 0, 13 + 3 * most)
    # Less scatter than a Poisson process has: some races are calm, none is without end.
    yellows = int(min(max(round(mean + 0.35 * mean**0.5 * float(bell(draws[None, :12])[0])), 0), most - 4))
    breakdowns = int(min(2.0 * _BREAKDOWNS * share * draws[12] + 0.5, 4))
    count = yellows + breakdowns
    places, kinds = draws[13 : 13 + count], draws[13 + most : 13 + most + count]
    fates = []
    for at in range(count):
        if at < yellows:
            kind = next(int(kind) for upto, kind in _KINDS if kinds[at] < upto)
        else:
            kind = int(Fate.FAILURE if kinds[at] < 0.5 else Fate.PUNCTURE)
        fates.append(((0.02 + 0.95 * places[at]) * distance_m, kind))
    field.fates = count
    for at, (fate_m, kind) in enumerate(sorted(fates)):
        field.fate_m[at], field.fate_kind[at] = fate_m, kind
