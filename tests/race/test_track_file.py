"""Track files: what they say comes back, and what is said of a malformed one."""

from __future__ import annotations

import math
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.errors import TrackError, UsageError
from nascar.race.car import MPH_MPS
from nascar.race.course import Course, Section, gap_m, turned_rad
from nascar.race.track import TRACKS, load_track
from nascar.race.track_file import LARGEST_FILE_BYTES, parse_course, read_course
from nascar.race.track_toml import TrackToml

FOLDER = resources.files("nascar.race") / "tracks"
CHARLOTTE = (FOLDER / "charlotte.toml").read_text(encoding="utf-8")
HALF_MILE = (FOLDER / "half_mile.toml").read_text(encoding="utf-8")


def parse(text: str) -> Course:
    return parse_course("mine.toml", text.encode())


def test_the_packaged_tracks_are_the_files_of_their_folder() -> None:
    assert sorted(TRACKS) == sorted(file.name.removesuffix(".toml") for file in FOLDER.iterdir())
    assert TRACKS[0] == "charlotte"


@pytest.mark.parametrize("name", TRACKS)
def test_a_copy_of_a_packaged_file_is_the_same_track(tmp_path: Path, name: str) -> None:
    path = tmp_path / "copy.toml"
    path.write_bytes((FOLDER / f"{name}.toml").read_bytes())
    assert read_course(path) == read_course(str(path)) == read_course(name)
    assert load_track(path).length_m == load_track(name).length_m


def test_line_ends_byte_order_marks_and_empty_lines_say_nothing() -> None:
    assert parse("\ufeff" + CHARLOTTE.replace("\n", "\r\n\r\n")) == parse(CHARLOTTE)


def test_a_bend_may_be_written_as_radius_or_curvature() -> None:
    by_feet = parse(HALF_MILE.replace("radius_m = 50", f"radius_ft = {50 / 0.3048!r}"))
    by_curvature = parse(HALF_MILE.replace("radius_m = 50", "curvature_per_m = 0.02"))
    for course in (by_feet, by_curvature):
        np.testing.assert_allclose(
            [section.curvature_per_m for section in course.sections],
            [section.curvature_per_m for section in parse(HALF_MILE).sections],
            rtol=1e-14,
        )


def test_a_track_without_a_published_lap_has_none() -> None:
    assert parse(HALF_MILE).pole_lap_s is None
    assert parse(CHARLOTTE).pole_lap_s == 29.532


@given(
    radius_m=st.floats(30.0, 300.0),
    clothoid_m=st.floats(20.0, 80.0),
    straight_m=st.floats(150.0, 900.0),
    banking_deg=st.floats(0.0, 20.0),
    laps=st.integers(1, 10_000),
    limit_mph=st.floats(10.0, 40.0),
)
def test_what_is_written_comes_back(
    radius_m: float, clothoid_m: float, straight_m: float, banking_deg: float, laps: int, limit_mph: float
) -> None:
    arc_m = math.pi * radius_m - clothoid_m
    turn_m = arc_m + 2 * clothoid_m
    rows = [(straight_m, 0.0, 0.0)]
    for last_m in (straight_m, None):
        rows += [(clothoid_m, 1 / radius_m, banking_deg), (arc_m, 1 / radius_m, banking_deg)]
        rows += [(clothoid_m, 0.0, 0.0)] + ([(last_m, 0.0, 0.0)] if last_m else [])
    end_m = 2 * (straight_m + turn_m)
    pit = {
        "limit_mph": limit_mph,
        "merge_mps": 20,
        "merged_m": 0.3 * end_m,
        "leave_m": 0.4 * end_m,
        "leave_to_m": 0.5 * end_m,
        "entry_m": 0.7 * end_m,
        "limit_from_m": 0.7 * end_m,
        "first_box_m": 0.75 * end_m,
        "box_spacing_m": 10,
        "boxes": 10,
        "limit_to_m": 1.1 * end_m,
    }
    corners = [(straight_m, straight_m + turn_m), (2 * straight_m + turn_m, end_m - 1e-3)]
    text = f'name = "Oval"\nlaps = {laps}\npace_mph = 45.0\n'
    text += f"spin_from_m = {0.15 * end_m!r}\nspin_to_m = {0.35 * end_m!r}\n[pit]\n"
    text += "".join(f"{key} = {value!r}\n" for key, value in pit.items())
    text += "".join(f"[[corner]]\nstart_m = {a!r}\nend_m = {b!r}\ngrip = 1\n" for a, b in corners)
    text += "".join(
        f"[[section]]\nlength_m = {a!r}\ncurvature_per_m = {b!r}\nbanking_deg = {c!r}\n" for a, b, c in rows
    )
    course = parse(text)
    assert course.sections == tuple(Section(*row) for row in rows)
    assert [(corner.start_m, corner.end_m) for corner in course.corners] == corners
    assert {key: getattr(course.pit, key) for key in pit if key != "limit_mph"} == {
        key: value for key, value in pit.items() if key != "limit_mph"
    }
    assert (course.name, course.laps, course.pole_lap_s) == ("Oval", laps, None)
    assert course.pit_limit_mps == pytest.approx(limit_mph * MPH_MPS)
    assert course.pace_mps == pytest.approx(45 * MPH_MPS)


