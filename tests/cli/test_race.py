"""``nascar race``: the same race each time, its box score as text and as JSON, and clear words for bad input."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nascar.cli.race import run_race
from nascar.cli.race_format import packaged_race
from nascar.race.digest import FramesDigest

Nascar = Callable[..., "subprocess.CompletedProcess[str]"]
RunHere = Callable[..., tuple[int, str, str]]


def _race(nascar: Nascar, *arguments: str) -> dict[str, Any]:
    done = nascar("race", "--json", *arguments, token=None)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def five_laps(nascar: Nascar) -> dict[str, Any]:
    return _race(nascar, "--laps", "5", "--seed", "7")


def test_the_same_seed_gives_the_same_race_in_another_process(
    nascar: Nascar, five_laps: dict[str, Any]
) -> None:
    again = _race(nascar, "--laps", "5", "--seed", "7")
    measured = ("wall_s", "ready_s")
    assert {name: again[name] for name in again if name not in measured} == {
        name: five_laps[name] for name in five_laps if name not in measured
    }
    other = _race(nascar, "--laps", "5", "--seed", "8")
    assert other["frames_sha256"] != five_laps["frames_sha256"]


def test_json_says_which_race_it_was_and_how_it_ended(five_laps: dict[str, Any]) -> None:
    assert (five_laps["seed"], five_laps["laps"], five_laps["cars"]) == (7, 5, 40)
    assert set(five_laps["versions"]) >= {"python", "numpy"}
    assert five_laps["official"] is True
    assert len(five_laps["frames_sha256"]) == 64
    assert isinstance(five_laps["lead_changes"], int)
    assert isinstance(five_laps["cautions"], int)
    assert five_laps["wall_s"] > 0
    assert len(five_laps["finish_order"]) == 40
    assert "events" not in five_laps


def test_the_text_names_the_winner_and_says_what_to_do_next(
    nascar: Nascar, five_laps: dict[str, Any]
) -> None:
    done = nascar("race", "--laps", "5", "--seed", "7", "--events", token=None)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    winner = five_laps["finish_order"][0]
    first = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["1"])
    assert f"#{winner['car']}" in first
    assert winner["driver"] in first
    assert "Checkered flag" in done.stdout
    assert f"{five_laps['lead_changes']} lead change" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Next: ")


def test_commands_are_carried_out_or_refused_at_their_time(nascar: Nascar, tmp_path: Path) -> None:
    commands = tmp_path / "commands.csv"
    commands.write_text(
        "race_time_s,command,car\n0:00:20,retire,24\n60,spin,24\n99999,pit,13\n", encoding="utf-8"
    )
    flags = ("--laps", "4", "--cars", "6", "--cautions", "none", "--commands", str(commands))
    told = _race(nascar, *flags, "--events")
    assert [(event["kind"], event["car"]) for event in told["commands"]] == [("command", 24)] * 2
    assert told["commands"][1]["text"].startswith("Refused")
    retired = next(finish for finish in told["finish_order"] if finish["car"] == 24)
    assert retired["status"] != "running"
    assert {event["kind"] for event in told["events"]} >= {"finish", "command", "retired"}
    done = nascar("race", *flags, token=None)
    assert "Refused" in done.stdout
    assert "1 of 3 commands" in done.stdout


def test_another_track_is_raced_on(nascar: Nascar) -> None:
    told = _race(nascar, "--laps", "4", "--cars", "6", "--track", "half_mile")
    assert told["finish_order"][0]["laps"] == 4
    assert told["race_time_s"] < 4 * 29


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--laps", "0"), "give 1 to 10,000"),
        (("--cars", "129"), "give 1 to 128"),
        (("--cautions", "lots"), "give none, some or many"),
        (("--track", "no_such_track"), "charlotte, half_mile"),
        (("--entries", "no-such-file.csv"), "no-such-file.csv"),
        (("--commands", "no-such-file.csv"), "no-such-file.csv"),
        (("--start-lap", "2"), "unrecognized arguments"),
    ],
)
def test_bad_values_end_with_status_2_and_a_message(
    run_here: RunHere, flags: tuple[str, ...], words: str
) -> None:
    status, stdout, stderr = run_here("race", *flags)
    assert (status, stdout) == (2, "")
    assert words in stderr


def test_a_command_for_a_car_that_is_not_in_the_race_names_file_line_and_field(
    run_here: RunHere, tmp_path: Path
) -> None:
    commands = tmp_path / "commands.csv"
    commands.write_text("race_time_s,command,car\n10,pit,40\n", encoding="utf-8")
    status, stdout, stderr = run_here("race", "--cars", "6", "--commands", str(commands))
    assert (status, stdout) == (2, "")
    assert f"{commands}, line 2, field car: no car '40' is in this race" in stderr


def test_the_digest_covers_the_race_up_to_the_block_in_which_it_finished(five_laps: dict[str, Any]) -> None:
    digest = FramesDigest()
    outcome = run_race(packaged_race(laps=5), 7, digest)
    assert outcome.frames_sha256 == five_laps["frames_sha256"] == digest.hexdigest()


def test_on_a_terminal_it_shows_how_far_it_is_and_ctrl_c_prints_the_order_so_far() -> None:
    shown, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "nascar", "race", "--laps", "10000", "--cars", "8", "--cautions", "none"],
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(terminal)
        seen = b""
        # The race is under way when a lap is done; which one it shows first depends on the machine.
        while not re.search(rb"lap [1-9]\d* of", seen):
            seen += os.read(shown, 4096)
        process.send_signal(signal.SIGINT)
        # Somebody has to read what it still draws, or it waits for us.
        try:
            while os.read(shown, 4096):
                pass
        except OSError:
            pass
        assert process.stdout is not None
        printed = process.stdout.read()
        assert process.wait(timeout=60) == 130
    os.close(shown)
    assert "Order so far" in printed
    assert "Stopped before the end" in printed
