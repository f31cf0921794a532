"""What lies between the race and the socket, cut into stages that are measured one by one.

Every stage counts messages (rows) and the CPU time of its process. Setting up is not counted: a stage runs on
from where a stream would be in mid-run.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import numpy as np

from nascar.race.entries import Entry
from nascar.race.frames import TICK_S, Frames, FrameSource
from nascar.stream.compression import Compression
from nascar.stream.feed import TelemetryFeed
from nascar.stream.shard_process import Work
from nascar.stream.wire import WireBody
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Numbers, Sampler

START_US: Final = 1_790_000_000_000_000
"""When the rows of a measurement begin, µs since 1970: any instant will do."""
RECORDED_S: Final = 20.0
"""Race time that is run once and rendered again and again."""
LEAST_TURNS: Final = 8
BLOCK_TICKS: Final = 25
PATIENCE: Final = 4.0
"""A measurement ends after this many times its seconds even if the machine gives it no CPU time."""


class Stage(Enum):
    """What is measured; the value is its name in the results."""

    RACE = "race"
    RENDER = "render"
    ENCODE = "encode"
    RENDER_ENCODE = "render_encode"
    DRY_RUN = "dry_run"
    DRY_RUN_GZIP = "dry_run_gzip"
    DRY_RUN_ZSTD = "dry_run_zstd"
    HTTP_SINK = "http_sink"
    PUBLISHED_WAY = "published_way"
    PUBLISHED_REPLAY = "published_replay"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process did in one measurement of a stage."""

    rows: int
    cpu_s: float
    wall_s: float
    start_s: float | None = None
    """When it began, on the clock that all processes of a machine share; None if nobody asked."""
    is_settled: bool = True
    """Whether what was asked for was the right amount: no less than could be done, and not far more."""

    @property
    def per_cpu_s(self) -> float:
        """Messages in a second of one core's time."""
        return self.rows / self.cpu_s if self.cpu_s > 0 else 0.0

    @property
    def per_s(self) -> float:
        """Messages in a second on the clock."""
        return self.rows / self.wall_s if self.wall_s > 0 else 0.0