PIT_TABLE = CHARLOTTE[CHARLOTTE.index("[pit]") : CHARLOTTE.index("# Turns 1 and 2 are")]
CORNERS = CHARLOTTE[CHARLOTTE.index("[[corner]]") : CHARLOTTE.index("# Front stretch: the second")]
SECTIONS = CHARLOTTE[CHARLOTTE.index("[[section]]") :]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # Missing and unknown keys and tables.
        ("laps = 334", "", "line 1, field laps: is missing"),
        ('name = "Charlotte-like quad-oval"', "", "line 1, field name: is missing"),
        ("pit]\nlimit_mph = 45", "pit]", "field pit.limit_mph: is missing. Write a number from 10 to 100."),
        ("length_m = 80.0\n", "", "field section 2.length_m: is missing"),
        ("grip = 0.95", "", "field corner 1.grip: is missing"),
        ("radius_ft = 685\n", "", "field section 4: has no curvature"),
        ("radius_ft = 685", "radius_ft = 685\nradius_m = 208.8", "field section 4: has radius_m and radius_ft"),
        ("laps = 334", "laps = 334\nlap = 3", "field lap: not a key"),
        ("boxes = 48", "boxes = 48\nbox_count = 4", "field pit.box_count: not a key"),
        ("grip = 1.0", "grip = 1.0\nname = 'T3'", "field corner 2.name: not a key"),
        ("grip = 1.0", "grip = 1.0\n'a\\b\"' = 'T3'", r"""field corner 2.'a\\b"': not a key"""),
        ("length_m = 210.0", "length_m = 210.0\nlength_ft = 3", "field section 1.length_ft: not a key"),
        (PIT_TABLE, "", "line 1, field pit: is missing. Write its numbers under [pit]."),
        (CORNERS, "", "line 1, field corner: is missing. Write each corner under a [[corner]] of its own."),
        (SECTIONS, "", "line 1, field section: is missing"),
        # Wrong types.
        ("laps = 334", "laps = 334.0", "field laps: 334.0 does not do. Write a whole number from 1 to 10000."),
        ("laps = 334", "laps = true", "field laps: true does not do"),
        ("laps = 334", "laps = '334'", "field laps: '334' does not do"),
        ("laps = 334", "laps = [334]", "field laps: an array does not do"),
        ("laps = 334", "laps = {a = 334}", "field laps: a table does not do"),
        ("laps = 334", "laps = 2026-11-24", "field laps: 2026-11-24 does not do"),
        ("grip = 0.95", "grip = false", "field corner 1.grip: false does not do"),
        ('"Charlotte-like quad-oval"', "7", "field name: 7 is not a name"),
        ('"Charlotte-like quad-oval"', "''", "field name: '' is not a name"),
        ('"Charlotte-like quad-oval"', '"a\\u0007"', "field name: 'a\\x07' is not a name"),
        ('"Charlotte-like quad-oval"', f"'{'x' * 65}'", "field name: 65 characters. Write at most 64."),
        (PIT_TABLE, "[[pit]]\nboxes = 3\n", "field pit: an array stands here"),
        (CORNERS, "[corner]\ngrip = 1\n", "field corner: a table stands here"),
        (SECTIONS, "[section]\nlength_m = 1\n", "field section: a table stands here"),
        (SECTIONS, "[section.one]\nlength_m = 1\n", "field section: a table stands here"),
        # Numbers out of bounds.
        ("laps = 334", "laps = 0", "field laps: 0 does not do"),
        ("laps = 334", "laps = 10_001", "field laps: 10001 does not do"),
        ("laps = 334", f"laps = 0x{'f' * 900}", "field laps: a number beyond all bounds does not do"),
        ("pole_lap_s = 29.532", "pole_lap_s = nan", "field pole_lap_s: nan does not do"),
        ("pace_mph = 55", "pace_mph = inf", "field pace_mph: inf does not do"),
        ("pace_mph = 55", "pace_mph = -55", "field pace_mph: -55 does not do"),
        ("pace_mph = 55", "pace_mph = 1e999", "field pace_mph: inf does not do"),
        ("length_m = 457.2", "length_m = nan", "field section 7.length_m: nan does not do"),
        ("length_m = 457.2", "length_m = -inf", "field section 7.length_m: -inf does not do"),
        ("length_m = 457.2", "length_m = 0", "field section 7.length_m: 0 does not do"),
        ("length_m = 457.2", "length_m = 1e300", "field section 7.length_m: 1e+300 does not do"),
        ("banking_deg = 24", "banking_deg = 45.1", "field section 4.banking_deg: 45.1 does not do"),
        ("banking_deg = 24", "banking_deg = -1", "field section 4.banking_deg: -1 does not do"),
        ("radius_ft = 625", "radius_m = 14.9", "field section 8.radius_m: 14.9 does not do"),
        ("radius_ft = 625", "radius_ft = 49", "field section 8.radius_ft: 49 does not do"),
        ("radius_ft = 625", "radius_m = -190", "field section 8.radius_m: -190 does not do"),
        ("radius_ft = 625", "curvature_per_m = 0.067", "field section 8.curvature_per_m: 0.067 does not do"),
        ("radius_ft = 625", "curvature_per_m = -0.005", "field section 8.curvature_per_m: -0.005 does not do"),
        ("boxes = 48", "boxes = 0", "field pit.boxes: 0 does not do"),
        ("box_spacing_m = 10", "box_spacing_m = 9.9", "field pit.box_spacing_m: 9.9 does not do"),
        # The line.
        (
            "radius_ft = 685\nbanking_deg = 24",
            "radius_ft = 685\nbanking_deg = 24\n[[section]]\nlength_m = 1\nradius_m = 15\nbanking_deg = 24",
            "field section 5.length_m: 1 m are too short for the change in curvature",
        ),
        (
            "length_m = 457.2",
            "length_m = 3\ncurvature_per_m = 0\nbanking_deg = 9\n[[section]]\nlength_m = 457.2",
            "field section 7.length_m: 3 m are too short for the change in banking",
        ),
        ("radius_ft = 685", "radius_ft = 684", "field section: the lap turns through 0."),
        ("length_m = 457.2", "length_m = 457.3", "field section: the lap ends "),
        ("length_m = 457.2", "length_m = 9999", "field section: a lap of 11,955.8 m. Make it 400 to 10000 m long."),
        # Corners.
        ("start_m = 1490.472", "start_m = 1000", "field corner 2.start_m: 1000 lies before the end of"),
        ("end_m = 1033.272", "end_m = 300", "field corner 1.end_m: 300 is not between start_m, 301.752,"),
        ("end_m = 2112.264", "end_m = 2500", "field corner 2.end_m: 2500 is not between"),
        # Places.
        ("merged_m = 1230", "merged_m = 200", "field pit.merged_m: pit.merged_m, 200 m, must lie behind"),
        ("merged_m = 1230", "merged_m = 1480", "field pit.leave_m: pit.leave_m, 1480 m, must lie behind pit.merged_m"),
        ("leave_m = 1480", "leave_m = 1700", "field pit.leave_to_m: pit.leave_to_m, 1700 m, must lie behind"),
        ("entry_m = 2090", "entry_m = 1600", "field pit.entry_m: pit.entry_m, 1600 m, must lie behind"),
        ("limit_from_m = 2122", "limit_from_m = 2089", "field pit.limit_from_m: 2089 m lies before pit.entry_m"),
        ("first_box_m = 2150", "first_box_m = 2122", "field pit.first_box_m: pit.first_box_m, 2122 m, must lie"),
        ("boxes = 48", "boxes = 51", "field pit.limit_to_m: pit.limit_to_m, 2642 m, must lie behind the last box"),
        ("limit_to_m = 2642", "limit_to_m = 2700", "field spin_from_m: spin_from_m, 280 m, must lie behind pit.limit_to"),
        ("spin_from_m = 280", "spin_from_m = 1180", "field spin_to_m: spin_to_m, 1180 m, must lie behind spin_from_m"),
        ("spin_to_m = 1180", "spin_to_m = 1480", "field pit.leave_m: pit.leave_m, 1480 m, must lie behind spin_to_m"),
        ("merge_mps = 55", "merge_mps = 20", "field pit.merge_mps: 20 m/s is not above the limit"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_with_line_field_and_what_to_do(old: str, new: str, says: str) -> None:
    assert old in CHARLOTTE
    text = CHARLOTTE.replace(old, new)
    with pytest.raises(TrackError) as caught:
        parse(text)
    message = str(caught.value)
    assert says in message
    assert message.endswith(".")
    assert len(message) < 400
    found = re.match(r"mine\.toml, line (\d+), field (?:(\w+) (\d+)|pit)?\.?('.*'|\w*): .+\. [A-Z]", message)
    assert found
    lines = text.splitlines()
    line, array, place, key = int(found[1]), found[2], found[3], found[4]
    if array:
        assert lines[:line].count(f"[[{array}]]") == int(place)
    # The line of the value, of the table that lacks it, or the first for what stands in no table.
    assert key.strip("'").split("\\")[0] in lines[line - 1] or lines[line - 1].startswith("[") or line == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("laps = 334\nlaps = 335\n", "line 2, column 11: not TOML: Cannot overwrite a value. Mend the line."),
        ("laps = 334\npace_mph 55\n", "line 2, column 10: not TOML: Expected '='"),
        ("laps = 334\n[pit\n", "line 2, column 5: not TOML"),
        ("laps = 334\r\n\r\nname = 'open", "line 3: not TOML: Expected"),
        ("laps = 334\nname = ", "line 2: not TOML: Invalid value"),
        ("laps = [1, 2,\n3", "line 2: not TOML: Unclosed array"),
        ("laps = 0334\n", "line 1, column 9: not TOML"),
        ("\nlaps = " + "9" * 5_000, "line 2: 5,007 characters. Write lines of at most 1,000."),
        (".".join("a" * 30_000) + " = 1", "line 1: 60,003 characters"),
        ("a = " + "'" + "x" * 900 + "\x07'", "line 1, column 906: not TOML"),
        ("[" + "x" * 900 + "]\n" * 2, "line 2, column 1: not TOML"),
        ("[a]\n[a]\n", "line 2, column 3: not TOML: Cannot declare ('a',) twice. Mend the line."),
        ("a = " + "[" * 900, "line 1"),
        ("a = " + "{a = " * 140 + "1" + "}" * 140, "field a: not a key"),
        (".".join("a" * 490) + " = 1", "field a: not a key"),
        ('laps = 334\nname = """\nlong"""\n', "line 2: a value over several lines. Write each value on one line."),
        ("laps = 334\nsection = [\n]\n", "line 2: a value over several lines"),
        ("", "line 1, field section: is missing"),
        ("section = []\ncorner = 1", "line 1, field section: 0 of them. Write 2 to 200."),
        ("section = [1, 2]", "line 1, field section: an array stands here"),
        ("[[section]]\n" * 201, "line 1, field section: 201 of them"),
        (CHARLOTTE.replace(CORNERS, "") + "corner.a = 1", "field section 13.corner: not a key"),
        ("corner = []\n" + CHARLOTTE.replace(CORNERS, ""), "line 1, field corner: 0 of them. Write one for each turn."),
    ],
)  # fmt: skip
def test_what_is_not_toml_or_no_track_is_refused(text: str, says: str) -> None:
    with pytest.raises(TrackError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith("mine.toml")
    assert says in message
    assert message.endswith(".")
    assert len(message) < 400
    assert message.isprintable()


def test_a_file_that_is_not_utf_8_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'laps = 334\nname = "Oval de M\xe9xico"\n')
    with pytest.raises(TrackError, match=r"latin\.toml, line 2, column 18: not UTF-8"):
        load_track(path)


