"""The race as arrays: what every car does at every tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from nascar.race.events import Event

TICK_S: Final = 0.04
"""Length of a tick in seconds of race time (25 Hz): short against what a 3,400 lb car can do."""

TIRES: Final = ("lf", "rf", "lr", "rr")
"""Order of the last axis of every tire array: left front, right front, left rear, right rear."""

FLAGS: Final = ("green", "yellow", "red", "white", "checkered")
"""Names of the flag codes: ``FLAGS[frames.flag[tick]]``."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Frames:
    """Consecutive ticks of a race, time-major.

    Shapes are ``(ticks, cars)`` unless said otherwise; tire arrays are ``(ticks, cars, 4)`` in the order
    of `TIRES`. Tick ``i`` of the block is race time ``(first_tick + i) * TICK_S`` seconds. Cars stand in
    entry order. The arrays are read-only and stay valid after the race moves on.
    """

    first_tick: int
    distance_m: Floats
    """Travelled along the centre line since the start line of lap 1; negative on the grid."""
    lap: Ints
    """Lap the car is on, from 1: ``max(1, floor(distance_m / track.length_m) + 1)``."""
    position: Ints
    """Running order, 1 is the leader."""
    lane_m: Floats
    """Offset from the centre line in metres, positive to the left (the inside)."""
    on_pit_road: Bools
    flag: NDArray[np.int8]
    """Flag shown to the field, ``(ticks,)``, an index into `FLAGS`."""

    speed_mps: Floats
    longitudinal_g: Floats
    """(dv/dt)/g: positive when the car gains speed."""
    lateral_g: Floats
    """Felt across the car on the banking, positive in a left-hand turn."""
    vertical_g: Floats
    """Felt through the floor, 1 at rest on the flat."""
    throttle: Floats
    """0 closed … 1 wide open."""
    brake_pressure_psi: Floats
    steering_angle_deg: Floats
    """At the steering wheel, positive to the left."""
    gear: Ints
    rpm: Floats
    ride_height_front_in: Floats
    ride_height_rear_in: Floats

    fuel_gal: Floats
    water_temp_f: Floats
    oil_temp_f: Floats
    oil_pressure_psi: Floats

    tire_temp_f: Floats
    tire_pressure_psi: Floats
    tire_wear: Floats
    """0 new … 1 worn to the cords."""

    events: tuple[Event, ...] = ()
    """What happened in these ticks, in order of their ticks."""

    @property
    def ticks(self) -> int:
        return int(self.distance_m.shape[0])

    @property
    def cars(self) -> int:
        return int(self.distance_m.shape[1])

    def cut(self, skip: int, ticks: int) -> Frames:
        """The `ticks` ticks after the first `skip`, with what happened in them."""
        if skip == 0 and ticks == self.ticks:
            return self
        first, stop = self.first_tick + skip, self.first_tick + skip + ticks
        arrays = {name: getattr(self, name)[skip : skip + ticks] for name in ARRAYS}
        events = tuple(event for event in self.events if first <= event.tick < stop)
        return Frames(first_tick=first, events=events, **arrays)

    def channel(self, name: str, tire: str | None = None) -> NDArray[Any]:
        """The ``(ticks, cars)`` array called `name`; for a tire array, that of one `tire`."""
        array: NDArray[Any] = getattr(self, name)
        return array if tire is None else array[..., TIRES.index(tire)]


ARRAYS: Final = tuple(field.name for field in fields(Frames) if field.name not in ("first_tick", "events"))
"""Names of the arrays of `Frames`, in order."""


def join_frames(parts: Sequence[Frames]) -> Frames:
    """Frames that follow one another as one."""
    if len(parts) == 1:
        return parts[0]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    for array in arrays.values():
        array.flags.writeable = False
    events = tuple(event for part in parts for event in part.events)
    return Frames(first_tick=parts[0].first_tick, events=events, **arrays)


class FrameSource(Protocol):
    """What telemetry needs of a race: the next ticks, in order, without a gap."""

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks; the first call starts at tick 0."""
        ...
