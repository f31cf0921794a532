"""The flags that say which race it is: every command with a race takes them, and hands them on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from nascar.cli.pipeline import add_rate, pipeline_of
from nascar.cli.race_format import add_race, add_start_lap, race_format
from nascar.errors import UsageError
from nascar.race.commands import Command, Verb
from nascar.race.rules import Cautions

RunHere = Callable[..., tuple[int, str, str]]


def _args(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_race(parser)
    add_start_lap(parser)
    add_rate(parser)
    return parser.parse_args(flags)


def test_without_flags_it_is_the_race_of_the_demo() -> None:
    race = race_format(_args())
    assert (len(race.entries), race.rules.laps, race.rules.cautions) == (40, race.track.laps, Cautions.SOME)
    assert (race.commands, race.start_lap) == ((), 1)


def test_flags_make_the_race(tmp_path: Path) -> None:
    commands = tmp_path / "commands.csv"
    commands.write_text("race_time_s,command,car\n10,pit,24\n", encoding="utf-8")
    race = race_format(
        _args(
            *("--cars", "6", "--track", "half_mile", "--laps", "80", "--cautions", "many"),
            *("--commands", str(commands), "--start-lap", "80"),
        )
    )
    assert (len(race.entries), race.rules.laps, race.rules.cautions) == (6, 80, Cautions.MANY)
    assert race.track.length_m < 1_000
    assert race.commands == (Command(10.0, Verb.PIT, 24),)
    assert race.start_lap == 80


def test_a_track_has_a_distance_of_its_own() -> None:
    assert race_format(_args("--track", "half_mile")).rules.laps != race_format(_args()).rules.laps


def test_a_start_lap_beyond_the_race_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"--start-lap 6 lies beyond the race's 5 laps. Give 1 to 5"
    ) as caught:
        race_format(_args("--laps", "5", "--start-lap", "6"))
    assert caught.value.exit_code == 2


def test_a_stream_begins_at_the_start_lap() -> None:
    pipeline = pipeline_of(_args("--cars", "5", "--laps", "9", "--start-lap", "3"), 1_000, 10.0)
    assert pipeline.standings() is None
    pipeline.sampler_at(0)
    standings = pipeline.standings()
    assert standings is not None
    assert standings.leader_lap == 3


def test_a_second_run_of_a_pipeline_begins_with_the_same_first_tick() -> None:
    pipeline = pipeline_of(_args("--cars", "5", "--laps", "9", "--start-lap", "2"), 1_000, 10.0)
    places = []
    for _ in range(2):
        pipeline.sampler_at(0)
        standings = pipeline.standings()
        assert standings is not None
        places.append((standings.race_time_s, standings.car.tolist(), standings.gap_s.tolist()))
    assert places[0] == places[1]


@pytest.mark.parametrize("command", [("stream", "--dry-run"), ("demo",), ("export", "never-made")])
def test_every_command_with_a_race_refuses_what_is_wrong_before_it_begins(
    run_here: RunHere, tmp_path: Path, command: tuple[str, ...]
) -> None:
    commands = tmp_path / "commands.csv"
    commands.write_text("race_time_s,command,car\nsoon,pit,24\n", encoding="utf-8")
    for flags, words in (
        (("--laps", "5", "--start-lap", "6"), "lies beyond the race's 5 laps"),
        (("--commands", str(commands)), "line 2, field race_time_s"),
        (("--track", "no_such_track"), "no_such_track"),
        (("--cautions", "lots"), "give none, some or many"),
    ):
        status, stdout, stderr = run_here(*command, *flags)
        assert (status, stdout) == (2, "")
        assert words in stderr
