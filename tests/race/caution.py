"""The cautions of a recorded race: when each part began, and who was where."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nascar.race.events import Event, EventKind
from nascar.race.frames import Bools

from .laws import GREEN, WHITE, YELLOW
from .record import Record

SETTLED_S = 12.0
"""From racing speed everybody has slowed down and found his place; until then cars side by side sort themselves out."""


HIT_OR_OUT = (EventKind.INCIDENT, EventKind.RETIRED, EventKind.PENALTY)


@dataclass(frozen=True, slots=True)
class Caution:
    """A yellow flag and what came of it. Ticks; −1 where the race ended first."""

    yellow: int
    pits_open: int
    one_to_go: int
    end: int
    """The flag that followed."""
    restarted: bool


def cautions(record: Record) -> list[Caution]:
    """The cautions of a race, but for the laps behind the pace car before it."""
    shown = [*record.flags_shown, (record.ticks, -1)]
    found = []
    for (tick, flag), (end, after) in itertools.pairwise(shown):
        if flag == YELLOW and tick > 0:
            inside = [event for event in record.events if tick <= event.tick <= end]
            opened = [event.tick for event in inside if is_pits_open(event)]
            to_go = [event.tick for event in inside if event.kind is EventKind.ONE_TO_GO]
            assert len(opened) <= 1
            assert len(to_go) <= 1
            found.append(
                Caution(tick, (*opened, -1)[0], (*to_go, -1)[0], end, restarted=after in (GREEN, WHITE))
            )
    return found


def is_pits_open(event: Event) -> bool:
    return event.kind is EventKind.FLAG and event.flag == YELLOW and "pit road is open" in event.text.lower()


def restarts(record: Record) -> list[Caution]:
    return [caution for caution in cautions(record) if caution.restarted]


def of_caution(record: Record, caution: Caution, *kinds: EventKind) -> list[Event]:
    """From a lap before, so that a stop on the way in counts."""
    return [e for e in record.events if e.kind in kinds and caution.yellow - 800 <= e.tick <= caution.end]


def undisturbed(record: Record, caution: Caution) -> Bools:
    """Cars of the lead lap that have stayed out of the pits and of trouble, ``(cars,)``."""
    rows = slice(record.row(caution.yellow), record.row(caution.end) + 1)
    at_yellow = record.distance_m[rows.start]
    calm: Bools = at_yellow > at_yellow.max() - record.track.length_m
    calm &= ~record.on_pit_road[rows].any(axis=0) & (record.lane_m[rows].max(axis=0) < 6.0)
    for event in of_caution(record, caution, EventKind.FREE_PASS, EventKind.WAVE_AROUND):
        calm[event.car] = False
    # Who was hit, or lost a tire, limps until he has been in his box.
    last = dict.fromkeys(range(record.cars), EventKind.STOP)
    for event in record.events:
        if event.tick < caution.end and event.kind in (*HIT_OR_OUT, EventKind.STOP):
            last[event.car] = event.kind
    calm &= np.array([kind is EventKind.STOP for kind in last.values()])
    return calm


def on_track(record: Record, row: int) -> NDArray[np.intp]:
    """Cars on the racing surface, from the first behind the pace car backwards: the largest gap is ahead of him."""
    cars = np.flatnonzero((record.lane_m[row] < 6.0) & (record.speed_mps[row] > 5.0))
    place_m = np.mod(record.distance_m[row, cars], record.track.length_m)
    order = cars[np.argsort(-place_m, kind="stable")]
    place_m = np.sort(place_m)[::-1]
    ahead_m = np.mod(np.roll(place_m, 1) - place_m, record.track.length_m)
    return np.roll(order, -int(ahead_m.argmax()))


def gaps_m(record: Record, row: int, cars: NDArray[np.intp]) -> NDArray[np.float64]:
    """Way from each car to the one before it, along the track."""
    place_m = record.distance_m[row, cars]
    return np.asarray(np.mod(place_m[:-1] - place_m[1:], record.track.length_m))


def leader_crosses_s(record: Record) -> list[float]:
    """Race times at which a lap is completed for the first time."""
    crossed = [record.crossed_s(car) for car in range(record.cars)]
    most = max(times.size for times in crossed)
    return [min(times[lap] for times in crossed if times.size > lap) for lap in range(1, most)]
