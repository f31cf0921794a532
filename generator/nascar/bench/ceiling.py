"""The ceiling of the generator on this machine: what it can do before any database has a say.

Stages are measured in turn, and the turn is repeated, so that whatever else happens on the machine meets all
of them; what is shown is the median, beside the least and the most. A ratio is taken within one turn. Each
stage is measured in one process alone, by CPU time (`per core`), and then in one process for every core at
the same time, by the clock (`all cores`).
"""

from __future__ import annotations

import contextlib
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nascar.bench import tsbs
from nascar.bench.crew import Crew, Measurer, Order
from nascar.bench.sink import SinkProcess
from nascar.bench.stages import Rows, Stage, Taken
from nascar.race.frames import TICK_S
from nascar.stream.shard import WHOLE, Shard

ON_ALL_CORES: Final = (
    Stage.RACE,
    Stage.RENDER,
    Stage.ENCODE,
    Stage.RENDER_ENCODE,
    Stage.DRY_RUN,
    Stage.HTTP_SINK,
)
"""The published way and compression are compared on one core only."""
SENDING: Final = frozenset({Stage.HTTP_SINK, Stage.PUBLISHED_REPLAY})
TSBS: Final = "tsbs"
_ALONE: Final = 0.9
"""Whoever gets less than this part of the cores is not alone on the machine."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A number that was measured several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def as_dict(self) -> dict[str, float]:
        return {"median": self.median, "least": self.least, "most": self.most}


@dataclass(slots=True)
class Ceiling:
    """What was measured, turn by turn: messages a second."""

    cores: int
    rate: int
    """Rows a second of the race that was made and sent."""
    per_core: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By stage (or `TSBS`): messages in a second of one core's time."""
    all_cores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By stage: messages in a second on the clock, of all processes together."""
    cores_got: list[float] = field(default_factory=list)
    """How many cores all processes together were given when they had enough to do for all of them."""

    def take(self, stage: str, taken: Taken) -> None:
        """Keep what a process did alone."""
        self.per_core[stage].append(taken.per_cpu_s)

    def take_all(self, stage: str, taken: Sequence[Taken]) -> None:
        """Keep what one process for every core did at the same time."""
        rates = [t.per_s for t in taken]
        if stage == Stage.RENDER_ENCODE.value:
            self.cores_got.append(sum(t.cpu_s / t.wall_s for t in taken if t.wall_s > 0))
        # Every process of a stream runs the whole race: more of them do not make it faster.
        self.all_cores[stage].append(min(rates) if stage == Stage.RACE.value else sum(rates))

    def core(self, stage: Stage | str) -> Spread | None:
        """Messages a second of one core; None if it was not measured."""
        values = self.per_core.get(stage.value if isinstance(stage, Stage) else stage)
        return Spread.of(values) if values else None

    def machine(self, stage: Stage | str) -> Spread | None:
        """Messages a second of all cores; None if it was not measured."""
        values = self.all_cores.get(stage.value if isinstance(stage, Stage) else stage)
        return Spread.of(values) if values else None

    def ratio(self, ours: Stage, theirs: Stage | str) -> Spread | None:
        """How many times as much `ours` does on a core as `theirs`, turn by turn; None without both."""
        other = self.per_core.get(theirs.value if isinstance(theirs, Stage) else theirs, [])
        pairs = [(a, b) for a, b in zip(self.per_core.get(ours.value, []), other, strict=False) if b > 0]
        return Spread.of([a / b for a, b in pairs]) if pairs else None

    @property
    def race_ticks_per_core(self) -> float | None:
        """Ticks of the race in a second of one core."""
        race = self.core(Stage.RACE)
        return None if race is None else race.median / self.rate / TICK_S

    @property
    def is_shared(self) -> bool:
        """Whether others had a good part of the machine, so that `all_cores` shows less than it can."""
        return bool(self.cores_got) and statistics.median(self.cores_got) < _ALONE * self.cores

    def summary(self) -> dict[str, float | None]:
        """Medians in messages/s, by name; None for what was not measured."""
        named: dict[str, float | None] = {}
        for name in (*(stage.value for stage in Stage), TSBS):
            core = self.core(name)
            named[f"{name}_per_core"] = None if core is None else round(core.median)
        for stage in ON_ALL_CORES:
            together = self.machine(stage)
            named[f"{stage.value}_all_cores"] = None if together is None else round(together.median)
        return named

    def record(self) -> dict[str, Any]:
        """All of it, for a dated file."""
        ratios = {
            "dry_run_to_published_way": self.ratio(Stage.DRY_RUN, Stage.PUBLISHED_WAY),
            "dry_run_gzip_to_published_way": self.ratio(Stage.DRY_RUN_GZIP, Stage.PUBLISHED_WAY),
            "dry_run_to_tsbs": self.ratio(Stage.DRY_RUN, TSBS),
        }
        return {
            "cores": self.cores,
            "cores_got": list(self.cores_got),
            "rate": self.rate,
            "messages_per_s": self.summary(),
            "race_ticks_per_core": self.race_ticks_per_core,
            "per_core": {name: _spread(values) for name, values in self.per_core.items()},
            "all_cores": {name: _spread(values) for name, values in self.all_cores.items()},
            "ratios": {name: None if r is None else r.as_dict() for name, r in ratios.items()},
        }


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def measure(
    rows: Rows,
    lap_length_m: float,
    *,
    seconds: float,
    repetitions: int,
    cores: int,
    tell: Callable[[str], None] = lambda text: None,
) -> Ceiling:
    """Measure every stage `repetitions` times for `seconds`; `tell` hears what is being measured."""
    ceiling = Ceiling(cores, rows.plan(0).rate)
    program = tsbs.find()
    tell(f"starting {cores} processes and their sinks")
    async with contextlib.AsyncExitStack() as stack:
        # A sink for each process: one for all would be the limit before the processes are.
        sinks = [await stack.enter_async_context(SinkProcess()) for _ in range(cores)]
        crew = await stack.enter_async_context(Crew(Measurer(rows, lap_length_m), cores))
        for turn in range(1, repetitions + 1):
            for stage in Stage:
                tell(f"turn {turn} of {repetitions}: {stage.value}")
                url = sinks[0].url if stage in SENDING else ""
                (alone,) = await crew.take(Order(stage, seconds, url, WHOLE))
                ceiling.take(stage.value, alone)
                if stage in ON_ALL_CORES:
                    orders = [
                        Order(stage, seconds, sink.url, Shard(number, cores))
                        for number, sink in enumerate(sinks)
                    ]
                    ceiling.take_all(stage.value, await crew.take(*orders))
            if program is not None:
                tell(f"turn {turn} of {repetitions}: {tsbs.PROGRAM}")
                made = await tsbs.measure(program)
                if made is not None:
                    ceiling.take(TSBS, made)
    return ceiling


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {**Spread.of(values).as_dict(), "measured": list(values)}
