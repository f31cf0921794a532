"""What happens at the start line: laps, stages, the white and the checkered flag."""

from __future__ import annotations

from nascar.compiled import compiled
from nascar.race.happenings import Cause, Code, tell
from nascar.race.race_control import CHECKERED, WHITE, begin_line_up, show_yellow
from nascar.race.state import NOBODY, Cars, Course, Field, Mode


@compiled
def cross_line(
    cars: Cars, field: Field, course: Course, events: object, tick: int, i: int, at_s: float
) -> None:
    """Car `i` has crossed the start line at race time `at_s`."""
    car = cars[i]
    if car.laps > 0 and car.crossed_s >= 0.0:
        car.last_lap_s = at_s - car.crossed_s
        if car.best_lap_s == 0.0 or car.last_lap_s < car.best_lap_s:
            car.best_lap_s = car.last_lap_s
    car.crossed_s = at_s
    if car.finished or car.out:
        return
    if field.mode == Mode.CHECKERED:
        _finish(cars, field, course, events, tick, i)
        return
    if car.laps <= field.leader_lap:
        return
    field.leader_lap = car.laps
    if field.leader_lap >= field.lap_count - 1 and field.mode != Mode.GREEN and not field.white:
        # Under caution nobody gets the white flag: the race goes on until it can end under green.
        field.lap_count = field.leader_lap + 2
    if field.leader_lap >= field.lap_count:
        field.mode = Mode.CHECKERED
        field.flag = CHECKERED
        field.finish_tick = tick
        for other in cars:
            other.row, other.drop, other.around, other.gaining = -1, 0, 0, 0
        tell(events, field, tick, Code.CHECKERED, i, 0, 0.0, 0.0)
        _finish(cars, field, course, events, tick, i)
        return
    if field.leader_lap == field.lap_count - 1:
        field.white = 1
        if field.mode == Mode.GREEN:
            field.flag = WHITE
            tell(events, field, tick, Code.WHITE, i, 0, 0.0, 0.0)
    if field.stage < field.stages and field.leader_lap >= field.stage_end[field.stage]:
        field.stage += 1
        tell(events, field, tick, Code.STAGE, i, field.stage, 0.0, 0.0)
        if field.mode == Mode.GREEN and not field.no_stage_caution and not field.white:
            show_yellow(cars, field, course, events, tick, Cause.STAGE, NOBODY)
    if field.mode == Mode.SORT and field.sorted:
        begin_line_up(cars, field, course, events, tick)


@compiled
def _finish(cars: Cars, field: Field, course: Course, events: object, tick: int, i: int) -> None:
    car = cars[i]
    car.finished = 1
    car.rank = field.finished
    # Whole laps count first, then who came first: the order of the field keeps those who are level.
    car.score = car.laps * course.length_m
    place = 1
    for other in cars:
        place += (other.score if other.finished else other.s) > car.score
        place += other.finished == 1 and other.score == car.score and other.rank < car.rank
    field.finished += 1
    tell(events, field, tick, Code.FINISH, i, place, 0.0, 0.0)
