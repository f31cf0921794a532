"""The inner loops of rendering: from what the sensors read at the ticks to numbers in memory.

One call renders one batch, all columns of it, without an object or an array for a row. Each column goes
through a block of rows at a time, small enough for the processor's first cache: interpolate, add noise, clip
and round in single precision, then divide, swap and store. As a chain of numpy operations the same work
spends most of its time on carrying columns through memory between two operations.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.compiled import compiled

LINE: Final = np.dtype(
    [
        ("noise_start", "i8"),
        ("amplitude", "f4"),
        ("least", "f4"),
        ("most", "f4"),
        ("is_float", "i4"),
        ("steps_per_unit", "f8"),
    ],
    align=True,
)
"""A line sensor at work: where it begins on the noise ring, and its figures in steps. A reading is a whole
number of steps, stored as such or, with `is_float`, divided by `steps_per_unit`."""

TAGGED: Final = np.dtype([("tag", "u1"), ("bits", "u8")])
"""A number behind a byte that says its type, the most significant byte first."""

BLOCK_ROWS: Final = 240
"""About so many rows go through the steps at a time."""

_TO_WHOLE: Final = np.float32(1.5 * 2**23)
"""Added and taken away, it leaves a float32 up to 2**22 rounded to a whole number, ties to even: readings in
steps are far below. The processor's own rounding does the same, but numba does not use it for vectors."""

_EIGHTS: Final = np.uint64(0x00FF00FF00FF00FF)
_SIXTEENTHS: Final = np.uint64(0x0000FFFF0000FFFF)
_8: Final = np.uint64(8)
_16: Final = np.uint64(16)
_32: Final = np.uint64(32)