class Rows(Work, Protocol):
    """The rows of a run, as the command line puts them together; not yet begun."""

    seed: int
    compression: Compression

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The cars."""
        ...

    def prepare(self) -> FrameSource:
        """Do what takes long before any row is needed; the race, at its beginning."""
        ...

    def plan(self, start_us: int) -> RowPlan:
        """Which rows a run has that begins at `start_us`."""
        ...


class Stopwatch:
    """Adds up rows, CPU and wall time of what it runs, until it has seen `seconds` of CPU time."""

    def __init__(
        self,
        seconds: float,
        cpu: Callable[[], float] = time.process_time,
        wall: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._seconds = seconds
        self._cpu = cpu
        self._wall = wall
        self._began = wall()
        self._rows = 0
        self._cpu_s = 0.0
        self._wall_s = 0.0

    @property
    def is_done(self) -> bool:
        """Whether it has run long enough."""
        return self._cpu_s >= self._seconds or self._wall() - self._began >= PATIENCE * self._seconds

    @property
    def taken(self) -> Taken:
        """What ran until now."""
        return Taken(self._rows, self._cpu_s, self._wall_s)

    def run(self, steps: Iterator[int]) -> None:
        """Time `steps`, each of which says how many rows it made, until they end or it is enough."""
        wall = self._wall()
        cpu = self._cpu()
        until = cpu + self._seconds - self._cpu_s
        for rows in steps:
            self._rows += rows
            if self._cpu() >= until:
                break
        self._cpu_s += self._cpu() - cpu
        self._wall_s += self._wall() - wall


class Recording:
    """A race that was run before: gives its ticks again, at next to no cost."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._next = 0

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks."""
        first, self._next = self._next, self._next + ticks
        return self._frames.cut(first, ticks)


class RecordedRows:
    """The rows of the first seconds of a race, again and again, without the race."""

    def __init__(
        self, frames: Frames, entries: Sequence[Entry], plan: RowPlan, seed: int, lap_length_m: float
    ) -> None:
        """`plan` may ask for no ticks that `frames` has not."""
        self.plan = plan
        self._frames = frames
        self._entries = entries
        self._seed = seed
        self._lap_length_m = lap_length_m

    @classmethod
    def of(cls, rows: Rows, lap_length_m: float) -> RecordedRows:
        """Run the race of `rows` for `RECORDED_S`, or for `LEAST_TURNS` batches of each table if that is longer."""
        live = rows.plan(START_US)
        turn_s = live.batch_instants * live.cars * len(live.tables) / live.rate
        seconds = max(RECORDED_S, LEAST_TURNS * turn_s)
        frames = fresh(rows).prepare().advance(int(seconds / TICK_S) + 4 * BLOCK_TICKS)
        plan = RowPlan(live.rate, live.cars, live.batch_size, START_US, seconds)
        return cls(frames, rows.entries, plan, rows.seed, lap_length_m)

    @property
    def tables(self) -> int:
        """As many batches have every table once."""
        return len(self.plan.tables)

    @property
    def full_batches(self) -> range:
        """The batches of the recording but the last of each table, which may be shorter."""
        return range((self.plan.batches or 0) - self.tables)

    def sampler(self) -> Sampler:
        """A sampler at the beginning."""
        return Sampler(
            Recording(self._frames), self._entries, self.plan, self._seed, lap_length_m=self._lap_length_m
        )

    def rendering(self) -> Callable[[int], int]:
        """What renders a batch into arrays, and puts nothing on the wire; returns its rows."""
        sampler, plan = self.sampler(), self.plan
        rows = plan.batch_instants * plan.cars
        most = max(len(sampler.rendered(table)) for table in plan.tables)
        memory = np.empty(8 * rows * most, np.uint8)
        places = {
            table.name: 8 * rows * np.arange(len(sampler.rendered(table)), dtype=np.int64)
            for table in plan.tables
        }

        def render(index: int) -> int:
            batch = plan.batch(index)
            sampler.render(batch, memory, places[batch.table.name], is_tagged=False)
            return batch.rows

        return render

    def encoding(self) -> Callable[[int], int]:
        """What puts columns that are rendered already on the wire: the cost of the format alone."""
        sampler, feed = self.sampler(), TelemetryFeed(self.sampler())
        bodies: list[WireBody] = []
        columns: list[list[tuple[str, Numbers]]] = []
        for index in range(self.tables):
            batch = self.plan.batch(index)
            rendered = {column.name for column in sampler.rendered(batch.table)}
            body = feed.encode(index)
            assert isinstance(body, WireBody), "a feed that squeezes nothing"
            bodies.append(body)
            columns.append(
                [
                    (column.name, values)
                    for column, values in sampler.numbers(batch)
                    if column.name in rendered
                ]
            )

        def encode(index: int) -> int:
            turn = index % len(bodies)
            for name, values in columns[turn]:
                bodies[turn].fill(name, values)
            return len(columns[turn][0][1])

        return encode

    def rendering_and_encoding(self) -> Callable[[int], int]:
        """What a stream does with a batch, but for the race: from recorded ticks to bytes."""
        feed, plan = TelemetryFeed(self.sampler()), self.plan

        def render_and_encode(index: int) -> int:
            feed.encode(index).release()
            return plan.batch(index).rows

        return render_and_encode

    def measure(self, begin: Callable[[], Callable[[int], int]], seconds: float) -> Taken:
        """Measure what `begin` makes, a new one each time the recording is at its end."""
        watch = Stopwatch(seconds)
        while not watch.is_done:
            work, batches = begin(), self.full_batches
            # Once for every table, uncounted: buffers are made, caches filled.
            for index in batches[: self.tables]:
                work(index)
            watch.run(work(index) for index in batches[self.tables :])
        return watch.taken


def measure_race(rows: Rows, seconds: float) -> Taken:
    """The race alone, counted in the messages that a stream has in its time."""
    race, rate = fresh(rows).prepare(), rows.plan(START_US).rate

    def steps() -> Iterator[int]:
        while True:
            race.advance(BLOCK_TICKS)
            yield round(BLOCK_TICKS * TICK_S * rate)

    watch = Stopwatch(seconds)
    watch.run(steps())
    return watch.taken


def fresh(rows: Rows) -> Rows:
    """The same rows, as far prepared as they are, whatever becomes of the others."""
    return copy.deepcopy(rows)
