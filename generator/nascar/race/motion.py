"""Drives every car from tick to tick.

Foot and pedal first, then force, then speed, then place: the driver compares his speed with the plan's a
moment ahead, keeps clear of the cars in front, and asks for an acceleration; the pedals move towards what
gives it, as fast as a foot does; engine, brakes and drag make the acceleration that follows. All cars move
at once: each sees the others as they were at the tick's begin.
"""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.car import (
    AIR_KG_PER_M3,
    BRAKE_FALLS_PSI_PER_S,
    BRAKE_G_PER_PSI,
    BRAKE_MAX_PSI,
    BRAKE_RISES_PSI_PER_S,
    DRAG_AREA_M2,
    ENGINE_BRAKING_G,
    GRAVITY_MPS2,
    ROLLING_G,
    THROTTLE_CLOSES_PER_S,
    THROTTLE_OPENS_PER_S,
    TRACTION_G,
    WHEEL_POWER_W,
)
from nascar.race.following import ANSWER_PER_S, BRAKES_MPS2, EASY_MPS2, closing_allowed_mps
from nascar.race.frames import TICK_S, Floats
from nascar.race.speed_plan import CELL_M
from nascar.race.state import NOBODY, PACE_CAR, Cars, Course, Field, Phase

_EAGERNESS_PER_S: Final = 2.5
"""How fast a driver closes in on the speed he means to have."""
_BOX_MPS2: Final = 3.5
"""Deceleration into the box (estimate)."""
_SLOWEST_MPS: Final = 3.0
_HOLD_MPS2: Final = 3.0
"""How gently drivers slow down for a flag."""
_RELEASE_MPS2: Final = 30.0
_ORDERLY: Final = 0.78
"""Of the pace car's speed, the least that the order asks for."""
_ORDERLY_MPS2: Final = 4.5
"""The hardest that drivers brake to keep the order behind the pace car."""
_CREEP_MPS: Final = 9.0
"""A car without fuel keeps rolling at least so fast, on its starter, to where it can leave the track."""
_SPIN_MPS2: Final = 6.5
"""Deceleration of a car that has lost control, tires smoking (estimate)."""
_SPIN_FIRST_MPS2: Final = 3.0
_SPIN_FIRST_TICKS: Final = 25
_DRIVING_BRAKE_PSI: Final = 40.0
_DRIVING_THROTTLE: Final = 0.08


@compiled
def hold_caps(cars: Cars, elapsed_s: float) -> None:
    """Move every car's most speed towards what race control allows."""
    for car in cars:
        if car.cap_goal >= car.cap:
            car.cap = min(car.cap_goal, car.cap + _RELEASE_MPS2 * elapsed_s)
        else:
            car.cap = max(car.cap_goal, min(car.cap, car.speed + 0.3) - _HOLD_MPS2 * elapsed_s)


@compiled
def drive(
    cars: Cars,
    field: Field,
    course: Course,
    speed_plan: Floats,
    accel_plan: Floats,
    tick: int,
) -> None:
    """Work out every car's next tick into its ``next_`` fields."""
    for i in range(cars.size):
        car = cars[i]
        if car.phase == Phase.STOPPED or car.phase == Phase.IN_BOX:
            _stand(car)
            continue
        wish = _wish(car, course, speed_plan, accel_plan)
        wish = min(wish, _behind_others(cars, field, course, car))
        if car.phase == Phase.SPINNING:
            since = tick - car.spin_tick
            hard = _SPIN_FIRST_MPS2 if since < _SPIN_FIRST_TICKS else _SPIN_MPS2
            wish = min(wish, -hard)
        _move(car, wish)


@compiled
def commit(cars: Cars) -> None:
    """Make the next tick's state the present one."""
    for i in range(cars.size):
        car = cars[i]
        car.s = car.next_s
        car.speed = car.next_speed
        car.accel = car.next_accel
        car.throttle = car.next_throttle
        car.brake = car.next_brake


@compiled
def _stand(car: Cars) -> None:
    car.next_s = car.s
    car.next_speed = 0.0
    car.next_accel = 0.0 - car.speed / TICK_S
    car.next_throttle = 0.0
    car.next_brake = max(car.brake - BRAKE_FALLS_PSI_PER_S * TICK_S, 0.0)


