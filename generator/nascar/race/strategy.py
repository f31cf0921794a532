"""When the crew chiefs call their cars in, and for what."""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.chance import draw
from nascar.race.pit_stops import is_taken
from nascar.race.state import Cars, Course, Field, Mode, Phase

_RESERVE_LAPS: Final = 2.0
"""Fuel that a crew chief keeps in hand at least when he calls his car in: it could still miss a lap."""
_CALLS_PER_LAP: Final = 9.0
"""Pit road serves so many cars a lap without a queue: the calls of a field are spread over its laps."""
_RESERVE_PER_MATE_LAPS: Final = 3.5
"""More in hand for each car that shares the box: it may be its turn."""
_CROWD: Final = 24
"""With so many cars in their stops, those that can wait a lap do."""
_UNSCHEDULED: Final = 0.0003
"""Chance of a stop on a lap for another reason than fuel: a vibration, a loose wheel."""
_LEARNS: Final = 0.3
"""How fast a crew chief's idea of the fuel for a lap follows what he sees."""
_SAVED: Final = 0.06
"""Share of the fuel that lifting early saves (estimate)."""
_MOST_SAVED_LAPS: Final = 2.0
_FRESH_LAPS: Final = 6
_WORN_LAPS: Final = 14
_SPRINT_LAPS: Final = 24
"""With so few laps to go track position may be worth more than tires."""


@compiled
def _draw_reserve(cars: Cars, field: Field, i: int) -> None:
    """Laps of fuel that car `i` keeps in hand on this stint."""
    car = cars[i]
    car.drawn += 1
    spread = max(1.0, cars.size / _CALLS_PER_LAP)
    car.reserve_laps = (
        _RESERVE_LAPS + _RESERVE_PER_MATE_LAPS * car.mates + spread * draw(field.seed, i, car.drawn)
    )


@compiled
def pass_line(car: Cars, field: Field) -> None:
    """Learn from the lap that has just ended what a green lap burns."""
    used = car.burn_from_gal - car.fuel_gal
    racing = field.mode == Mode.GREEN and car.phase == Phase.RACING and not car.saving and not car.gaining
    if racing and 0.3 * car.burn_gal < used < 2.0 * car.burn_gal:
        car.burn_gal += (used - car.burn_gal) * _LEARNS
    car.burn_from_gal = car.fuel_gal


@compiled
def call(cars: Cars, field: Field, course: Course, tick: int) -> None:
    """Call in the cars that have just passed the last place for it, and under caution those that gain by it."""
    if field.mode == Mode.CHECKERED:
        _call_home(cars)
        return
    gate_m = course.leave_to_m
    for i in range(cars.size):
        car = cars[i]
        lap = car.laps + (1 if car.s - car.laps * course.length_m >= gate_m else 0)
        if car.phase != Phase.RACING or car.around or car.drop:
            continue
        if car.reserve_laps == 0.0:
            _draw_reserve(cars, field, i)
        fresh = lap > car.called_lap
        if fresh:
            car.called_lap = lap
        if field.mode == Mode.GREEN:
            # Who is in trouble does not wait for the place where all others are called.
            if fresh or car.failing or car.flat_tire >= 0:
                _call_under_green(cars, field, course, i, lap)
        elif field.mode == Mode.PITS_OPEN and not car.asked:
            _call_under_caution(cars, field, i)


@compiled
def _call_home(cars: Cars) -> None:
    for i in range(cars.size):
        car = cars[i]
        if car.finished and car.phase == Phase.RACING and not is_taken(cars, i):
            car.phase = Phase.CALLED
            car.tires_due = 0


@compiled
def _call_under_green(cars: Cars, field: Field, course: Course, i: int, lap: int) -> None:
    car = cars[i]
    to_go = field.lap_count - car.laps
    left = car.fuel_gal / car.burn_gal
    if to_go <= 1 and car.flat_tire < 0:
        return
    trouble = car.failing or car.flat_tire >= 0 or car.stop_and_go or car.dry
    car.drawn += 1
    chance = draw(field.seed, i, car.drawn)
    wants_in = trouble or (chance < _UNSCHEDULED and to_go > 10)
    urgent = trouble or left - 2.0 < _RESERVE_LAPS
    car.saving = 0
    if not wants_in and left < to_go + 0.4:
        short = to_go + 0.4 - left
        if short < _MOST_SAVED_LAPS and left > 3.0 and short < _SAVED * left + 0.3 * chance:
            # It could just do: lift early and save.
            car.saving = 1
        else:
            wants_in = left - 2.0 < car.reserve_laps
    if not wants_in:
        return
    busy = 0
    for j in range(cars.size):
        busy += Phase.CALLED <= cars[j].phase <= Phase.GOING_OUT
    if (busy >= _CROWD and not urgent) or is_taken(cars, i):
        return
    car.phase = Phase.CALLED
    car.saving = 0
    age = car.laps - car.tire_lap
    car.tires_due = 4
    if to_go <= 12 and age < 40 and not car.flat_tire >= 0:
        car.tires_due = 0 if chance < 0.5 else 2


@compiled
def _call_under_caution(cars: Cars, field: Field, i: int) -> None:
    """Stay out for the place, or come in for tires and fuel."""
    car = cars[i]
    if is_taken(cars, i):
        return
    car.asked = 1
    car.drawn += 2
    chance, taste = draw(field.seed, i, car.drawn - 1), draw(field.seed, i, car.drawn)
    to_go = field.lap_count - car.laps
    left = car.fuel_gal / car.burn_gal
    age = car.laps - car.tire_lap
    must = car.failing or car.flat_tire >= 0 or car.damage < 1.0 or left < 8.0
    short = left < to_go + 1.0
    if age <= _FRESH_LAPS:
        eager = 0.04
    elif age <= _WORN_LAPS:
        eager = 0.45
    else:
        eager = 0.94
    if short and left < to_go - 2.0 and left < 30.0:
        eager = max(eager, 0.8)
    if to_go <= 4 and not short:
        eager = 0.15 if age > _WORN_LAPS else 0.02
    elif to_go <= _SPRINT_LAPS and not short:
        eager *= 0.75
    if not must and chance >= eager:
        return
    car.phase = Phase.CALLED
    four = 0.9 if to_go > _SPRINT_LAPS else 0.5
    if age <= _FRESH_LAPS and car.damage >= 1.0:
        car.tires_due = 0
    elif taste < four or car.flat_tire >= 0 or car.damage < 1.0:
        car.tires_due = 4
    else:
        car.tires_due = 2
