"""Drives every car from tick to tick: the only part of the race that cannot be done a block at a time.

Foot and pedal first, then force, then speed, then place: the driver compares his speed with the plan's a
moment ahead, keeps clear of the car in front, and asks for an acceleration; the pedals move towards what
gives it, as fast as a foot does; engine, brakes and drag make the acceleration that follows.

Every operation writes into a buffer that is there already: at forty cars an operation costs less than the
making of an array.
"""

from __future__ import annotations

from typing import Final

import numpy as np

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
from nascar.race.following import ANSWER_PER_S, FOLLOWING_M, OFFSET_MPS, ROOT, SOFT_M
from nascar.race.frames import TICK_S, Floats
from nascar.race.speed_plan import CELL_M, SpeedPlan
from nascar.race.state import Cars

BLOCK_TICKS: Final = 25
"""Ticks worked on at a time. A block is always whole, so that no result depends on how ticks are asked for."""

_EAGERNESS_PER_S: Final = 2.5
"""How fast a driver closes in on the speed he means to have."""
_BOX_MPS2: Final = 3.5
"""Deceleration into the box (estimate)."""
_SLOW_MPS: Final = 60.0
"""Above, traction is no limit and nobody comes to a stand within a second."""
_NO_STOP_M: Final = 1.0e9


