#!/usr/bin/env python3
"""Where the time goes between the race and the wire, on one core and without a network.

    .venv/bin/python scripts/profile_encoding.py [--rate N] [--cars N] [--batch-sizes N ...] [--seconds N] [--json]

Prints what each stage costs per row, for several sizes of batches side by side, and what the innermost loops cost
per cell. Every figure is CPU time, the median and the least of many short stretches of batches, so that other
work on the machine disturbs little; stages are measured in place, one batch after the other, with the caches as
they are in a stream. Compilation is not counted.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from nascar.bench.stages import START_US, Recording
from nascar.race import entries as entry_list
from nascar.race.frames import TICK_S, Frames
from nascar.race.simulation import Race
from nascar.race.track import Track, charlotte
from nascar.stream.compression import Compression
from nascar.stream.feed import TelemetryFeed
from nascar.telemetry import render
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler, prepare

SEED: Final = 1
STRETCH_S: Final = 2.0
"""Race time in a stretch: long enough to hold its share of the race, which is worked out a second at a time."""
CELLS: Final = 10_000
"""Cells of a column in the measurement of the innermost loops: a usual batch."""
REPEATS: Final = 400


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds of CPU for a row, or a cell."""

    median: float
    least: float


@dataclass(slots=True)
class Samples:
    """What several stretches cost."""

    ns: list[float] = field(default_factory=list)

    def take(self, ns: float, count: int) -> None:
        """Keep what `count` rows, or cells, cost."""
        self.ns.append(ns / count)

    @property
    def cost(self) -> Cost:
        """The median and the least."""
        return Cost(statistics.median(self.ns), min(self.ns))