def test_a_file_that_cannot_be_read_or_is_no_track_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match=r"No such file.*Name one of charlotte, half_mile, or a TOML file"):
        load_track(tmp_path / "absent.toml")
    with pytest.raises(TrackError, match="'talladega': No such file"):
        load_track("talladega")
    with pytest.raises(TrackError, match="directory"):
        load_track(tmp_path)
    for nothing in ("", "a\0b", "x" * 5_000):
        with pytest.raises(TrackError, match="Name one of"):
            load_track(nothing)
    path = tmp_path / "huge.toml"
    path.write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(TrackError, match=r"huge\.toml: larger than 64,000 bytes"):
        load_track(path)


def test_a_bad_track_is_bad_usage() -> None:
    assert issubclass(TrackError, UsageError)
    assert TrackError.exit_code == 2


def test_every_way_to_write_a_table_keeps_its_lines() -> None:
    toml = TrackToml(
        "mine.toml",
        "\n".join(
            (
                "# a comment with [pit] in it",
                "name = '[[section]]' # = 3",
                "pit.boxes = 4",
                'corner = [{start_m = 1}, {"end_m" = 2}]',
                "",
                "[[section]]",
                "length_m = 1",
                " [ section . inner ] ",
                "  a . b = 2",
                "[[section]]",
                "[[section.lane]]",
                "[[section.lane]]",
                "c = 3",
            )
        ),
    )
    assert {
        path: toml.line(path)
        for path in (
            ("name",),
            ("pit",),
            ("pit", "boxes"),
            ("pit", "absent"),
            ("corner", 1, "end_m"),
            ("section", 0, "length_m"),
            ("section", 0, "inner", "a", "b"),
            ("section", 1),
            ("section", 1, "lane", 1, "c"),
            ("absent",),
        )
    } == {
        ("name",): 2,
        ("pit",): 3,
        ("pit", "boxes"): 3,
        ("pit", "absent"): 3,
        ("corner", 1, "end_m"): 4,
        ("section", 0, "length_m"): 7,
        ("section", 0, "inner", "a", "b"): 9,
        ("section", 1): 10,
        ("section", 1, "lane", 1, "c"): 13,
        ("absent",): 1,
    }


