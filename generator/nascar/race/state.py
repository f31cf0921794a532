"""The hidden state of the race: one record per car, one for the field, one for the course."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray


class PhaseCodes(NamedTuple):
    """What a car is doing. Plain numbers: the loop over ticks reads them often."""

    RACING: int = 0
    CALLED: int = 1
    """Racing, on the way to the low lane for a stop at the end of this lap."""
    COMING_IN: int = 2
    """On the apron or on pit road, up to the box."""
    IN_BOX: int = 3
    GOING_OUT: int = 4
    """From the box to the racing lanes."""
    SPINNING: int = 5
    """Out of control, sliding down to the infield."""
    STOPPED: int = 6
    """On the infield, or behind the wall of its box."""


Phase: Final = PhaseCodes()


class LaneCodes(NamedTuple):
    """Lanes from the inside out, but for the last."""

    PIT_IN: int = 0
    """The apron and pit road's lane for cars on the way in."""
    LOW: int = 1
    MIDDLE: int = 2
    HIGH: int = 3
    PIT_OUT: int = 4
    """Beside the boxes, and from pit road back to the track: cars on the way out."""


Lane: Final = LaneCodes()


class ModeCodes(NamedTuple):
    """What race control is doing."""

    GREEN: int = 0
    GATHER: int = 1
    """Yellow: the field closes up behind the pace car, pit road is closed."""
    PITS_OPEN: int = 2
    SORT: int = 3
    """Yellow: lapped cars at the front are waved around, others fall to the tail."""
    LINE_UP: int = 4
    """Yellow: one lap to go, double file."""
    CHECKERED: int = 5


Mode: Final = ModeCodes()


LANE_M: Final = (9.5, 3.0, 0.0, -3.0, 13.0)
"""Where each lane lies, positive to the inside of the centre line."""
BOX_M: Final = 17.5
"""Where the pit boxes lie."""
INFIELD_M: Final = 21.0
"""Where the first car that has lost control comes to rest; the next rest `INFIELD_STEP_M` further in."""
INFIELD_STEP_M: Final = 2.6

NOBODY: Final = -1
PACE_CAR: Final = -2
FREE_M: Final = 1.0e6
NEVER: Final = 1 << 60
UNLIMITED_MPS: Final = 1.0e3

Whole = NDArray[np.int64]
Cars = Any
"""Records of `CAR`, in entry order."""
Field = Any
"""One record of `FIELD`."""
Course = Any
"""One record of `COURSE`."""


_NUMBERS: Final = """
    s speed accel throttle brake lane_m line_share
    next_s next_speed next_accel next_throttle next_brake
    pace form skill mood damage draft dirt cap cap_goal
    mass_kg fuel_gal thirst burn_gal burn_from_gal reserve_laps
    stop_s box_s entry_s exit_s slide fill_gal standing_s filled_gal
    spread firmness late_chance long_run line high_line boldness
    crossed_s last_lap_s best_lap_s score loose infield_m
"""
"""Distance of the race and what the car does, now and after the tick at hand (``next_``); cornering speed
against the plan's and the factors of it; fuel; places of a stop on the race's distance; traits; timing."""
_COUNTS: Final = """
    laps phase lane from_lane change_tick claims style turn_style gates late_braker
    box mates release_tick fill_from fill_to tires_due first_tick second_tick tire_lap stops
    crossing speeding stop_and_go around drop gaining row rank called_lap asked saving drawn
    flat_tire flat_tick failing out finished spin_tick wait_tick due repair dry
"""
"""Codes, ticks, laps and yes or no."""

CAR: Final = np.dtype(
    [(name, "f8") for name in _NUMBERS.split()]
    + [(name, "i8") for name in _COUNTS.split()]
    # Up to three that each car keeps clear of: whom, what to add to their distance, how far to stay behind.
    + [("leader", "i8", (3,)), ("offset", "f8", (3,)), ("room", "f8", (3,))],
    align=True,
)
"""State of one car. Lengths in m along the centre line, speeds in m/s, pressures in psi, fuel in gal."""

FIELD: Final = np.dtype(
    [
        (name, "i8")
        for name in [
            "seed",
            "mode",
            "flag",
            "mode_tick",
            "yellow_tick",
            "green_tick",
            "lap_count",
            "leader_lap",
            "white",
            "overtime",
            "finished",
            "finish_tick",
            "cautions",
            "pace_on",
            "stage",
            "stages",
            "fate",
            "fates",
            "cause",
            "cause_car",
            "events",
            "lost_events",
            "no_stage_caution",
            "sorted",
            "drawn",
        ]
    ]
    + [("pace_s", "f8"), ("pace_speed", "f8")]
    + [("stage_end", "i8", (4,)), ("fate_kind", "i8", (32,)), ("fate_m", "f8", (32,))],
    align=True,
)
"""State of race control: flag, pace car, stages, and what is to go wrong when (`fate_m` of the leader)."""

COURSE: Final = np.dtype(
    [
        (name, "f8")
        for name in [
            "length_m",
            "pace_mps",
            "catch_up_mps",
            "drop_mps",
            "pit_mps",
            "leave_m",
            "leave_to_m",
            "merge_mps",
            "merged_m",
            "entry_m",
            "limit_from_m",
            "limit_to_m",
            "first_box_m",
            "box_spacing_m",
            "spin_from_m",
            "spin_to_m",
            "restart_m",
        ]
    ]
    + [("plan_cells", "i8"), ("boxes", "i8"), ("gates", "i8"), ("gate_m", "f8", (8,))],
    align=True,
)
"""Measures of the track that the loops need."""

EVENT: Final = np.dtype(
    [(name, "i8") for name in ("tick", "code", "car", "lap", "flag", "detail")] + [("value", "f8", (2,))],
    align=True,
)
"""What happened, as numbers; `announcer` makes sentences of it."""

MOST_EVENTS: Final = 512
"""In a block of ticks."""


def records(kind: np.dtype[Any], count: int) -> Any:
    """`count` records, all zero."""
    return np.zeros(count, kind).view(np.recarray)
