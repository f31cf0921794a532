"""The laws that hold at every tick of every race, whatever its seed, field, track and flags.

Each is a generator of breaches: sentences with the law's number, the tick and the car. No sentence, no breach.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.race import tires
from nascar.race.car import GRAVITY_MPS2, IDLE_RPM, LENGTH_M, RPM_PER_MPS, TANK_GAL, WIDTH_M
from nascar.race.frames import ARRAYS, FLAGS, TICK_S, Bools, Floats, Frames
from nascar.race.state import BOX_M
from nascar.race.track import Track

GREEN, YELLOW, RED, WHITE, CHECKERED = range(len(FLAGS))

_RATIO: Final = np.array(RPM_PER_MPS)
_LAUNCH_RPM: Final = 4_500.0
"""The clutch slips below in first gear."""
_EDGE_M: Final = 6.0
"""The racing surface ends here, on the inside of the centre line; then come apron, pit road and infield."""
_STANDING_MPS: Final = 0.5


def breaches(frames: Frames, track: Track, *, rolling: bool = True) -> list[str]:
    """Of all laws by `frames`; `rolling` where the race has begun at speed, not from the grid."""
    found = [*_numbers(frames), *_motion(frames, track), *_drivetrain(frames), *_order(frames)]
    found += [*_room(frames, track), *_fuel(frames), *_rubber(frames), *_flags(frames)]
    if rolling:
        found += _stalls(frames)
    return found


def in_box(frames: Frames) -> Bools:
    """Who stands in a pit box, ``(ticks, cars)``."""
    return (frames.speed_mps <= 0.0) & frames.on_pit_road & (np.abs(frames.lane_m - BOX_M) < 0.01)


def overlaps(distance_m: Floats, lane_m: Floats, length_m: float) -> list[tuple[int, int, int]]:
    """Tick and the two cars wherever two cars touch."""
    found = []
    place = np.mod(distance_m, length_m)
    order = np.argsort(place, axis=1, kind="stable")
    along = np.take_along_axis(place, order, axis=1)
    across = np.take_along_axis(lane_m, order, axis=1)
    # Side by side and in boxes, more cars than the next may be within a length.
    for step in range(1, min(6, distance_m.shape[1])):
        gap_m = np.roll(along, -step, axis=1) - along
        gap_m = np.where(gap_m < 0, gap_m + length_m, gap_m)
        near = gap_m < LENGTH_M
        if not near.any():
            break
        touching = near & (np.abs(np.roll(across, -step, axis=1) - across) < WIDTH_M)
        for tick, at in np.argwhere(touching):
            found.append((int(tick), int(order[tick, at]), int(order[tick, (at + step) % order.shape[1]])))
    return found


def _said(frames: Frames, law: str, broken: Bools, value: NDArray[Any] | None = None) -> Iterator[str]:
    """The first breach of a law in ``(ticks, cars, …)``."""
    if broken.any():
        at = tuple(np.argwhere(broken)[0].tolist())
        what = "" if value is None else f": {value[at]:.6g}"
        yield f"{law}, tick {frames.first_tick + at[0]}, car {at[1]}{what} ({int(broken.sum())} of {broken.size})"


def _numbers(frames: Frames) -> Iterator[str]:
    for name in ARRAYS:
        array = np.asarray(getattr(frames, name))
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            yield f"law 1: {name} is not finite from tick {frames.first_tick}"


def _motion(frames: Frames, track: Track) -> Iterator[str]:
    speed, dt_s = frames.speed_mps, TICK_S
    yield from _said(frames, "law 2: a car goes backwards", speed < 0.0, speed)
    way_m = np.diff(frames.distance_m, axis=0)
    error_m = np.abs(way_m - (speed[1:] + speed[:-1]) * (dt_s / 2))
    yield from _said(frames, "law 2: distance is not the integral of speed", error_m > 1e-8, error_m)
    lap = np.maximum(np.floor_divide(frames.distance_m, track.length_m) + 1, 1)
    yield from _said(frames, "law 2: the lap counter is wrong", frames.lap != lap, lap)
    gained_g = np.diff(speed, axis=0) / dt_s / GRAVITY_MPS2
    error_g = np.abs(frames.longitudinal_g[1:] - gained_g)
    yield from _said(frames, "law 3: longitudinal g is not the change of speed", error_g > 1e-9, error_g)
    both = (frames.throttle > 0.9) & (frames.longitudinal_g < -0.1)
    yield from _said(frames, "law 3: full throttle and slowing down", both, frames.longitudinal_g)
    sine, cosine = track.banking_sin_cos(frames.distance_m)
    vertical_g = speed**2 * track.curvature_per_m(frames.distance_m) / GRAVITY_MPS2 * sine + cosine
    error_g = np.abs(frames.vertical_g - vertical_g)
    yield from _said(frames, "law 4: vertical g is not that of place and speed", error_g > 1e-3, error_g)


def _drivetrain(frames: Frames) -> Iterator[str]:
    gear, rpm = frames.gear, frames.rpm
    yield from _said(frames, "law 5: no such gear", (gear < 1) | (gear > 4), gear)
    low = ~frames.on_pit_road & (gear < 3) & (frames.speed_mps > 15.0)
    yield from _said(frames, "law 5: a low gear on the track", low, frames.speed_mps)
    driven = frames.speed_mps * _RATIO[gear]
    clutched = gear > 1
    wrong = clutched & (np.abs(rpm - np.maximum(driven, IDLE_RPM)) > 1e-6)
    yield from _said(frames, "law 5: rpm is not speed by ratio", wrong, rpm)
    slipping = ~clutched & (
        (rpm < IDLE_RPM) | (rpm < driven - 1e-6) | (rpm > np.maximum(driven, _LAUNCH_RPM))
    )
    yield from _said(frames, "law 5: rpm in first gear", slipping, rpm)
    yield from _said(frames, "law 5: over-revved", rpm > 9_600.0, rpm)
    throttle, brake = frames.throttle, frames.brake_pressure_psi
    yield from _said(frames, "law 6: throttle out of range", (throttle < 0) | (throttle > 1), throttle)
    yield from _said(frames, "law 6: brake out of range", (brake < 0) | (brake > 1_500), brake)
    yield from _said(frames, "law 6: throttle and brake at once", (throttle > 0.3) & (brake > 50), brake)


def _order(frames: Frames) -> Iterator[str]:
    position = frames.position
    ranks = np.arange(1, frames.cars + 1)
    wrong = np.sort(position, axis=1) != ranks
    yield from _said(frames, "law 14: positions are no permutation", wrong)
    racing = frames.flag != CHECKERED
    order = np.argsort(position, axis=1)
    ahead_m = np.diff(np.take_along_axis(frames.distance_m, order, axis=1), axis=1)
    wrong = (ahead_m > 0.0) & racing[:, None]
    yield from _said(frames, "law 14: the order is not that of distance", wrong, ahead_m)


def _room(frames: Frames, track: Track) -> Iterator[str]:
    touching = overlaps(frames.distance_m[::2], frames.lane_m[::2], track.length_m)
    if touching:
        row, one, other = touching[0]
        tick = frames.first_tick + 2 * row
        yield f"law 14: cars {one} and {other} are in one place, tick {tick} ({len(touching)} in all)"


def _fuel(frames: Frames) -> Iterator[str]:
    fuel = frames.fuel_gal
    yield from _said(frames, "law 11: fuel out of range", (fuel < 0.0) | (fuel > TANK_GAL), fuel)
    standing = in_box(frames)
    risen = (np.diff(fuel, axis=0) > 0.0) & ~(standing[1:] & standing[:-1])
    yield from _said(frames, "law 11: fuel rises outside the box", risen, fuel)


def _rubber(frames: Frames) -> Iterator[str]:
    worn = frames.tire_wear
    yield from _said(frames, "law 10: wear out of range", (worn < 0.0) | (worn > 1.0), worn)
    standing = in_box(frames)
    mended = (np.diff(worn, axis=0) < 0.0) & ~(standing[1:] & standing[:-1])[..., None]
    yield from _said(frames, "law 10: wear falls outside the box", mended, worn)
    temp = frames.tire_temp_f
    yield from _said(frames, "law 10: tire temperature", (temp < 70.0) | (temp > 300.0), temp)
    short_psi = tires.pressure_psi(temp) - frames.tire_pressure_psi
    yield from _said(frames, "law 10: pressure above the gas law's", short_psi < -1e-9, short_psi)
    flats = (short_psi > 1e-9).sum(axis=2)
    yield from _said(frames, "law 10: more than one flat tire", flats > 1, flats)


LEGAL: Final = {
    (GREEN, YELLOW),
    (YELLOW, GREEN),
    (GREEN, WHITE),
    (WHITE, YELLOW),
    (WHITE, CHECKERED),
    # Yellow after the white flag: the field is frozen and the race ends at the line.
    (YELLOW, CHECKERED),
    # A race of one lap begins with its last.
    (GREEN, CHECKERED),
}
"""Flags that may follow one another."""


def _flags(frames: Frames) -> Iterator[str]:
    changes = np.flatnonzero(np.diff(frames.flag))
    for row in changes.tolist():
        change = int(frames.flag[row]), int(frames.flag[row + 1])
        if change not in LEGAL:
            yield f"law 13: flag {FLAGS[change[0]]} to {FLAGS[change[1]]}, tick {frames.first_tick + row + 1}"


def _stalls(frames: Frames) -> Iterator[str]:
    """Nobody stands still on the racing surface, whatever has happened to his car."""
    standing = (frames.speed_mps < _STANDING_MPS) & (frames.lane_m < _EDGE_M)
    yield from _said(frames, "no stall: a car stands on the racing surface", standing, frames.lane_m)
