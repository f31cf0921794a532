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
"""With at least so many instants in a tick, a row's weight is that of its instant and what its car is behind
it: a sum instead of a division."""


@dataclass(frozen=True, slots=True)
class Moments:
    """The rows of a batch, in row order. Valid until the moments of other rows are made."""

    times: NDArray[np.int64]
    """``(rows,)`` in the unit of the rows' clock, since 1970."""
    weights: NDArray[np.float32]
    """``(rows,)``, 0 at the tick before a row … 1 at the tick after it."""
    run_ticks: NDArray[np.int64]
    """``(runs,)``: rows that follow one another between the same two ticks are a run, and this is its earlier
    tick."""
    run_stops: NDArray[np.int64]
    """``(runs,)``: the first row, counted in the batch, after each run."""

    @property
    def first_tick(self) -> int:
        """Last tick at or before the first row."""
        return int(self.run_ticks[0])

    @property
    def last_tick(self) -> int:
        """Last tick at or before the last row."""
        return int(self.run_ticks[-1])


class MomentMaker:
    """Makes the moments of a plan's batches; the tables of a turn share theirs."""

    def __init__(self, plan: RowPlan, us_per_unit: int) -> None:
        # Not above: it loads the compiler, which nobody has to wait for who renders nothing.
        from nascar.telemetry import moment_loops

        self._loops = moment_loops
        self._plan = plan
        self._us_per_unit = us_per_unit
        self._us_per_row = len(plan.tables) * 1_000_000
        tick_rows = plan.rate * TICK_US
        # Row n is at tick n * num / den.
        divisor = gcd(self._us_per_row, tick_rows)
        self._num, self._den = self._us_per_row // divisor, tick_rows // divisor
        is_dense = self._den >= DENSE_INSTANTS * plan.cars * self._num
        stagger = np.arange(plan.cars) * (self._num / self._den)
        self._stagger = stagger.astype(np.float32) if is_dense else np.empty(0, np.float32)
        full = plan.batch_instants * plan.cars
        self._times = np.empty(full, np.int64)
        self._weights = np.empty(full, np.float32)
        # No two runs have the same tick, and no run is without a row.
        most_runs = min(full, full * self._num // self._den + 2)
        self._run_ticks = np.empty(most_runs, np.int64)
        self._run_stops = np.empty(most_runs, np.int64)
        self._made: tuple[int, int, Moments] | None = None

    def of(self, first_instant: int, instants: int) -> Moments:
        """Moments of `instants` instants from `first_instant` on; at most a full batch."""
        made = self._made
        if made is None or made[:2] != (first_instant, instants):
            made = self._made = (first_instant, instants, self._make(first_instant, instants))
        return made[2]

    def _make(self, first_instant: int, instants: int) -> Moments:
        plan = self._plan
        row, rows = first_instant * plan.cars, instants * plan.cars
        # Rows are numbered without end, the loops count in 64 bits: they begin with the rest that is left here.
        tick, part = divmod(row * self._num, self._den)
        whole_us, rest_us = divmod(row * self._us_per_row, plan.rate)
        loops, times, weights = self._loops, self._times[:rows], self._weights[:rows]
        loops.set_times(
            times, plan.start_us + whole_us, rest_us, self._us_per_row, plan.rate, self._us_per_unit
        )
        if self._stagger.size:
            loops.set_dense_weights(weights, part, self._num, self._den, self._stagger)
        else:
            loops.set_weights(weights, part, self._num, self._den)
        runs = loops.cut_runs(self._run_ticks, self._run_stops, rows, tick, part, self._num, self._den)
        return Moments(times, weights, self._run_ticks[:runs], self._run_stops[:runs])
