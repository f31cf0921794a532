"""The parts put together: entries, race, telemetry and wire, for a start time."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from nascar.cli import arguments
from nascar.errors import UsageError
from nascar.race.entries import Entry, field, load_entries
from nascar.race.simulation import Race
from nascar.race.timing import Standings, TimedRace, Timing
from nascar.race.track import charlotte
from nascar.stream.feed import TelemetryFeed
from nascar.stream.low_rate_feed import LowRateFeed
from nascar.telemetry.low_rate import LowRateTables
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler, TimeUnit


@dataclass(slots=True)
class Pipeline:
    """What rows a run has. `feed_at` starts a new race each time; `timing` times the last one."""

    entries: tuple[Entry, ...]
    rate: int
    batch_size: int
    seed: int
    duration_s: float | None = None
    """None: without end."""
    time_unit: TimeUnit = TimeUnit.US
    timing: Timing | None = None
    low_rate: LowRateTables | None = None
    """The low-rate tables of the last run that was begun."""

    def __post_init__(self) -> None:
        if self.plan(0).instants == 0:
            raise UsageError(
                f"At {self.rate:,} messages/s no car gets a row into each table within {self.duration_s:g} s. "
                "Give a higher --rate, a longer run, or fewer --cars."
            )

    def plan(self, start_us: int) -> RowPlan:
        """The rows of a run that starts at `start_us`."""
        return RowPlan(self.rate, len(self.entries), self.batch_size, start_us, self.duration_s)

    def sampler_at(self, start_us: int) -> Sampler:
        """A race from its first tick, and the telemetry that reads it."""
        track = charlotte()
        numbers = [entry.car_number for entry in self.entries]
        self.timing = Timing(len(self.entries), track.length_m, car_numbers=numbers)
        race = TimedRace(Race(self.entries, track, self.seed), self.timing)
        end_us = None if self.duration_s is None else start_us + round(self.duration_s * 1e6)
        self.low_rate = LowRateTables(
            race, self.timing, self.entries, track, start_us, end_us, self.time_unit
        )
        return Sampler(
            self.low_rate,
            self.entries,
            self.plan(start_us),
            self.seed,
            self.time_unit,
            lap_length_m=track.length_m,
        )

    def feed_at(self, start_us: int) -> TelemetryFeed:
        """The batches of a run whose first row lies at `start_us`, µs since 1970."""
        sampler = self.sampler_at(start_us)
        return TelemetryFeed(sampler, beside=None if self.low_rate is None else LowRateFeed(self.low_rate))

    def standings(self) -> Standings | None:
        """The race as it stands; None before it has begun."""
        return None if self.timing is None else self.timing.standings()


def add_race(parser: argparse.ArgumentParser) -> None:
    """The flags that say which race it is."""
    parser.add_argument(
        "--cars",
        type=arguments.whole_number(1, arguments.MOST_CARS),
        default=arguments.DEFAULT_CARS,
        help="number of cars in the race (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--seed",
        type=arguments.whole_number(0, 2**63 - 1),
        default=1,
        help="the same seed gives the same race (default: %(default)s)",
        metavar="N",
    )
    parser.add_argument(
        "--entries",
        type=Path,
        help="entry list to race with: CSV with car_number, driver, team, manufacturer (default: our own)",
        metavar="FILE",
    )


def add_rate(parser: argparse.ArgumentParser) -> None:
    """The flag that says how many rows a second there are."""
    parser.add_argument(
        "--rate",
        type=arguments.whole_number(1, arguments.MOST_RATE),
        default=arguments.DEFAULT_RATE,
        help="total messages (rows) a second over all cars and tables (default: %(default)s)",
        metavar="N",
    )


def entries_of(args: argparse.Namespace) -> tuple[Entry, ...]:
    """The cars of the race, from ``--entries`` and ``--cars``."""
    return field(load_entries(args.entries), args.cars)