class Motion:
    """The loop over ticks and the rows it leaves behind, time-major, for the read-outs.

    Row ``t`` is tick ``t`` of the block; `speed_mps`, `lap_m` and `accel_mps2` have one row more, the state
    with which the next block begins. `accel_mps2` row ``t`` is over the tick that ends at ``t``.
    """

    def __init__(self, cars: Cars, plan: SpeedPlan) -> None:
        n = cars.cars
        self._cars = cars
        self._speed_plan = plan.speed_mps
        self._accel_plan = plan.accel_mps2
        self._plan_cells = plan.cells
        self.lap_m = np.zeros((BLOCK_TICKS + 1, n))
        self.speed_mps = np.zeros((BLOCK_TICKS + 1, n))
        self.accel_mps2 = np.zeros((BLOCK_TICKS + 1, n))
        self.pedals = np.zeros((BLOCK_TICKS + 1, 2, n))
        """Throttle and brake pressure; row ``t + 1`` is what the driver does from tick ``t`` on."""
        self._lap_rows = list(self.lap_m)
        self._speed_rows = list(self.speed_mps)
        self._accel_rows = list(self.accel_mps2)
        self._pedal_rows = list(self.pedals)
        self._opens = np.array([[THROTTLE_OPENS_PER_S], [BRAKE_RISES_PSI_PER_S]]) * TICK_S + np.zeros((2, n))
        self._closes = -np.array([[THROTTLE_CLOSES_PER_S], [BRAKE_FALLS_PSI_PER_S]]) * TICK_S + np.zeros(
            (2, n)
        )
        self._most = np.array([[1.0], [BRAKE_MAX_PSI]]) + np.zeros((2, n))
        self._rest = np.full(n, (ROLLING_G + ENGINE_BRAKING_G) * GRAVITY_MPS2)
        self._traction = np.full(n, TRACTION_G * GRAVITY_MPS2)
        self._slowest = np.full(n, 3.0)
        self._two_cells = np.full(n, 1.0 / CELL_M)
        self._eager = np.full(n, _EAGERNESS_PER_S)
        self._root = np.full(n, ROOT)
        self._offset = np.full(n, OFFSET_MPS)
        self._answer = np.full(n, ANSWER_PER_S)
        self._per_psi = np.full(n, -1.0 / (BRAKE_G_PER_PSI * GRAVITY_MPS2))
        self._psi = np.full(n, BRAKE_G_PER_PSI * GRAVITY_MPS2)
        self._tick = np.full(n, TICK_S)
        self._half_tick = np.full(n, TICK_S / 2)
        self._engine = np.full(n, ENGINE_BRAKING_G * GRAVITY_MPS2)
        self._pressed = np.array([[40.0], [0.08]]) + np.zeros((2, n))
        self._zero = np.zeros(n)
        self._none = np.zeros((2, n))

    def begin(self) -> None:
        """Start a block from the cars' state."""
        cars = self._cars
        self.lap_m[0] = cars.lap_m
        self.speed_mps[0] = cars.speed_mps
        self.accel_mps2[0] = cars.accel_mps2
        self.pedals[0, 0] = cars.throttle
        self.pedals[0, 1] = cars.brake_psi

    def run(self, first: int, ticks: int, leader: np.typing.NDArray[np.intp], ahead_m: Floats) -> None:
        """Advance rows `first` to ``first + ticks`` and put the state there into the cars.

        `leader` is the car that each car follows and `ahead_m` what to add to that car's `lap_m` to have it
        ahead of one's own on one line (very far for a car with a free road).
        """
        cars = self._cars
        n = cars.cars
        speed_plan, accel_plan = self._speed_plan, self._accel_plan
        stops = np.flatnonzero(cars.stop_lap_m < _NO_STOP_M)
        stop_lap_m = cars.stop_lap_m.take(stops)
        slow = bool(cars.speed_mps.min() < _SLOW_MPS)
        cell_base = cars.style * float(self._plan_cells)
        place, cell = np.empty(n), np.empty(n, np.intp)
        pace = cars.pace
        pace_square = pace * pace
        power = WHEEL_POWER_W / cars.mass_kg
        drag_factor = 0.5 * AIR_KG_PER_M3 * DRAG_AREA_M2 / cars.mass_kg
        clear_m = ahead_m + (SOFT_M - FOLLOWING_M)
        wish, part, gap, force, drag = (np.empty(n) for _ in range(5))
        asked = np.empty((2, n))
        ask_throttle, ask_brake = asked[0], asked[1]
        shut = np.empty((2, n), np.bool_)
        add, subtract, multiply, divide, sqrt = np.add, np.subtract, np.multiply, np.divide, np.sqrt
        minimum, maximum = np.minimum, np.maximum
        eager, root, offset, answer = self._eager, self._root, self._offset, self._answer
        two_cells, slowest, traction = self._two_cells, self._slowest, self._traction
        rest, engine, per_psi, psi = self._rest, self._engine, self._per_psi, self._psi
        tick, half_tick, zero, none = self._tick, self._half_tick, self._zero, self._none
        most, opens, closes = self._most, self._opens, self._closes
        pressed = self._pressed
        for row in range(first, first + ticks):
            lap, speed, accel = self._lap_rows[row], self._speed_rows[row], self._accel_rows[row]
            next_speed, next_accel = self._speed_rows[row + 1], self._accel_rows[row + 1]
            pedals, next_pedals = self._pedal_rows[row], self._pedal_rows[row + 1]
            # What the plan asks for.
            multiply(lap, two_cells, place)
            add(place, cell_base, place)
            cell[:] = place
            speed_plan.take(cell, out=wish, mode="clip")
            accel_plan.take(cell, out=part, mode="clip")
            if stops.size:
                # Down to the box at an even deceleration, and hold there.
                left_m = maximum(stop_lap_m - lap.take(stops), 0.0)
                bound = np.sqrt(left_m * (2.0 * _BOX_MPS2))
                meant = wish.take(stops)
                part[stops] = np.where(bound < meant, -_BOX_MPS2, part.take(stops))
                wish[stops] = minimum(bound, meant)
            multiply(wish, pace, wish)
            subtract(wish, speed, wish)
            multiply(wish, eager, wish)
            multiply(part, pace_square, part)
            add(wish, part, wish)
            # What the car in front allows.
            lap.take(leader, out=gap, mode="clip")
            add(gap, clear_m, gap)
            subtract(gap, lap, gap)
            maximum(gap, zero, out=gap)
            sqrt(gap, gap)
            multiply(gap, root, gap)
            subtract(gap, offset, gap)
            speed.take(leader, out=part, mode="clip")
            add(gap, part, gap)
            subtract(gap, speed, gap)
            multiply(gap, answer, gap)
            accel.take(leader, out=part, mode="clip")
            add(gap, part, gap)
            minimum(wish, gap, out=wish)
            # Pedals that give it.
            multiply(speed, speed, drag)
            multiply(drag, drag_factor, drag)
            add(drag, rest, drag)
            if slow:
                maximum(speed, slowest, out=force)
                divide(power, force, force)
                minimum(force, traction, out=force)
            else:
                divide(power, speed, force)
            add(force, engine, force)
            add(wish, drag, wish)
            divide(wish, force, ask_throttle)
            multiply(wish, per_psi, ask_brake)
            # One pedal at a time: each waits for the other to come up.
            np.less(pedals[::-1], pressed, shut)
            multiply(asked, shut, asked)
            maximum(asked, none, out=asked)
            minimum(asked, most, out=asked)
            subtract(asked, pedals, asked)
            minimum(asked, opens, out=asked)
            maximum(asked, closes, out=asked)
            add(pedals, asked, next_pedals)
            # Force, speed, place.
            multiply(next_pedals[0], force, force)
            subtract(force, drag, force)
            multiply(next_pedals[1], psi, part)
            subtract(force, part, next_accel)
            multiply(next_accel, tick, part)
            add(speed, part, next_speed)
            if slow:
                # A car that has come to a stand does not go on slowing down.
                maximum(next_speed, zero, out=next_speed)
                subtract(next_speed, speed, next_accel)
                divide(next_accel, tick, next_accel)
            add(speed, next_speed, part)
            multiply(part, half_tick, part)
            add(lap, part, self._lap_rows[row + 1])
        last = first + ticks
        cars.lap_m = self.lap_m[last].copy()
        cars.speed_mps = self.speed_mps[last].copy()
        cars.accel_mps2 = self.accel_mps2[last].copy()
        cars.throttle = self.pedals[last, 0].copy()
        cars.brake_psi = self.pedals[last, 1].copy()
