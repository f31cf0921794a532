"""Which race it is: the flags that every command with a race shares, and what they make."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nascar.cli import arguments
from nascar.errors import UsageError
from nascar.race import entries as entry_list
from nascar.race.command_file import load_commands
from nascar.race.commands import Command
from nascar.race.entries import Entry, load_entries
from nascar.race.rules import MOST_LAPS, Cautions, Rules
from nascar.race.season import Season
from nascar.race.timing import Timing
from nascar.race.track import Track, load_track
from nascar.race.track_file import TRACKS

if TYPE_CHECKING:
    from nascar.race.simulation import Race


@dataclass(frozen=True, slots=True)
class RaceFormat:
    """All that makes a race but its seed."""

    entries: tuple[Entry, ...]
    track: Track
    rules: Rules
    commands: Sequence[Command] = ()
    """For the first race of a season; their race times count from its first tick."""
    start_lap: int = 1
    """Lap at which a season joins its first race."""

    def race(self, seed: int, from_grid: bool = False) -> Race:
        """The race with this seed: under green from its first tick, or from the grid behind the pace car."""
        # Here and not above: it brings the compiler, which costs commands without a race half a second.
        from nascar.race.simulation import Race

        commands = () if from_grid else self.commands
        return Race(self.entries, self.track, seed, self.rules, commands=commands, from_grid=from_grid)

    def timing(self) -> Timing:
        """Timing for one such race."""
        names = [f"car {entry.car_number} ({entry.driver})" for entry in self.entries]
        return Timing(len(self.entries), self.track.length_m, names=names, rules=self.rules)

    def season(self, seed: int) -> Season:
        """Races without end, the first with this seed."""
        return Season(self.race, seed, self.timing, start_lap=self.start_lap)


def add_field(flags: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """``--cars`` and ``--seed``: who races, and how it goes."""
    flags.add_argument(
        "--cars",
        type=arguments.whole_number(1, arguments.MOST_CARS),
        default=arguments.DEFAULT_CARS,
        help="number of cars in the race (default: %(default)s)",
        metavar="N",
    )
    flags.add_argument(
        "--seed",
        type=arguments.whole_number(0, 2**63 - 1),
        default=1,
        help="the same seed gives the same race (default: %(default)s)",
        metavar="N",
    )


def add_race(parser: argparse.ArgumentParser) -> None:
    """The flags that say which race it is."""
    add_field(parser)
    parser.add_argument(
        "--entries",
        type=Path,
        help="entry list to race with: CSV with car_number, driver, team, manufacturer (default: our own)",
        metavar="FILE",
    )
    parser.add_argument(
        "--track",
        default=TRACKS[0],
        help=f"track to race on: {', '.join(TRACKS)}, or a track file (default: %(default)s)",
        metavar="NAME|FILE",
    )
    parser.add_argument(
        "--laps",
        type=arguments.whole_number(1, MOST_LAPS),
        help="distance of the race in laps (default: the track's own)",
        metavar="N",
    )
    parser.add_argument(
        "--cautions",
        type=_cautions,
        default=Cautions.SOME,
        help="how much goes wrong by itself: none, some (as in real races) or many (default: %(default)s)",
        metavar="none|some|many",
    )
    parser.add_argument(
        "--commands",
        type=Path,
        help="race commands to carry out: CSV with race_time_s, command (caution, pit, puncture, spin, retire) "
        "and car; race time counts from the first tick of the first race",
        metavar="FILE",
    )


def add_start_lap(parser: argparse.ArgumentParser) -> None:
    """The flag that lets a stream join a race that is under way."""
    parser.add_argument(
        "--start-lap",
        type=arguments.whole_number(1, MOST_LAPS),
        default=1,
        help="begin where the leader starts this lap; the race before it is run, but not sent "
        "(default: %(default)s)",
        metavar="N",
    )


def packaged_race(cars: int = arguments.DEFAULT_CARS, laps: int | None = None) -> RaceFormat:
    """The race that is run if no flag asks for another; `laps` None is the track's own distance."""
    track = load_track(TRACKS[0])
    return RaceFormat(entry_list.field(load_entries(), cars), track, Rules(laps or track.laps))


def race_format(args: argparse.Namespace) -> RaceFormat:
    """The race that the flags ask for."""
    entries = entry_list.field(load_entries(args.entries), args.cars)
    track = load_track(args.track)
    rules = Rules(track.laps if args.laps is None else args.laps, args.cautions)
    start_lap = getattr(args, "start_lap", 1)
    if start_lap > rules.laps:
        raise UsageError(
            f"--start-lap {start_lap} lies beyond the race's {rules.laps} laps. "
            f"Give 1 to {rules.laps}, or more --laps."
        )
    commands: tuple[Command, ...] = ()
    if args.commands is not None:
        commands = load_commands(args.commands, {entry.car_number for entry in entries})
    return RaceFormat(entries, track, rules, commands, start_lap)


def _cautions(text: str) -> Cautions:
    try:
        return Cautions(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no measure of cautions; give none, some or many"
        ) from None