@compiled
def _wish(car: Cars, course: Course, speed_plan: Floats, accel_plan: Floats) -> float:
    """Acceleration that the plan, the flag and a stop ahead ask for."""
    lap_m = car.s - car.laps * course.length_m
    cell = car.style * course.plan_cells + min(max(int(lap_m / CELL_M), 0), course.plan_cells - 1)
    meant = speed_plan[cell] * car.pace
    rise = accel_plan[cell] * car.pace * car.pace
    if car.cap < meant:
        meant = car.cap
        rise = min(rise, 0.0)
    left_m = car.stop_s - car.s
    if left_m < course.length_m:
        bound = (2.0 * _BOX_MPS2 * max(left_m, 0.0)) ** 0.5
        if bound < meant:
            meant = bound
            rise = -_BOX_MPS2
    return float((meant - car.speed) * _EAGERNESS_PER_S + rise)


@compiled
def _behind_others(cars: Cars, field: Field, course: Course, car: Cars) -> float:
    """Acceleration that keeps clear of the cars ahead."""
    wish = 1.0e9
    for k in range(3):
        other = car.leader[k]
        if other == NOBODY:
            continue
        if other == PACE_CAR:
            place, speed, accel = field.pace_s, field.pace_speed, 0.0
        else:
            ahead = cars[other]
            place, speed, accel = ahead.s, ahead.speed, ahead.accel
        gap_m = place + car.offset[k] - car.s - car.room[k]
        if k == 0:
            # In the same lane: a matter of room.
            allowed = closing_allowed_mps(gap_m, BRAKES_MPS2) + speed
            wish = min(wish, (allowed - car.speed) * ANSWER_PER_S + accel)
            continue
        # A matter of order. Nobody falls far below the pace for it: a long line would come to a stand.
        allowed = closing_allowed_mps(gap_m, EASY_MPS2) + speed
        slowest = _ORDERLY * course.pace_mps
        asked = (max(allowed, slowest) - car.speed) * ANSWER_PER_S
        if allowed > slowest:
            asked += accel
        wish = min(wish, max(asked, -_ORDERLY_MPS2))
    return wish


@compiled
def _move(car: Cars, wish: float) -> None:
    """Pedals, force, speed and place of one car."""
    speed = car.speed
    drag = 0.5 * AIR_KG_PER_M3 * DRAG_AREA_M2 / car.mass_kg * (1.0 - car.draft) * speed * speed
    drag += (ROLLING_G + ENGINE_BRAKING_G) * GRAVITY_MPS2
    force = WHEEL_POWER_W / car.mass_kg / max(speed, _SLOWEST_MPS)
    force = min(force, TRACTION_G * GRAVITY_MPS2)
    if car.dry and speed > _CREEP_MPS:
        force = 0.0
    force += ENGINE_BRAKING_G * GRAVITY_MPS2
    asked = wish + drag
    # One pedal at a time: each waits for the other to come up.
    throttle = min(max(asked / force, 0.0), 1.0) if car.brake < _DRIVING_BRAKE_PSI else 0.0
    brake = 0.0
    if car.throttle < _DRIVING_THROTTLE:
        brake = min(max(-asked / (BRAKE_G_PER_PSI * GRAVITY_MPS2), 0.0), BRAKE_MAX_PSI)
    if (car.dry and speed > _CREEP_MPS) or car.phase == Phase.SPINNING:
        throttle = 0.0
    change = min(max(throttle - car.throttle, -THROTTLE_CLOSES_PER_S * TICK_S), THROTTLE_OPENS_PER_S * TICK_S)
    car.next_throttle = car.throttle + change
    press = min(max(brake - car.brake, -BRAKE_FALLS_PSI_PER_S * TICK_S), BRAKE_RISES_PSI_PER_S * TICK_S)
    car.next_brake = car.brake + press
    accel = car.next_throttle * force - drag - car.next_brake * (BRAKE_G_PER_PSI * GRAVITY_MPS2)
    next_speed = speed + accel * TICK_S
    if next_speed < 0.0:
        # A car that has come to a stand does not go on slowing down.
        next_speed = 0.0
        accel = -speed / TICK_S
    car.next_accel = accel
    car.next_speed = next_speed
    car.next_s = car.s + (speed + next_speed) * (TICK_S / 2)
