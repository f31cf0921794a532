"""The parts put together: race, telemetry and wire, for a start time."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field

from nascar.cli import arguments
from nascar.cli.race_format import RaceFormat, race_format
from nascar.errors import UsageError
from nascar.race.entries import Entry
from nascar.race.season import Season
from nascar.race.timing import Standings
from nascar.stream.compression import Compression
from nascar.stream.feed import TelemetryFeed
from nascar.stream.low_rate_feed import LowRateFeed
from nascar.telemetry import sampler
from nascar.telemetry.low_rate import LowRateTables
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler, TimeUnit


@dataclass(slots=True)
class Pipeline:
    """What rows a run has. `feed_at` starts a new season each time; the rest is about the last one."""

    race: RaceFormat
    rate: int
    batch_size: int
    seed: int
    duration_s: float | None = None
    """None: without end."""
    time_unit: TimeUnit = TimeUnit.US
    compression: Compression = Compression.NONE
    _ready: Season | None = field(default=None, repr=False)
    """A season that stands at its tick 0 and that nobody has taken yet."""
    _season: Season | None = field(default=None, repr=False)
    _low_rate: LowRateTables | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.plan(0).instants == 0:
            raise UsageError(
                f"At {self.rate:,} messages/s no car gets a row into each table within {self.duration_s:g} s. "
                "Give a higher --rate, a longer run, or fewer --cars."
            )

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.race.entries

    @property
    def low_rate(self) -> LowRateTables:
        """The tables beside the rate; not before `sampler_at`, which they are filled by."""
        if self._low_rate is None:
            raise LookupError("no season has begun")
        return self._low_rate

    def prepare(self) -> Season:
        """Run a season up to its first tick, before there is a clock that it could be late by."""
        if self._ready is None:
            lap = self.race.start_lap
            say_wait(f"Running the race up to lap {lap}" if lap > 1 else "Getting ready")
            sampler.prepare()
            self._ready = self.race.season(self.seed)
            self._ready.prepare()
        return self._ready

    def plan(self, start_us: int) -> RowPlan:
        """The rows of a run that starts at `start_us`."""
        return RowPlan(self.rate, len(self.entries), self.batch_size, start_us, self.duration_s)

    def sampler_at(self, start_us: int) -> Sampler:
        """A season from its first tick, and the telemetry that reads it."""
        season, track = self.prepare(), self.race.track
        self._season, self._ready = season, None
        end_us = None if self.duration_s is None else start_us + round(self.duration_s * 1e6)
        self._low_rate = LowRateTables(season, season, self.entries, track, start_us, end_us, self.time_unit)
        return Sampler(
            self._low_rate,
            self.entries,
            self.plan(start_us),
            self.seed,
            self.time_unit,
            lap_length_m=track.length_m,
        )

    def feed_at(self, start_us: int) -> TelemetryFeed:
        """The batches of a run whose first row lies at `start_us`, µs since 1970."""
        sampler = self.sampler_at(start_us)
        beside = LowRateFeed(self.low_rate, compression=self.compression)
        return TelemetryFeed(sampler, beside=beside, compression=self.compression)

    def picture(self) -> Standings | None:
        """What a display shows of it."""
        return self.standings()

    def standings(self) -> Standings | None:
        """The race as it stands; None before it has begun."""
        return None if self._season is None else self._season.standings()


def pipeline_of(
    args: argparse.Namespace,
    batch_size: int,
    duration_s: float | None,
    time_unit: TimeUnit = TimeUnit.US,
    compression: Compression = Compression.NONE,
) -> Pipeline:
    """The rows that the flags of `add_race`, `add_start_lap` and `add_rate` ask for."""
    return Pipeline(race_format(args), args.rate, batch_size, args.seed, duration_s, time_unit, compression)


def say_wait(text: str) -> None:
    """Tell a person at the terminal, and nobody else, what takes its time."""
    if sys.stderr.isatty():
        print(f"{text} … (the first run compiles the race, which takes a minute at most)", file=sys.stderr)


def add_rate(parser: argparse.ArgumentParser) -> None:
    """The flag that says how many rows a second there are."""
    parser.add_argument(
        "--rate",
        type=arguments.whole_number(1, arguments.MOST_RATE),
        default=arguments.DEFAULT_RATE,
        help="total messages (rows) a second over all cars and tables (default: %(default)s)",
        metavar="N",
    )
