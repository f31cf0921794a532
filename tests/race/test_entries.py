"""The entry list: what the packaged one holds, and what is said of a malformed one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from nascar.errors import EntriesError, UsageError
from nascar.race.entries import MANUFACTURERS, Entry, field, load_entries

HEAD = "car_number,driver,team,manufacturer\n"


def test_the_packaged_list_is_numbers_1_to_40_with_car_24_in_every_field() -> None:
    entries = load_entries()
    assert sorted(entry.car_number for entry in entries) == list(range(1, 41))
    assert entries[0].car_number == 24
    assert len({entry.driver for entry in entries}) == 40


def test_the_packaged_teams_have_one_manufacturer_and_one_to_four_cars() -> None:
    entries = load_entries()
    makes: dict[str, set[str]] = {}
    for entry in entries:
        makes.setdefault(entry.team, set()).add(entry.manufacturer)
    assert all(len(of_team) == 1 for of_team in makes.values())
    assert {make for of_team in makes.values() for make in of_team} == set(MANUFACTURERS)
    sizes = Counter(entry.team for entry in entries).values()
    assert set(sizes) == {1, 2, 3, 4}


def test_a_file_is_read_in_its_own_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        '\ufeffmanufacturer,driver,note,team,car_number\r\nFord,"Doe, J.",x,Álamo,7\r\n\r\nToyota,Bé,,Two,003\r\n',
        encoding="utf-8",
    )
    assert load_entries(path) == (Entry(7, "Doe, J.", "Álamo", "Ford"), Entry(3, "Bé", "Two", "Toyota"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("car_number,driver,manufacturer\n1,A,Ford\n", ("line 1", "column team", "is missing")),
        ("car_number,driver,team,team,manufacturer\n", ("line 1", "column team", "twice")),
        (HEAD + "1,A,T,Ford\n4x,B,T,Ford\n", ("line 3", "column car_number", "'4x'", "1 to 999")),
        (HEAD + "0,A,T,Ford\n", ("line 2", "column car_number", "1 to 999")),
        (HEAD + "1000,A,T,Ford\n", ("line 2", "column car_number", "1 to 999")),
        (HEAD + "-5,A,T,Ford\n", ("line 2", "column car_number")),
        (HEAD + "²,A,T,Ford\n", ("line 2", "column car_number")),
        (HEAD + "1" * 5_000 + ",A,T,Ford\n", ("line 2", "column car_number")),
        (HEAD + "5,A,T,Ford\n\n5,B,T,Ford\n", ("line 4", "column car_number", "line 2")),
        (HEAD + "5,,T,Ford\n", ("line 2", "column driver", "empty")),
        (HEAD + "5,A, ,Ford\n", ("line 2", "column team", "empty")),
        (HEAD + "5,A,T,Dodge\n", ("line 2", "column manufacturer", "'Dodge'", "Chevrolet, Ford, Toyota")),
        (
            HEAD + "5,A,T,Ford\n6,B,T,Toyota\n",
            ("line 3", "column manufacturer", "line 2", "one manufacturer"),
        ),
        (HEAD + f"5,{'x' * 65},T,Ford\n", ("line 2", "column driver", "65 characters", "64")),
        (HEAD + "5,A\x07,T,Ford\n", ("line 2", "column driver", "control character")),
        (HEAD + '5,"A\nB",T,Ford\n', ("line 2", "column driver", "control character")),
        (HEAD + "5,A,T\n", ("line 2", "column manufacturer", "3 cells under 4 columns")),
        (HEAD + "5,A,T,Ford,more\n", ("line 2", "column 5", "5 cells under 4 columns")),
        (HEAD + '5,"A,T,Ford\n', ("line 2", "quotation mark")),
        (HEAD, ("line 1", "no entries", "car_number, driver, team, manufacturer")),
        ("", ("line 1", "no entries")),
    ],
)
def test_a_malformed_file_is_refused_with_line_and_column(
    tmp_path: Path, text: str, parts: tuple[str, ...]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(text.encode())
    with pytest.raises(EntriesError) as caught:
        load_entries(path)
    message = str(caught.value)
    assert str(path) in message
    for part in parts:
        assert part in message
    assert len(message) < 400 + len(str(path))


def test_a_file_that_is_not_utf_8_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(HEAD.encode() + b"5,Ren\xe9,T,Ford\n")
    with pytest.raises(EntriesError, match=r"latin\.csv, line 2, column 6: not UTF-8"):
        load_entries(path)


def test_a_file_that_cannot_be_read_or_is_no_entry_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EntriesError, match="No such file"):
        load_entries(tmp_path / "absent.csv")
    with pytest.raises(EntriesError, match="directory"):
        load_entries(tmp_path)
    path = tmp_path / "huge.csv"
    path.write_bytes(b"x" * 1_000_001)
    with pytest.raises(EntriesError, match="larger than"):
        load_entries(path)


def test_a_bad_entry_list_is_bad_usage() -> None:
    assert issubclass(EntriesError, UsageError)
    assert EntriesError.exit_code == 2


@pytest.mark.parametrize("cars", [1, 39, 40, 41, 97, 128])
def test_a_field_has_as_many_cars_as_wanted_each_with_a_number_of_its_own(cars: int) -> None:
    entries = load_entries()
    chosen = field(entries, cars)
    assert len(chosen) == cars
    assert len({entry.car_number for entry in chosen}) == cars
    assert chosen[: min(cars, 40)] == entries[: min(cars, 40)]
    assert chosen == field(entries, cars)
    makes: dict[str, set[str]] = {}
    for entry in chosen:
        makes.setdefault(entry.team, set()).add(entry.manufacturer)
    assert all(len(of_team) == 1 for of_team in makes.values())


def test_a_longer_field_keeps_the_shorter_ones_entries() -> None:
    entries = (Entry(2, "A", "Open Team 1", "Ford"),)
    assert field(entries, 128)[:50] == field(entries, 50)
    added = field(entries, 3)[1:]
    assert [entry.car_number for entry in added] == [1, 3]
    assert all(entry.team != "Open Team 1" for entry in added)