@compiled
def render(
    lines: NDArray[Any],
    start: NDArray[np.float32],
    slope: NDArray[np.float32],
    counts: NDArray[np.int64],
    crossings: NDArray[np.float32],
    first_tick: int,
    noise: NDArray[np.float32],
    noise_turn: int,
    first_row: int,
    cars: int,
    times: NDArray[np.int64],
    weights: NDArray[np.float32],
    run_ticks: NDArray[np.int64],
    run_stops: NDArray[np.int64],
    memory: NDArray[np.uint8],
    places: NDArray[np.int64],
    is_tagged: bool,
) -> None:
    """Write the times, then every line sensor, then every counting sensor of a batch into `memory`.

    * `lines`: `LINE` for each line sensor; `start` and `slope` are its readings ``(lines, ticks, cars)``,
      in steps, at the tick and from there on to the next, from tick `first_tick` on.
    * `counts` ``(counting sensors, ticks, cars)``: what a counting sensor reads at the tick; it counts one
      more from weight `crossings` on, ``(counting sensors, ticks, cars)``, infinite where it does not.
    * `noise`: a ring of unit noise that comes round after `noise_turn` rows; the batch begins with row `first_row`.
    * `times`, `weights`, `run_ticks`, `run_stops`: as in `nascar.telemetry.moments.Moments`.
    * `memory`, `places`: the first byte of each column, the times' first; `is_tagged`: `TAGGED` cells, of
      which the bits are written and the tag is not, or else plain int64 and float64.
    """
    width = 9 if is_tagged else 8
    _store_ints(times, memory, places[0], is_tagged)
    period = cars * max(1, BLOCK_ROWS // cars)
    a = np.empty(period, np.float32)
    b = np.empty(period, np.float32)
    steps = np.empty(period, np.int32)
    for place in range(lines.size):
        line = lines[place]
        amplitude, least, most = line["amplitude"], line["least"], line["most"]
        ring = (line["noise_start"] + first_row) % noise_turn
        at = places[1 + place]
        row = 0
        for run in range(run_ticks.size):
            tick = run_ticks[run] - first_tick
            stop = run_stops[run]
            # The cars come round: all blocks of the run begin with the same car.
            size = min(period, stop - row)
            _repeat(start[place, tick], row % cars, a[:size])
            _repeat(slope[place, tick], row % cars, b[:size])
            while row < stop:
                size = min(period, stop - row)
                _read(
                    weights[row : row + size],
                    a,
                    b,
                    noise[ring + row : ring + row + size],
                    amplitude,
                    least,
                    most,
                    steps[:size],
                )
                if line["is_float"]:
                    _store_floats(steps[:size], line["steps_per_unit"], memory, at + width * row, is_tagged)
                else:
                    _store_ints(steps[:size], memory, at + width * row, is_tagged)
                row += size
    whole = np.empty(period, np.int64)
    count = np.empty(period, np.int64)
    for place in range(counts.shape[0]):
        at = places[1 + lines.size + place]
        row = 0
        for run in range(run_ticks.size):
            tick = run_ticks[run] - first_tick
            stop = run_stops[run]
            size = min(period, stop - row)
            _repeat(counts[place, tick], row % cars, count[:size])
            _repeat(crossings[place, tick], row % cars, a[:size])
            while row < stop:
                size = min(period, stop - row)
                _count(weights[row : row + size], count, a, whole[:size])
                _store_ints(whole[:size], memory, at + width * row, is_tagged)
                row += size


@compiled
def _repeat(of_cars: NDArray[Any], first_car: int, out: NDArray[Any]) -> None:
    """What belongs to the car of each row, beginning with `first_car`."""
    car = first_car
    for row in range(out.size):
        out[row] = of_cars[car]
        car += 1
        if car == of_cars.size:
            car = 0


@compiled
def _read(
    weights: NDArray[np.float32],
    start: NDArray[np.float32],
    slope: NDArray[np.float32],
    noise: NDArray[np.float32],
    amplitude: np.float32,
    least: np.float32,
    most: np.float32,
    steps: NDArray[np.int32],
) -> None:
    """The readings of the rows of `steps`, rounded to whole steps: there is no minus zero among them."""
    for row in range(steps.size):
        reading = weights[row] * slope[row] + start[row] + noise[row] * amplitude
        reading = min(max(reading, least), most)
        steps[row] = np.int32((reading + _TO_WHOLE) - _TO_WHOLE)


@compiled
def _count(
    weights: NDArray[np.float32],
    counts: NDArray[np.int64],
    crossings: NDArray[np.float32],
    out: NDArray[np.int64],
) -> None:
    for row in range(out.size):
        out[row] = counts[row] + (1 if weights[row] >= crossings[row] else 0)


@compiled
def _store_floats(
    steps: NDArray[np.int32], steps_per_unit: float, memory: NDArray[np.uint8], at: int, is_tagged: bool
) -> None:
    # A whole number over a power of ten is the double that the shortest decimal reads back as.
    if is_tagged:
        cells = memory[at : at + 9 * steps.size].view(TAGGED)
        for row in range(steps.size):
            cells[row]["bits"] = _swapped(np.float64(steps[row] / steps_per_unit).view(np.uint64))
    else:
        plain = memory[at : at + 8 * steps.size].view(np.float64)
        for row in range(steps.size):
            plain[row] = steps[row] / steps_per_unit


@compiled
def _store_ints(values: NDArray[Any], memory: NDArray[np.uint8], at: int, is_tagged: bool) -> None:
    if is_tagged:
        cells = memory[at : at + 9 * values.size].view(TAGGED)
        for row in range(values.size):
            cells[row]["bits"] = _swapped(np.uint64(np.int64(values[row])))
    else:
        plain = memory[at : at + 8 * values.size].view(np.int64)
        for row in range(values.size):
            plain[row] = values[row]


@compiled
def _swapped(bits: Any) -> Any:
    """The eight bytes in the other order; a processor has one instruction for it."""
    bits = ((bits >> _8) & _EIGHTS) | ((bits & _EIGHTS) << _8)
    bits = ((bits >> _16) & _SIXTEENTHS) | ((bits & _SIXTEENTHS) << _16)
    return (bits >> _32) | (bits << _32)


def prepare() -> None:
    """Compile the loops, or load them, by a call that renders nothing."""
    floats, ints = np.empty((0, 1, 1), np.float32), np.empty((0, 1, 1), np.int64)
    render(
        np.empty(0, LINE),
        floats,
        floats,
        ints,
        floats,
        0,
        np.zeros(1, np.float32),
        1,
        0,
        1,
        np.empty(0, np.int64),
        np.empty(0, np.float32),
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
        np.zeros(1, np.int64),
        False,
    )