@dataclass(frozen=True, slots=True)
class Bench:
    """Samplers and feeds over the same recorded race."""

    entries: tuple[entry_list.Entry, ...]
    track: Track
    plan: RowPlan
    recording: Frames

    def sampler(self, *, live: bool = False) -> Sampler:
        """A sampler at the beginning, of the recorded race or of one that is run."""
        source = Race(self.entries, self.track, SEED) if live else Recording(self.recording)
        return Sampler(source, self.entries, self.plan, SEED, lap_length_m=self.track.length_m)

    def stretches(self) -> Iterator[range]:
        """The batches of the run in stretches of equal length; what is left over is left out."""
        tables = len(self.plan.tables)
        turn_s = self.plan.batch_instants * self.plan.cars * tables / self.plan.rate
        size = tables * max(1, round(STRETCH_S / turn_s))
        for first in range(0, (self.plan.batches or 0) - size, size):
            yield range(first, first + size)

    def rows_of(self, stretch: range) -> int:
        """Rows of a stretch."""
        return sum(self.plan.batch(index).rows for index in stretch)

    def passes(self, work: Callable[[int], None]) -> Cost:
        """What `work` on every batch costs for a row."""
        samples = Samples()
        for stretch in self.stretches():
            start = time.process_time_ns()
            for index in stretch:
                work(index)
            samples.take(time.process_time_ns() - start, self.rows_of(stretch))
        return samples.cost

    def stages(self) -> dict[str, Cost]:
        """The parts of encoding, each for a row of the run, whether it is done for each batch or less often."""
        sampler: Any = self.sampler()
        feed = TelemetryFeed(sampler)
        spent: dict[str, int] = defaultdict(int)
        clock = time.thread_time_ns

        def measured(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
            def measure(*args: Any, **keywords: Any) -> Any:
                start = clock()
                result = work(*args, **keywords)
                spent[name] += clock() - start
                return result

            return measure

        sampler._render = measured("loop over cells", sampler._render)
        sampler._moments.of = measured("when rows happen", sampler._moments.of)
        sampler._channels_at = measured("lines between ticks", sampler._channels_at)
        sampler.render = measured("sampler", sampler.render)
        encode, head = measured("feed", feed.encode), measured("what a batch is", feed.head)
        samples: dict[str, Samples] = defaultdict(Samples)
        for stretch in self.stretches():
            spent.clear()
            for index in stretch:
                head(index)
                encode(index).release()
            inside = {
                name: spent[name] for name in ("lines between ticks", "when rows happen", "loop over cells")
            }
            stages = {
                "what a batch is": spent["what a batch is"],
                **inside,
                "Python around the loop": spent["sampler"] - sum(inside.values()),
                "a buffer for it": spent["feed"] - spent["sampler"],
            }
            for name, ns in stages.items():
                samples[name].take(ns, self.rows_of(stretch))
        return {name: sample.cost for name, sample in samples.items()}

    def all_passes(self) -> dict[str, Cost]:
        """Whole ways, each for a row."""

        def encoding(compression: Compression, *, live: bool = False) -> Cost:
            feed = TelemetryFeed(self.sampler(live=live), compression=compression)
            return self.passes(lambda index: feed.encode(index).release())

        race = Race(self.entries, self.track, SEED)
        block = round(STRETCH_S / TICK_S)
        alone = Samples()
        for _ in range(self.recording.ticks // block):
            start = time.process_time_ns()
            race.advance(block)
            alone.take(time.process_time_ns() - start, round(STRETCH_S * self.plan.rate))
        return {
            "race": alone.cost,
            "render and encode": encoding(Compression.NONE),
            "race, render and encode": encoding(Compression.NONE, live=True),
            "the same with gzip": encoding(Compression.GZIP, live=True),
            "the same with zstd": encoding(Compression.ZSTD, live=True),
        }


def loops() -> dict[str, Cost]:
    """The innermost loops over the cells of one column, per cell."""
    rng = np.random.default_rng(SEED)
    weights, slope, noise = rng.random((3, CELLS)).astype(np.float32)
    start = (rng.random(CELLS) * 9_000).astype(np.float32)
    limits = np.float32(0.5), np.float32(-np.inf), np.float32(np.inf)
    steps, whole = np.empty(CELLS, np.int32), np.empty(CELLS, np.int64)
    counts, crossings = np.ones(CELLS, np.int64), np.full(CELLS, np.inf, np.float32)
    memory = np.zeros(9 * CELLS, np.uint8)

    def repeated(work: Callable[[], None]) -> Cost:
        samples = Samples()
        for repeat in range(REPEATS):
            begun = time.perf_counter_ns()
            work()
            if repeat:
                samples.take(time.perf_counter_ns() - begun, CELLS)
        return samples.cost

    return {
        "interpolate, add noise, clip, round": repeated(
            lambda: render._read(weights, start, slope, noise, *limits, steps)
        ),
        "count laps": repeated(lambda: render._count(weights, counts, crossings, whole)),
        "divide, swap, store": repeated(lambda: render._store_floats(steps, 100.0, memory, 0, True)),
        "swap, store": repeated(lambda: render._store_ints(whole, memory, 0, True)),
    }


def as_table(title: str, head: list[str], rows: dict[str, list[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {title} | {' | '.join(head)} |", f"|---|{'---:|' * len(head)}"]
    return "\n".join(lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()])


def rates(ns: Cost) -> str:
    """Nanoseconds, and what they are in millions a second: median, and the least in brackets."""
    return f"{ns.median:.1f} ({ns.least:.1f}) = {1e3 / ns.median:.0f} ({1e3 / ns.least:.0f}) M/s"


def main() -> None:
    """Measure, and print where the time goes."""
    parser = argparse.ArgumentParser(
        description="Profile rendering and encoding on one core.",
        epilog="Example: scripts/profile_encoding.py --rate 3000000 --batch-sizes 20000 --json",
    )
    parser.add_argument("--rate", type=int, default=612_000, help="rows a second (default: %(default)s)")
    parser.add_argument("--cars", type=int, default=40, help="cars in the race (default: %(default)s)")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[2_000, 10_000, 20_000], metavar="N")
    parser.add_argument("--seconds", type=float, default=20.0, help="race seconds rendered in each pass")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    args = parser.parse_args()

    prepare()
    entries, track = entry_list.field(entry_list.load_entries(), args.cars), charlotte()
    recording = Race(entries, track, SEED).advance(int(args.seconds / TICK_S) + 100)
    benches = [
        Bench(entries, track, RowPlan(args.rate, args.cars, size, START_US, args.seconds), recording)
        for size in args.batch_sizes
    ]
    gc.disable()
    cells = loops()
    stages = [bench.stages() for bench in benches]
    passes = [bench.all_passes() for bench in benches]
    if args.json:
        ways = {
            str(bench.plan.batch_instants * args.cars): {
                "stages_ns_per_row": {name: asdict(cost) for name, cost in stage.items()},
                "passes_ns_per_row": {name: asdict(cost) for name, cost in way.items()},
            }
            for bench, stage, way in zip(benches, stages, passes, strict=True)
        }
        loop_costs = {name: asdict(cost) for name, cost in cells.items()}
        print(json.dumps({"rate": args.rate, "loops_ns_per_cell": loop_costs, "batch_rows": ways}, indent=1))
        return
    print(f"{args.rate:,} rows/s, {args.cars} cars. CPU time of one core, median (least).\n")
    head = [f"batches of {bench.plan.batch_instants * args.cars:,}" for bench in benches]
    per_row = {
        name: [f"{stage[name].median:.2f} ({stage[name].least:.2f})" for stage in stages]
        for name in stages[0]
    }
    print(as_table("ns for a row", head, per_row) + "\n")
    print(
        as_table("ns for a row, rows/s", head, {n: [rates(way[n]) for way in passes] for n in passes[0]})
        + "\n"
    )
    print(
        as_table(
            "ns for a cell",
            ["one column"],
            {n: [f"{c.median:.2f} ({c.least:.2f})"] for n, c in cells.items()},
        )
    )


if __name__ == "__main__":
    main()