TOKENS = (
    "0", "1", "-1", "1e999", "nan", "-inf", "true", "2026-11-24", "12:30:00", "''", "'text'", '"\\u0000"', "[]", "{}",
    "[[1]]", "{a = 1}", "0x" + "f" * 900, "9" * 5_000, '"""', "#", "=", "[", "]]", ".", "\x00", "\r", "é", "5000.0",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A packaged file after a few lines were lost, doubled, exchanged or given other values, or bytes changed."""
    lines = draw(st.sampled_from((CHARLOTTE, HALF_MILE))).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        token = draw(st.sampled_from(TOKENS) | st.text(max_size=8) | st.floats().map(repr))
        match draw(st.sampled_from(("lose", "double", "exchange", "value", "key", "insert", "table"))):
            case "lose" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(other, lines[at])
            case "exchange":
                lines[at], lines[other] = lines[other], lines[at]
            case "value":
                lines[at] = f"{lines[at].partition('=')[0]}= {token}"
            case "key":
                lines[at] = f"{token} ={lines[at].partition('=')[2]}"
            case "insert":
                place = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + token + lines[at][place:]
            case _:
                lines.insert(
                    at, draw(st.sampled_from(("[pit]", "[[section]]", "[[corner]]", "[corner]", "[a.b]")))
                )
    data = bytearray("\n".join(lines).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


@given(mutated())
def test_a_damaged_file_is_a_closed_track_or_refused_in_words(data: bytes) -> None:
    try:
        course = parse_course("mine.toml", data)
    except TrackError as error:
        message = str(error)
        assert message.startswith("mine.toml")
        assert message.isprintable()
        assert len(message) < 400
    else:
        assert turned_rad(course.sections) == pytest.approx(2 * math.pi, abs=1e-9)
        assert math.hypot(*gap_m(course.sections)) < 1e-3
        assert course.pit.leave_m < course.pit.entry_m < course.pit.last_box_m < course.pit.limit_to_m
