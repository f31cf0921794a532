"""When the rows of a batch happen: their times, and their places between the ticks of the race.

A row's race time is ``row * tables / rate`` seconds. Ticks and remainders are whole numbers, so the place of
a row does not depend on the batch it travels in.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.frames import TICK_S
from nascar.telemetry.plan import RowPlan

TICK_US: Final = round(TICK_S * 1e6)

DENSE_INSTANTS: Final = 4
"""With at least so many instants in a tick, rows are rendered in rectangles, else one by one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a batch between two ticks: instants `first` to `stop`, cars from `from_car` on.

    Pieces are painted in order, each over the one before. An instant that straddles a tick belongs to two:
    it is painted whole with the earlier tick, then its later cars with the next.
    """

    tick: int
    first: int
    stop: int
    from_car: int


@dataclass(frozen=True, slots=True)
class Moments:
    """The rows of `instants` instants, in row order ``(instants, cars)``."""

    times: NDArray[np.int64]
    """``(rows,)`` in the unit of the rows' clock, since 1970. Read-only."""
    first_tick: int
    """Last tick at or before the first row."""
    last_tick: int
    """Last tick at or before the last row."""
    weights: NDArray[np.float32]
    """``(instants, cars)``, 0 at the tick before a row … 1 at the tick after it."""
    pieces: tuple[Piece, ...] | None
    """The same rows as rectangles, each within one tick; None if instants are not dense."""
    ticks: NDArray[np.int64] | None
    """``(instants, cars)`` tick before each row, from `first_tick`; None if instants are dense."""


class MomentMaker:
    """Makes the moments of a plan's batches; the tables of a turn share theirs."""

    def __init__(self, plan: RowPlan, us_per_unit: int) -> None:
        self._plan = plan
        self._us_per_unit = us_per_unit
        us_per_row, tick_rows = len(plan.tables) * 1_000_000, plan.rate * TICK_US
        # Row n is at tick n * num / den.
        divisor = gcd(us_per_row, tick_rows)
        self._num, self._den = us_per_row // divisor, tick_rows // divisor
        self._dense = self._den >= DENSE_INSTANTS * plan.cars * self._num
        full = plan.batch_instants * plan.cars
        self._row_us = np.arange(full, dtype=np.int64) * us_per_row
        self._row_parts = np.arange(full, dtype=np.int64) * self._num
        self._stagger = (np.arange(plan.cars) * (self._num / self._den)).astype(np.float32)
        self._made: tuple[int, int, Moments] | None = None

    def of(self, first_instant: int, instants: int) -> Moments:
        """Moments of `instants` instants from `first_instant` on; at most a full batch."""
        made = self._made
        if made is None or made[:2] != (first_instant, instants):
            made = self._made = (first_instant, instants, self._make(first_instant, instants))
        return made[2]

    def _make(self, first_instant: int, instants: int) -> Moments:
        cars, num, den = self._plan.cars, self._num, self._den
        row, rows = first_instant * cars, instants * cars
        first_tick, part = divmod(row * num, den)
        last_tick = (row + rows - 1) * num // den
        if self._dense:
            pieces = self._pieces(row, rows)
            weights = self._dense_weights(part, instants, pieces)
            ticks = None
        else:
            pieces = None
            ticks, rest = np.divmod(self._row_parts[:rows] + part, den)
            ticks = ticks.reshape(instants, cars)
            weights = (rest / den).astype(np.float32).reshape(instants, cars)
        return Moments(self._times(row, rows), first_tick, last_tick, weights, pieces, ticks)

    def _times(self, row: int, rows: int) -> NDArray[np.int64]:
        rate = self._plan.rate
        whole, rest = divmod(row * len(self._plan.tables) * 1_000_000, rate)
        times = self._row_us[:rows] + rest
        np.floor_divide(times, rate, out=times)
        times += self._plan.start_us + whole
        if self._us_per_unit != 1:
            np.floor_divide(times, self._us_per_unit, out=times)
        times.flags.writeable = False
        return times

    def _pieces(self, row: int, rows: int) -> tuple[Piece, ...]:
        cars, num, den = self._plan.cars, self._num, self._den
        pieces: list[Piece] = []
        at = row
        while at < row + rows:
            tick = at * num // den
            end = min(-(-(tick + 1) * den // num), row + rows)
            first, car = divmod(at - row, cars)
            stop = -(-(end - row) // cars)
            if car:
                pieces.append(Piece(tick, first, first + 1, car))
                first += 1
            if first < stop:
                pieces.append(Piece(tick, first, stop, 0))
            at = end
        return tuple(pieces)

    def _dense_weights(self, part: int, instants: int, pieces: tuple[Piece, ...]) -> NDArray[np.float32]:
        cars, den = self._plan.cars, self._den
        # Whole numbers up to here, so a weight is the same whichever batch asks for it.
        since_tick = (self._row_parts[: instants * cars : cars] + part) % den
        of_instant = (since_tick / den).astype(np.float32)
        # Rounding to float32 keeps order, and two parts whose true sum is 1 add up to exactly 1: no weight
        # steps over 0 or 1.
        weights = of_instant[:, None] + self._stagger
        for piece in pieces:
            if piece.from_car:
                weights[piece.first, piece.from_car :] -= 1
        return weights
