#!/usr/bin/env python3
"""Where the time goes between the race and the wire, on one core and without a network.

    .venv/bin/python scripts/profile_encoding.py [--rate N] [--cars N] [--batch-size N] [--seconds N]

Prints the cost of each stage per row and per cell, then whole passes in rows a second: render alone, encode
alone, both, and both with the race. Every figure is CPU time, the best of many short stretches, so that other
work on the machine disturbs little; the stages are measured in place, one batch after the other, with the
caches as they are in a stream.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from nascar.race import entries as entry_list
from nascar.race.frames import TICK_S, Frames
from nascar.race.simulation import Race
from nascar.race.track import Track, charlotte
from nascar.stream.feed import TelemetryFeed
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Numbers, Sampler
from nascar.telemetry.schema import Between, Column, Kind

SEED: Final = 1
START_US: Final = 1_790_000_000_000_000
STRETCH_S: Final = 2.0
"""Race time in a stretch: long enough to hold its share of the race, which is worked out a second at a time."""


class Recording:
    """A race that was run before: gives its ticks again, at next to no cost."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._next = 0

    def advance(self, ticks: int) -> Frames:
        first, self._next = self._next, self._next + ticks
        return self._frames.cut(first, ticks)


@dataclass(slots=True)
class Best:
    """The least cost of a stage over all stretches."""

    ns: float = float("inf")
    cells: int = 1

    def take(self, ns: float, cells: int) -> None:
        if ns / cells < self.ns / self.cells:
            self.ns, self.cells = ns, cells


@dataclass(slots=True)
class Bench:
    """Makes samplers over the same recorded race, and measures them."""

    entries: tuple[entry_list.Entry, ...]
    track: Track
    plan: RowPlan
    recording: Frames
    stages: dict[str, Best] = field(default_factory=lambda: defaultdict(Best))

    def sampler(self) -> Sampler:
        recording = Recording(self.recording)
        return Sampler(recording, self.entries, self.plan, SEED, lap_length_m=self.track.length_m)

    def live_sampler(self) -> Sampler:
        race = Race(self.entries, self.track, SEED)
        return Sampler(race, self.entries, self.plan, SEED, lap_length_m=self.track.length_m)

    def stretches(self) -> Iterator[range]:
        """The batches of the run in stretches of equal length; what is left over is left out."""
        tables = len(self.plan.tables)
        turn_s = self.plan.batch_instants * self.plan.cars * tables / self.plan.rate
        size = tables * max(1, round(STRETCH_S / turn_s))
        for first in range(0, (self.plan.batches or 0) - size, size):
            yield range(first, first + size)

    def rows_of(self, stretch: range) -> int:
        return sum(self.plan.batch(index).rows for index in stretch)

    def best_pass(self, work: Callable[[int], None]) -> float:
        """Least ns per row that `work` takes on the batches of a stretch."""
        least = Best()
        for stretch in self.stretches():
            start = time.process_time_ns()
            for index in stretch:
                work(index)
            least.take(time.process_time_ns() - start, self.rows_of(stretch))
        return least.ns / least.cells

    def profile_stages(self) -> int:
        """Fill `stages`; returns the rows of a stretch."""
        sampler, rows = self.sampler(), 0
        feed = TelemetryFeed(sampler)
        bodies = {table.name: feed.encode(place) for place, table in enumerate(self.plan.tables)}
        sampler = self.sampler()
        clock = time.thread_time_ns
        for stretch in self.stretches():
            spent: dict[str, int] = defaultdict(int)
            cells: dict[str, int] = defaultdict(int)
            for index in stretch:
                batch = self.plan.batch(index)
                body = bodies[batch.table.name]
                before = clock()
                for column, values in sampler.numbers(batch):
                    rendered = clock()
                    stage = f"render {kind_of(column)}"
                    spent[stage] += rendered - before
                    cells[stage] += values.size
                    before = clock()
                    if column.sensor is not None or column.kind is Kind.TIME:
                        body.fill(column.name, values)
                        filled = clock()
                        stage = f"encode {values.dtype.name}"
                        spent[stage] += filled - before
                        cells[stage] += values.size
                        before = clock()
            for stage, ns in spent.items():
                self.stages[stage].take(ns, cells[stage])
            rows = self.rows_of(stretch)
        return rows

    def encode_only(self) -> float:
        """Least ns per row of writing one batch's columns again and again, into bodies as they are used."""
        sampler = self.sampler()
        columns: dict[str, list[tuple[str, Numbers]]] = {}
        for place, table in enumerate(self.plan.tables):
            columns[table.name] = [
                (column.name, values.copy())
                for column, values in sampler.numbers(self.plan.batch(place))
                if column.sensor is not None or column.kind is Kind.TIME
            ]
        feed = TelemetryFeed(self.sampler())
        bodies = {table.name: feed.encode(place) for place, table in enumerate(self.plan.tables)}

        def work(index: int) -> None:
            table = self.plan.tables[index % len(self.plan.tables)].name
            for name, values in columns[table]:
                bodies[table].fill(name, values)

        return self.best_pass(work)


def kind_of(column: Column) -> str:
    """What the column costs to render; the first one of a batch pays for the interpolation of all."""
    if column.kind is Kind.TIME:
        return "time, and all lines"
    if column.sensor is None:
        return "car number"
    if column.sensor.between is not Between.LINE:
        return "gear, lap"
    clip = ", clipped" if column.sensor.clip else ""
    return f"{column.kind.value}{clip}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Profile rendering and encoding on one core.")
    parser.add_argument("--rate", type=int, default=612_000)
    parser.add_argument("--cars", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="race seconds rendered in each pass")
    args = parser.parse_args()

    entries, track = entry_list.field(entry_list.load_entries(), args.cars), charlotte()
    plan = RowPlan(args.rate, args.cars, args.batch_size, START_US, args.seconds)
    ticks = int(args.seconds / TICK_S) + 100
    start = time.process_time()
    recording = Race(entries, track, SEED).advance(ticks)
    race_us = (time.process_time() - start) * 1e6 / ticks
    bench = Bench(entries, track, plan, recording)
    gc.disable()

    rows = bench.profile_stages()
    print(f"{args.rate:,} rows/s, {args.cars} cars, {plan.batch_instants * args.cars:,} rows in a batch")
    print(f"\n{'stage':30s} {'ns/row':>8s} {'ns/cell':>8s}")
    for stage, best in sorted(bench.stages.items()):
        print(f"{stage:30s} {best.ns / rows:8.2f} {best.ns / best.cells:8.2f}")

    sampler = bench.sampler()
    feed, live = TelemetryFeed(bench.sampler()), TelemetryFeed(bench.live_sampler())

    def render(index: int) -> None:
        for _ in sampler.numbers(plan.batch(index)):
            pass

    passes = {
        "render": bench.best_pass(render),
        "encode": bench.encode_only(),
        "render and encode": bench.best_pass(lambda index: feed.encode(index).release()),
        "race, render and encode": bench.best_pass(lambda index: live.encode(index).release()),
    }
    print(f"\n{'pass':30s} {'ns/row':>8s} {'M rows/s':>8s}")
    for name, ns in passes.items():
        print(f"{name:30s} {ns:8.2f} {1e3 / ns:8.1f}")
    print(f"\nrace: {race_us:.0f} µs a tick, {race_us / TICK_S / 1e4:.2f} % of a core in real time")


if __name__ == "__main__":
    main()
