"""How a driver keeps clear of the car ahead, and how much room there is around him.

He lets the gap close as fast as he could still brake off with `BRAKES_MPS2` before it is gone: the closing
speed allowed is ``√(2b(x + x₀)) − √(2b·x₀)`` over the gap left, x. Near the car ahead that is a straight line
whose slope damps the answer critically; far away it is the braking distance. What the car ahead does to its
own speed he does at once.
"""

from __future__ import annotations

from typing import Final

from nascar.compiled import compiled
from nascar.race.car import LENGTH_M
from nascar.race.state import FREE_M, Cars

FOLLOWING_M: Final = LENGTH_M + 1.6
"""Centre to centre, nose to tail."""
BRAKES_MPS2: Final = 4.5
ANSWER_PER_S: Final = 2.4
"""How fast the closing speed is brought to the one allowed."""
SOFT_M: Final = 6.0
"""x₀: makes the slope at the gap's end a quarter of `ANSWER_PER_S`."""
EASY_MPS2: Final = 2.0
"""Behind the pace car."""


@compiled
def closing_allowed_mps(gap_m: float, brakes_mps2: float) -> float:
    """Closing speed allowed with `gap_m` left; negative where the gap is too small already."""
    return float((2.0 * brakes_mps2) ** 0.5 * (max(gap_m + SOFT_M, 0.0) ** 0.5 - SOFT_M**0.5))


@compiled
def forward_m(from_s: float, to_s: float, length_m: float) -> float:
    """Way around the lap from one place to another, from 0 to below the lap's length."""
    way = (to_s - from_s) % length_m
    return 0.0 if way >= length_m else way


@compiled
def room_around(cars: Cars, i: int, claims: int, length_m: float) -> tuple[float, float, float, float, int]:
    """The nearest cars that claim any of `claims`, ahead of and behind car `i`.

    Distance ahead, how fast that gap closes, distance behind, how fast that closes (m and m/s, centre to
    centre), and who is ahead (−1: nobody).
    """
    car = cars[i]
    ahead_m, closing, behind_m, closed, leader = FREE_M, 0.0, FREE_M, 0.0, -1
    for j in range(cars.size):
        if j == i or cars[j].claims & claims == 0:
            continue
        way = forward_m(car.s, cars[j].s, length_m)
        if way < ahead_m:
            ahead_m, closing, leader = way, car.speed - cars[j].speed, j
        back = length_m - way
        if back < behind_m:
            behind_m, closed = back, cars[j].speed - car.speed
    return ahead_m, closing, behind_m, closed, leader


@compiled
def has_room(room: tuple[float, float, float, float, int], brakes_mps2: float) -> bool:
    """Whether a car can go there, and the cars there and itself brake no harder for it."""
    closing, closed = max(room[1], 0.0), max(room[3], 0.0)
    return room[0] > LENGTH_M + 2.1 + closing * closing / (2.0 * brakes_mps2) and room[
        2
    ] > LENGTH_M + 3.1 + closed * closed / (2.0 * brakes_mps2)
