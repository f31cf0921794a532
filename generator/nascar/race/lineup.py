"""The line behind the pace car: who is in it, in single file and in rows of two."""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.car import LENGTH_M
from nascar.race.following import forward_m
from nascar.race.state import FREE_M, NOBODY, PACE_CAR, Cars, Course, Field, Lane, Phase

_FILE_M: Final = LENGTH_M + 4.0
"""Centre to centre behind the pace car."""
_ROW_M: Final = LENGTH_M + 4.6
_BESIDE_M: Final = 1.0
"""The outside car of a row stays so much behind the inside car."""
_BEHIND_PACE_CAR_M: Final = 18.0
_MERGED: Final = 0.92
"""A car that comes out of the pits has its place in the line once it runs at this share of the pace."""
ON_THE_WAY: Final = 1
"""`around` of a car that gets a lap back, up to the pace car."""
_TAIL_M: Final = 60.0


@compiled
def in_line(car: Cars, course: Course) -> bool:
    """Whether a car takes its place in the field that follows the pace car."""
    if car.phase == Phase.GOING_OUT:
        return bool(car.s >= car.exit_s and car.speed >= _MERGED * course.pace_mps)
    return car.phase <= Phase.CALLED and car.lane != Lane.PIT_IN and car.around != ON_THE_WAY and not car.drop


@compiled
def leader_of(cars: Cars) -> int:
    """The car that has come farthest and is not out; `NOBODY` if all are."""
    best, most = NOBODY, -1.0e18
    for i in range(cars.size):
        if not cars[i].out and not cars[i].finished and cars[i].s > most:
            best, most = i, cars[i].s
    return best


@compiled
def keep_file(cars: Cars, field: Field, course: Course) -> None:
    """Everybody stays behind the next car ahead, whatever its lane."""
    length_m = course.length_m
    for i in range(cars.size):
        car = cars[i]
        if not in_line(car, course):
            continue
        best, nearest = NOBODY, FREE_M
        for j in range(cars.size):
            if j != i and in_line(cars[j], course):
                way = forward_m(car.s, cars[j].s, length_m)
                if way < nearest:
                    best, nearest = j, way
        if field.pace_on:
            way = forward_m(car.s, field.pace_s, length_m)
            if way < nearest:
                best, nearest = PACE_CAR, way
        car.leader[1] = best
        if best == PACE_CAR:
            car.room[1] = _BEHIND_PACE_CAR_M
            car.offset[1] = car.s + nearest - field.pace_s
        elif best != NOBODY:
            car.room[1] = _FILE_M
            car.offset[1] = car.s + nearest - cars[best].s


@compiled
def gap_m(cars: Cars, field: Field, car: Cars) -> float:
    """To whoever is ahead in the line."""
    ahead = car.leader[1]
    if ahead == NOBODY:
        return 0.0
    place = field.pace_s if ahead == PACE_CAR else cars[ahead].s
    return float(place + car.offset[1] - car.s)


@compiled
def is_tail(cars: Cars, i: int, course: Course) -> bool:
    for j in range(cars.size):
        ahead_m = forward_m(cars[j].s, cars[i].s, course.length_m)
        if j != i and in_line(cars[j], course) and ahead_m < _TAIL_M:
            return False
    return True


@compiled
def number_rows(cars: Cars, field: Field, course: Course) -> None:
    """Give every car in line its place, from the pace car backwards."""
    for i in range(cars.size):
        car = cars[i]
        car.row = -1
        if in_line(car, course):
            place = forward_m(car.s, field.pace_s, course.length_m)
            ahead = 0
            for j in range(cars.size):
                if j != i and in_line(cars[j], course):
                    other = forward_m(cars[j].s, field.pace_s, course.length_m)
                    ahead += other < place or (other == place and j < i)
            car.row = ahead


@compiled
def keep_rows(cars: Cars, field: Field, course: Course) -> int:
    """Double file: behind the row ahead, and not ahead of the car before in the order; returns who is first."""
    head = NOBODY
    for i in range(cars.size):
        car = cars[i]
        if car.row < 0 or not in_line(car, course):
            continue
        if car.row == 0:
            head = i
            if field.pace_on:
                car.leader[1] = PACE_CAR
                car.room[1] = _BEHIND_PACE_CAR_M
                car.offset[1] = forward_m(car.s, field.pace_s, course.length_m) + car.s - field.pace_s
        for j in range(cars.size):
            row = cars[j].row
            if row < 0 or (row != car.row - 1 and row != car.row - 2):
                continue
            way = forward_m(car.s, cars[j].s, course.length_m)
            if way > course.length_m / 2:
                way -= course.length_m
            k = 1 if row == car.row - 1 else 2
            car.leader[k] = j
            car.room[k] = _BESIDE_M if k == 1 else _ROW_M
            car.offset[k] = car.s + way - cars[j].s
    return head
