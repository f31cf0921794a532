"""The inner loops of `moments`: whole numbers that step from row to row, without a division for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nascar.compiled import compiled


@compiled
def set_times(
    times: NDArray[np.int64], first_us: int, rest: int, us_per_row: int, rate: int, us_per_unit: int
) -> None:
    """The time of row n: ``first_us + (rest + n * us_per_row) // rate``, in units of `us_per_unit`."""
    step_us, step_rest = us_per_row // rate, us_per_row % rate
    time_us = first_us
    for row in range(times.size):
        times[row] = time_us
        time_us += step_us
        rest += step_rest
        if rest >= rate:
            rest -= rate
            time_us += 1
    if us_per_unit != 1:
        for row in range(times.size):
            times[row] //= us_per_unit


@compiled
def set_weights(weights: NDArray[np.float32], part: int, num: int, den: int) -> None:
    """The weight of row n: what ``(part + n * num) / den`` is above a whole number."""
    rest, step = part, num % den
    for row in range(weights.size):
        weights[row] = rest / den
        rest += step
        if rest >= den:
            rest -= den


@compiled
def set_dense_weights(
    weights: NDArray[np.float32], part: int, num: int, den: int, stagger: NDArray[np.float32]
) -> None:
    """The same for rows that are instants of ``stagger.size`` cars, of which at least two lie in a tick.

    Rounding to float32 keeps order, and two parts whose true sum is 1 add up to exactly 1: no weight steps
    over 0 or 1.
    """
    cars = stagger.size
    since = part
    for first in range(0, weights.size, cars):
        instant = weights[first : first + cars]
        of_instant = np.float32(since / den)
        for car in range(cars):
            instant[car] = of_instant + stagger[car]
        # The cars that lie behind the next tick.
        for car in range((den - since + num - 1) // num, cars):
            instant[car] -= np.float32(1)
        since += cars * num
        if since >= den:
            since -= den


@compiled
def cut_runs(
    run_ticks: NDArray[np.int64],
    run_stops: NDArray[np.int64],
    rows: int,
    tick: int,
    part: int,
    num: int,
    den: int,
) -> int:
    """Cut rows, row n at tick ``tick + (part + n * num) / den``, where a tick lies between two; how many runs."""
    runs = row = 0
    while row < rows:
        count = (den - part + num - 1) // num
        run_ticks[runs] = tick
        run_stops[runs] = min(row + count, rows)
        runs += 1
        row += count
        part += count * num
        tick += part // den
        part %= den
    return runs


def prepare() -> None:
    """Compile the loops, or load them, by calls that do nothing."""
    numbers, weights = np.empty(0, np.int64), np.empty(0, np.float32)
    set_times(numbers, 0, 0, 1, 1, 1)
    set_weights(weights, 0, 1, 1)
    set_dense_weights(weights, 0, 1, 1, np.zeros(1, np.float32))
    cut_runs(numbers, numbers, 0, 0, 0, 1, 1)
