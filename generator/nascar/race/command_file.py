"""The file of race commands: CSV text with the columns `COLUMNS`, read, checked and written.

    race_time_s,command,car
    # the yellow flag after twenty minutes
    1200,caution,
    0:25:30,pit,24

Blank lines and lines that begin with # are passed over; the lines need not be in order of time.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import numpy as np

from nascar.errors import CommandsError
from nascar.race.commands import Command, Verb
from nascar.race.text_file import decode

COLUMNS: Final = ("race_time_s", "command", "car")
LARGEST_FILE_BYTES: Final = 1_000_000
LATEST_S: Final = 1_000_000.0
"""No race lasts so long: eleven days."""
_LONGEST_SHOWN: Final = 64
_VERBS: Final = ", ".join(verb.value for verb in Verb)


def load_commands(path: Path, car_numbers: Collection[int]) -> tuple[Command, ...]:
    """Commands of a file in order of time, for a race of the cars with these numbers. Raises `CommandsError`."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        reason = error.strerror or error
        raise CommandsError(f"{path}: {reason}. Give --commands a CSV file that can be read.") from error
    text = decode(str(path), data, LARGEST_FILE_BYTES, CommandsError, "--commands race commands")
    return parse_commands(str(path), text, car_numbers)


def parse_commands(name: str, text: str, car_numbers: Collection[int]) -> tuple[Command, ...]:
    """Commands of a text in order of time; `name` is what an error calls it."""
    header: list[str] | None = None
    line_of: dict[Command, int] = {}
    for line, row in enumerate(io.StringIO(text, newline=None), start=1):
        if not row.strip(" \t\n,") or row.lstrip().startswith("#"):
            continue
        cells = _cells(name, line, row)
        if header is None:
            header = cells
            _check_header(name, line, header)
            continue
        if cells == header:
            raise CommandsError(f"{name}, line {line}: the header a second time. Take the line out.")
        command = _command(name, line, header, cells, car_numbers)
        earlier = line_of.setdefault(command, line)
        if earlier != line:
            raise CommandsError(f"{name}, line {line}: the same command as in line {earlier}. Take one out.")
    if header is None:
        raise CommandsError(f"{name}, line 1: no header. Write {','.join(COLUMNS)} in the first line.")
    return tuple(sorted(line_of, key=lambda command: command.race_time_s))


def format_commands(commands: Iterable[Command]) -> str:
    """The same form, in the order given. Read again, it gives the same commands, bit for bit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for command in commands:
        race_time_s = np.format_float_positional(command.race_time_s, trim="-")
        car = "" if command.car_number is None else command.car_number
        writer.writerow((race_time_s, command.verb.value, car))
    return text.getvalue()


def write_commands(path: Path, commands: Iterable[Command]) -> None:
    """Write a log of commands from which the race can be run again."""
    path.write_text(format_commands(commands), encoding="utf-8")


def _cells(name: str, line: int, row: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([row.rstrip("\n")], strict=True))]
    except csv.Error as error:
        raise CommandsError(
            f"{name}, line {line}: {error}. Write the cells without quotation marks."
        ) from error


def _check_header(name: str, line: int, header: list[str]) -> None:
    for column in dict.fromkeys((*COLUMNS, *header)):
        times = header.count(column)
        if column in COLUMNS and times == 1:
            continue
        found = "is missing" if times == 0 else "is there twice" if times > 1 else "is no column of ours"
        raise CommandsError(
            f"{name}, line {line}, field {_quoted(column)}: {found}. "
            f"The first line is the header: {','.join(COLUMNS)}."
        )


def _command(
    name: str, line: int, header: list[str], cells: list[str], car_numbers: Collection[int]
) -> Command:
    if len(cells) > len(header):
        raise CommandsError(
            f"{name}, line {line}, field {len(header) + 1}: {len(cells)} cells under {len(header)} columns. "
            "Write one command in a line."
        )
    row = dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))
    race_time_s = _race_time_s(f"{name}, line {line}, field race_time_s", row["race_time_s"])
    verb = _verb(f"{name}, line {line}, field command", row["command"])
    return Command(
        race_time_s, verb, _car_number(f"{name}, line {line}, field car", verb, row["car"], car_numbers)
    )


def _race_time_s(where: str, cell: str) -> float:
    clock = re.fullmatch(r"(\d{1,3}):([0-5]\d):([0-5]\d(?:\.\d+)?)", cell, re.ASCII)
    if clock is not None:
        hours, minutes, seconds = clock.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    try:
        race_time_s = float(cell) if "_" not in cell else math.nan
    except ValueError:
        race_time_s = math.nan
    if math.isnan(race_time_s):
        raise CommandsError(
            f"{where}: {_quoted(cell)} is not a race time. Write seconds, or h:mm:ss such as 1:05:00."
        )
    if not 0 <= race_time_s <= LATEST_S:
        raise CommandsError(f"{where}: {cell} lies outside the race. Write 0 to {LATEST_S:,.0f} seconds.")
    # A minus sign before a nought would be written into a log.
    return abs(race_time_s)


def _verb(where: str, cell: str) -> Verb:
    try:
        return Verb(cell)
    except ValueError:
        raise CommandsError(f"{where}: {_quoted(cell)} is no command. Write one of {_VERBS}.") from None


def _car_number(where: str, verb: Verb, cell: str, car_numbers: Collection[int]) -> int | None:
    if verb is Verb.CAUTION:
        if cell:
            raise CommandsError(
                f"{where}: a caution is for the whole field, not for {_quoted(cell)}. Leave the field empty."
            )
        return None
    if not cell:
        raise CommandsError(f"{where}: {verb.value} needs a car. Write its number.")
    if not (cell.isascii() and cell.isdecimal()):
        raise CommandsError(f"{where}: {_quoted(cell)} is not a car number. Write a whole number.")
    # No number in the field has so many digits, and Python refuses to read very many.
    number = int(cell) if len(cell) <= 9 else -1
    if number not in car_numbers:
        raise CommandsError(
            f"{where}: no car {_quoted(cell)} is in this race. Write one of {_some(car_numbers)}."
        )
    return number


def _some(car_numbers: Collection[int]) -> str:
    numbers = sorted(car_numbers)
    most = 10
    return ", ".join(map(str, numbers[:most])) + (" …" if len(numbers) > most else "")


def _quoted(cell: str) -> str:
    return ascii(cell) if len(cell) <= _LONGEST_SHOWN else ascii(cell[:_LONGEST_SHOWN]) + "…"
