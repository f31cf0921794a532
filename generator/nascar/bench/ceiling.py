"""The ceiling of the generator on this machine: what it can do before any database has a say.

Stages are measured in turn, and the turn is repeated, so that whatever else happens on the machine meets all
of them; what is shown is the median, beside the least and the most. A ratio is taken within one turn. Each
stage is measured in one process alone, by CPU time (`per core`), and then in one process for every core at
the same time, by the clock (`all cores`).
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nascar.bench.stages import Stage, Taken
from nascar.bench.tsbs import PROGRAM
from nascar.race.frames import TICK_S

ON_ALL_CORES: Final = (
    Stage.RACE,
    Stage.RENDER,
    Stage.ENCODE,
    Stage.RENDER_ENCODE,
    Stage.DRY_RUN,
    Stage.HTTP_SINK,
)
"""The published way and compression are compared on one core only."""
TSBS: Final = "tsbs"
TITLES: Final = {
    Stage.RACE.value: "race only",
    Stage.RENDER.value: "render only",
    Stage.ENCODE.value: "encode only",
    Stage.RENDER_ENCODE.value: "render and encode",
    Stage.DRY_RUN.value: "dry run: with the whole race",
    Stage.DRY_RUN_GZIP.value: "dry run with gzip",
    Stage.DRY_RUN_ZSTD.value: "dry run with zstd",
    Stage.HTTP_SINK.value: "HTTP into the null sink",
    Stage.PUBLISHED_WAY.value: "published way: making its pool",
    Stage.PUBLISHED_REPLAY.value: "published way: sending its pool again",
    TSBS: f"TSBS: {PROGRAM}",
}
"""All stages by name, as people read them, in the order in which they are shown."""
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
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def as_dict(self) -> dict[str, float]:
        """For the record."""
        return {"median": self.median, "least": self.least, "most": self.most}


@dataclass(slots=True)
class Ceiling:
    """What was measured, turn by turn. Stages go by the names of `TITLES`."""

    cores: int
    """Processes that stood for all cores."""
    rate: int
    """Rows a second of the race that was made and sent."""
    batch_size: int
    seconds: float
    """Length of each measurement."""
    per_core: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By stage: messages in a second of one core's time, in each turn."""
    all_cores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By stage: messages in a second on the clock, of all processes together, in each turn."""
    cores_got: list[float] = field(default_factory=list)
    """How many cores all processes together were given when they had enough to do for all of them."""
    without_tsbs: str = f"{PROGRAM} is not on the PATH"
    """Why it was not measured, if it was not."""

    def take(self, stage: str, taken: Taken) -> None:
        """Keep what a process did alone."""
        self.per_core[stage].append(taken.per_cpu_s)

    def take_all(self, stage: str, taken: Sequence[Taken]) -> None:
        """Keep what one process for every core did at the same time."""
        rates = [t.per_s for t in taken]
        if stage == Stage.RENDER_ENCODE.value:
            self.cores_got.append(sum(t.cpu_s / t.wall_s for t in taken if t.wall_s > 0))
        # Every process of a stream runs the whole race: more of them do not make it faster.
        together = min(rates) if stage == Stage.RACE.value else _together(taken)
        self.all_cores[stage].append(together)

    def core(self, stage: str) -> Spread | None:
        """Messages a second of one core; None if it was not measured."""
        values = self.per_core.get(stage)
        return Spread.of(values) if values else None

    def machine(self, stage: str) -> Spread | None:
        """Messages a second of all cores; None if it was not measured."""
        values = self.all_cores.get(stage)
        return Spread.of(values) if values else None

    def ratio(self, ours: Stage, theirs: str) -> Spread | None:
        """How many times as much `ours` does on a core as `theirs`, turn by turn; None without both."""
        pairs = zip(self.per_core.get(ours.value, []), self.per_core.get(theirs, []), strict=False)
        ratios = [mine / other for mine, other in pairs if other > 0]
        return Spread.of(ratios) if ratios else None

    @property
    def race_ticks_per_core(self) -> float | None:
        """Ticks of the race in a second of one core."""
        race = self.core(Stage.RACE.value)
        return None if race is None else race.median / self.rate / TICK_S

    @property
    def is_shared(self) -> bool:
        """Whether others had a good part of the machine, so that `all_cores` shows less than it can."""
        return bool(self.cores_got) and statistics.median(self.cores_got) < _ALONE * self.cores

    def summary(self) -> dict[str, float | None]:
        """Medians in messages/s, by name; None for what was not measured."""
        named: dict[str, float | None] = {}
        for name in TITLES:
            core = self.core(name)
            named[f"{name}_per_core"] = None if core is None else round(core.median)
        for stage in ON_ALL_CORES:
            together = self.machine(stage.value)
            named[f"{stage.value}_all_cores"] = None if together is None else round(together.median)
        return named

    def record(self) -> dict[str, Any]:
        """All of it, for a dated file."""
        ratios = {
            "dry_run_to_published_way": self.ratio(Stage.DRY_RUN, Stage.PUBLISHED_WAY.value),
            "dry_run_gzip_to_published_way": self.ratio(Stage.DRY_RUN_GZIP, Stage.PUBLISHED_WAY.value),
            "dry_run_to_tsbs": self.ratio(Stage.DRY_RUN, TSBS),
        }
        return {
            "rate": self.rate,
            "batch_size": self.batch_size,
            "seconds": self.seconds,
            "cores": self.cores,
            "cores_got": list(self.cores_got),
            "messages_per_s": self.summary(),
            "titles": dict(TITLES),
            "per_core": _measured(self.per_core),
            "all_cores": _measured(self.all_cores),
            "ratios": {name: None if r is None else r.as_dict() for name, r in ratios.items()},
            "race_ticks_per_core": self.race_ticks_per_core,
            "notes": self.notes(),
        }

    def notes(self) -> list[str]:
        """What follows from the numbers, and what must be known to read them: sentences."""
        said = []
        ticks, sink = self.race_ticks_per_core, self.core(Stage.HTTP_SINK.value)
        if ticks is not None:
            said.append(f"The race alone: {ticks:,.0f} ticks in a second of one core.")
        if sink is not None and sink.median > 0:
            share = self.rate / sink.median
            said.append(
                f"{self.rate:,} messages, made and sent into the null sink as fast as one core can, take {share:.1%} of a "
                "second of its time. A stream that keeps to that rate takes more, for it also waits and wakes: a "
                "ladder with --sink measures it."
            )
        published = self.ratio(Stage.DRY_RUN, Stage.PUBLISHED_WAY.value)
        squeezed = self.ratio(Stage.DRY_RUN_GZIP, Stage.PUBLISHED_WAY.value)
        if published is not None and squeezed is not None:
            said.append(
                f"To the published way (pooled batches, msgpack lists, gzip 9): {_times(published)}, "
                f"with gzip on our side too {_times(squeezed)}."
            )
            said.append(
                "Its pool is made before the clock starts and then sent again and again: that costs little, and "
                "makes no new value and no new time."
            )
        tsbs = self.ratio(Stage.DRY_RUN, TSBS)
        said.append(
            f"To TSBS: {self.without_tsbs}: not measured."
            if tsbs is None
            else f"To TSBS ({PROGRAM}): {_times(tsbs)}."
        )
        said.append(
            "All cores: every process runs the whole race, so more of them make it no faster, and the sinks share "
            "the cores with what sends to them."
        )
        if self.is_shared:
            said.append(
                f"Others use this machine: {statistics.median(self.cores_got):.1f} of {self.cores} cores were given "
                "to what could use all. The figures for all cores are too low; those per core count CPU time and "
                "suffer less."
            )
        return said


def _together(taken: Sequence[Taken]) -> float:
    """Messages in a second on the clock of what began together, over the one interval in which all of it happened.

    Without common times each process counts by its own: they began when they had their orders.
    """
    starts_s = [t.start_s for t in taken if t.start_s is not None]
    if len(starts_s) < len(taken):
        return sum(t.per_s for t in taken)
    last_s = max(start_s + t.wall_s for start_s, t in zip(starts_s, taken, strict=True))
    return sum(t.rows for t in taken) / (last_s - min(starts_s))


def _measured(stages: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """What was measured, in the order in which it is shown."""
    return {
        name: {**Spread.of(stages[name]).as_dict(), "measured": list(stages[name])}
        for name in TITLES
        if stages.get(name)
    }


def _times(ratio: Spread) -> str:
    return f"{ratio.median:,.0f} times as much on a core ({ratio.least:,.0f}–{ratio.most:,.0f})"
