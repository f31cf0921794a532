"""Command files: what is written is read, and what cannot be read is named by file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.errors import CommandsError
from nascar.race.command_file import (
    LATEST_S,
    format_commands,
    load_commands,
    parse_commands,
    write_commands,
)
from nascar.race.commands import Command, Verb

CARS = (24, 5, 48)
HEADER = "race_time_s,command,car\n"


def test_a_file_may_have_comments_blank_lines_clock_times_and_any_order(tmp_path: Path) -> None:
    path = tmp_path / "commands.csv"
    path.write_bytes(
        b'\xef\xbb\xbf# for the show, with "quotes\n\nrace_time_s,command,car\r\n'
        b"1:00:00.5, retire , 48\n  # later\n,,\n90,pit,24\n90.25,caution\n0:01:00,spin,5\n12,puncture,05\n"
    )
    assert load_commands(path, CARS) == (
        Command(12.0, Verb.PUNCTURE, 5),
        Command(60.0, Verb.SPIN, 5),
        Command(90.0, Verb.PIT, 24),
        Command(90.25, Verb.CAUTION),
        Command(3600.5, Verb.RETIRE, 48),
    )


def test_columns_may_stand_in_any_order() -> None:
    assert parse_commands("c", "car,race_time_s,command\n24,1,pit\n", CARS) == (Command(1.0, Verb.PIT, 24),)


def test_a_log_of_nothing_can_be_read_again() -> None:
    assert parse_commands("c", format_commands(()), CARS) == ()


@given(
    st.lists(
        st.builds(
            lambda time_s, verb, car: Command(time_s, verb, None if verb is Verb.CAUTION else car),
            st.floats(0, LATEST_S).map(abs),
            st.sampled_from(Verb),
            st.sampled_from(CARS),
        ),
        unique=True,
        max_size=20,
    )
)
def test_what_is_written_is_read_again_bit_for_bit(commands: list[Command]) -> None:
    in_time = tuple(sorted(commands, key=lambda command: command.race_time_s))
    assert parse_commands("log", format_commands(in_time), CARS) == in_time


def test_a_log_is_written_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write_commands(path, [Command(0.04, Verb.PIT, 24), Command(7.0, Verb.CAUTION)])
    assert path.read_text() == "race_time_s,command,car\n0.04,pit,24\n7,caution,\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"file\.csv, line 1: no header\. Write race_time_s,command,car"),
        ("# only a comment\n", "line 1: no header"),
        ("90,pit,24\n", "line 1, field 'race_time_s': is missing"),
        ("\nrace_time_s,command\n", "line 2, field 'car': is missing"),
        ("race_time_s,command,car,car\n", "line 1, field 'car': is there twice"),
        ("race_time_s,command,car,why\n", "line 1, field 'why': is no column of ours"),
        (HEADER + "# x\n" + HEADER, "line 3: the header a second time. Take the line out"),
        (HEADER + "soon,pit,24\n", "line 2, field race_time_s: 'soon' is not a race time. Write seconds"),
        (HEADER + ",pit,24\n", "line 2, field race_time_s: '' is not a race time"),
        (HEADER + "nan,pit,24\n", "field race_time_s: 'nan' is not a race time"),
        (HEADER + "1_0,pit,24\n", "field race_time_s: '1_0' is not a race time"),
        (HEADER + "1:60:00,pit,24\n", "field race_time_s: '1:60:00' is not a race time"),
        (HEADER + "-1,pit,24\n", "field race_time_s: -1 lies outside the race. Write 0 to 1,000,000"),
        (HEADER + "inf,pit,24\n", "field race_time_s: inf lies outside the race"),
        (HEADER + "1,,24\n", "line 2, field command: '' is no command. Write one of caution, pit, puncture"),
        (HEADER + "1,PIT,24\n", "field command: 'PIT' is no command"),
        (HEADER + "1,win,24\n", "field command: 'win' is no command"),
        (HEADER + "1,caution,24\n", "line 2, field car: a caution is for the whole field"),
        (HEADER + "1,pit,\n", "line 2, field car: pit needs a car. Write its number"),
        (HEADER + "1,pit\n", "line 2, field car: pit needs a car"),
        (HEADER + "1,pit,99\n", "line 2, field car: no car '99' is in this race. Write one of 5, 24, 48"),
        (HEADER + "1,pit," + "9" * 5000 + "\n", "line 2, field car: no car '9+'… is in this race"),
        (HEADER + "1,pit,-24\n", "field car: '-24' is not a car number"),
        (HEADER + "1,pit,٢٤\n", "is not a car number"),
        (HEADER + "1,pit,24,now\n", "line 2, field 4: 4 cells under 3 columns"),
        (HEADER + '1,"pit,24\n', "line 2: unexpected end of data. Write the cells without quotation marks"),
        (HEADER + "1,pit,24\n\n1.0,pit,24\n", "line 4: the same command as in line 2. Take one out"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_line_and_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CommandsError, match=words) as caught:
        load_commands(path, CARS)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandsError, match=r"No such file or directory\. Give --commands a CSV file"):
        load_commands(tmp_path / "none.csv", CARS)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(HEADER.encode() + b"1,pit,\xfc\n")
    with pytest.raises(CommandsError, match="line 2, column 7: not UTF-8"):
        load_commands(latin, CARS)
    huge = tmp_path / "huge.csv"
    huge.write_bytes(b"#" * 1_000_001)
    with pytest.raises(CommandsError, match="larger than 1,000,000 bytes"):
        load_commands(huge, CARS)
