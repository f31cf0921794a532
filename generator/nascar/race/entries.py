"""Who races: the entry list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from nascar.errors import EntriesError
from nascar.race.text_file import decode

COLUMNS: Final = ("car_number", "driver", "team", "manufacturer")
MANUFACTURERS: Final = ("Chevrolet", "Ford", "Toyota")
LARGEST_NUMBER: Final = 999
LONGEST_TEXT: Final = 64
LARGEST_FILE_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One car on the entry list."""

    car_number: int
    driver: str
    team: str
    manufacturer: str


def load_entries(path: Path | None = None) -> tuple[Entry, ...]:
    """Entries of a UTF-8 CSV file with the columns `COLUMNS`, in the file's order; None: the packaged list.

    The packaged list holds the numbers 1 to 40, car 24 first, so that even a short field has the car that
    the published questions ask about. Raises `EntriesError`.
    """
    if path is None:
        packaged = resources.files("nascar.race") / "entries.csv"
        return _parse("entries.csv", packaged.read_bytes())
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        reason = error.strerror or error
        raise EntriesError(f"{path}: {reason}. Give --entries a CSV file that can be read.") from error
    return _parse(str(path), data)


def field(entries: Sequence[Entry], cars: int) -> tuple[Entry, ...]:
    """The first `cars` entries; where more are wanted, invented ones with free numbers follow them."""
    if cars <= len(entries):
        return tuple(entries[:cars])
    return (*entries, *_invented(entries, cars - len(entries)))


_FIRST_NAMES: Final = (
    "Alma",
    "Beck",
    "Cyrus",
    "Della",
    "Ezra",
    "Flora",
    "Grady",
    "Hollis",
    "Ida",
    "Jarvis",
    "Kit",
)
_LAST_NAMES: Final = (
    "Ambergate",
    "Brackwood",
    "Copeland-Rye",
    "Dunmarrow",
    "Eastlyn",
    "Farrowby",
    "Goldmere",
)
_CARS_PER_OPEN_TEAM: Final = 2


def _invented(entries: Sequence[Entry], count: int) -> Iterator[Entry]:
    """Open entries, two cars a team; the two lists of names have no common factor, so pairs come late."""
    numbers = {entry.car_number for entry in entries}
    teams = {entry.team for entry in entries}
    free = (number for number in range(1, LARGEST_NUMBER + 1) if number not in numbers)
    names = (name for name in (f"Open Team {place}" for place in range(1, 10_000)) if name not in teams)
    team = ""
    for index in range(count):
        if index % _CARS_PER_OPEN_TEAM == 0:
            team = next(names)
        yield Entry(
            car_number=next(free),
            driver=f"{_FIRST_NAMES[index % len(_FIRST_NAMES)]} {_LAST_NAMES[index % len(_LAST_NAMES)]}"
            + " Jr." * (index // (len(_FIRST_NAMES) * len(_LAST_NAMES))),
            team=team,
            manufacturer=MANUFACTURERS[index // _CARS_PER_OPEN_TEAM % len(MANUFACTURERS)],
        )


def _parse(name: str, data: bytes) -> tuple[Entry, ...]:
    text = decode(name, data, LARGEST_FILE_BYTES, EntriesError, "--entries an entry list")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    entries: list[Entry] = []
    line_of_number: dict[int, int] = {}
    first_of_team: dict[str, tuple[str, int]] = {}
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            raise EntriesError(f"{name}, line {line}: {error}. Close every quotation mark.") from error
        if not any(cells):
            continue
        if header is None:
            header = cells
            _check_header(name, line, header)
            continue
        entry = _entry(name, line, header, cells)
        earlier = line_of_number.setdefault(entry.car_number, line)
        if earlier != line:
            raise EntriesError(
                f"{name}, line {line}, column car_number: {entry.car_number} is taken by line {earlier}. "
                "Give every car a number of its own."
            )
        manufacturer, since = first_of_team.setdefault(entry.team, (entry.manufacturer, line))
        if manufacturer != entry.manufacturer:
            raise EntriesError(
                f"{name}, line {line}, column manufacturer: {entry.team!r} runs {manufacturer} in line {since}, "
                f"{entry.manufacturer} here. Give a team one manufacturer."
            )
        entries.append(entry)
    if not entries:
        raise EntriesError(
            f"{name}, line {max(1, reader.line_num)}: no entries. Write the columns {', '.join(COLUMNS)} "
            "in the first line and one car in each line after it."
        )
    return tuple(entries)


def _check_header(name: str, line: int, header: list[str]) -> None:
    for column in COLUMNS:
        if header.count(column) != 1:
            found = "is missing" if column not in header else "is there twice"
            raise EntriesError(
                f"{name}, line {line}, column {column}: {found}. "
                f"The first line names the columns {', '.join(COLUMNS)}."
            )


def _entry(name: str, line: int, header: list[str], cells: list[str]) -> Entry:
    if len(cells) != len(header):
        missing = header[len(cells)] if len(cells) < len(header) else len(header) + 1
        raise EntriesError(
            f"{name}, line {line}, column {missing}: {len(cells)} cells under {len(header)} columns. "
            "Give each column one cell, and put text with a comma into quotation marks."
        )
    row = dict(zip(header, cells, strict=True))
    return Entry(
        car_number=_number(name, line, row["car_number"]),
        driver=_text(name, line, "driver", row["driver"]),
        team=_text(name, line, "team", row["team"]),
        manufacturer=_manufacturer(name, line, row["manufacturer"]),
    )


def _number(name: str, line: int, cell: str) -> int:
    if cell.isascii() and cell.isdecimal() and len(cell) <= 9 and 1 <= int(cell) <= LARGEST_NUMBER:
        return int(cell)
    raise EntriesError(
        f"{name}, line {line}, column car_number: {_quoted(cell)} is not a car number. "
        f"Write a whole number from 1 to {LARGEST_NUMBER}."
    )


def _text(name: str, line: int, column: str, cell: str) -> str:
    where = f"{name}, line {line}, column {column}"
    if not cell:
        raise EntriesError(f"{where}: empty. Write a name.")
    if len(cell) > LONGEST_TEXT:
        raise EntriesError(f"{where}: {len(cell)} characters. Write at most {LONGEST_TEXT}.")
    if not cell.isprintable():
        raise EntriesError(f"{where}: {_quoted(cell)} has a control character. Remove it.")
    return cell


def _manufacturer(name: str, line: int, cell: str) -> str:
    if cell in MANUFACTURERS:
        return cell
    raise EntriesError(
        f"{name}, line {line}, column manufacturer: {_quoted(cell)} does not race here. "
        f"Write one of {', '.join(MANUFACTURERS)}."
    )


def _quoted(cell: str) -> str:
    return ascii(cell if len(cell) <= LONGEST_TEXT else cell[:LONGEST_TEXT] + "…")
