"""The track file: a course in TOML, read and checked.

Numbers carry their unit in the name of the key; distances count from the start line along the centre line.
`tracks/charlotte.toml` shows every key.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from nascar.errors import TrackError
from nascar.race.car import MPH_MPS
from nascar.race.course import FT_M, Corner, Course, PitRoad, Section, gap_m, turned_rad
from nascar.race.rules import MOST_LAPS
from nascar.race.text_file import decode
from nascar.race.track_toml import Keys, TrackToml, shown

TRACKS: Final = ("charlotte", "half_mile")
"""Names of the packaged tracks; the first is raced on unless another is asked for."""

LARGEST_FILE_BYTES: Final = 64_000
LONGEST_NAME: Final = 64
MOST_SECTIONS: Final = 200
SHORTEST_LAP_M: Final = 400.0
LONGEST_LAP_M: Final = 10_000.0
TIGHTEST_M: Final = 15.0
STEEPEST_DEG: Final = 45.0
HEADING_WITHIN_RAD: Final = 1e-9
CLOSES_WITHIN_M: Final = 1e-3

_BENDS_PER_M: Final = 2e-3
"""Curvature may move so much in a metre of a section: no driver turns the wheel faster."""
_TILTS_DEG_PER_M: Final = 1.0
_WIDEST_M: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class _Number:
    """What a number may be."""

    low: float
    high: float
    whole: bool = False
    needed: bool = True


_DISTANCE: Final = _Number(0.0, 2 * LONGEST_LAP_M)
_TRACK: Final[Mapping[str, _Number]] = {
    "laps": _Number(1, MOST_LAPS, whole=True),
    "pole_lap_s": _Number(5.0, 600.0, needed=False),
    "pace_mph": _Number(10.0, 120.0),
    "spin_from_m": _DISTANCE,
    "spin_to_m": _DISTANCE,
}
_PIT: Final[Mapping[str, _Number]] = {
    "limit_mph": _Number(10.0, 100.0),
    "merge_mps": _Number(5.0, 100.0),
    "merged_m": _DISTANCE,
    "leave_m": _DISTANCE,
    "leave_to_m": _DISTANCE,
    "entry_m": _DISTANCE,
    "limit_from_m": _DISTANCE,
    "first_box_m": _DISTANCE,
    "box_spacing_m": _Number(10.0, 50.0),
    "boxes": _Number(1, 128, whole=True),
    "limit_to_m": _DISTANCE,
}
_CORNER: Final[Mapping[str, _Number]] = {
    "start_m": _DISTANCE,
    "end_m": _DISTANCE,
    "grip": _Number(0.5, 1.5),
}
_SECTION: Final[Mapping[str, _Number]] = {
    "length_m": _Number(1.0, LONGEST_LAP_M),
    "curvature_per_m": _Number(0.0, 1 / TIGHTEST_M, needed=False),
    "radius_m": _Number(TIGHTEST_M, _WIDEST_M, needed=False),
    "radius_ft": _Number(TIGHTEST_M / FT_M, _WIDEST_M / FT_M, needed=False),
    "banking_deg": _Number(0.0, STEEPEST_DEG),
}
_ORDER: Final = (
    ("pit.limit_to_m in the next lap", "pit.merged_m", "pit.leave_m", "pit.leave_to_m", "pit.entry_m"),
    ("pit.limit_from_m", "pit.first_box_m"),
    ("the last box", "pit.limit_to_m"),
    ("pit.limit_from_m", "the end of the lap", "pit.limit_to_m"),
    ("pit.limit_to_m in the next lap", "spin_from_m", "spin_to_m", "pit.leave_m"),
)
"""Places on the lap, in rows from the first to the last."""
_TABLES: Final = ("pit", "corner", "section")


def read_course(track: str | Path) -> Course:
    """The course of a packaged track by its name, or of a UTF-8 TOML file by its path.

    Raises `TrackError`.
    """
    if str(track) in TRACKS:
        packaged = resources.files("nascar.race") / "tracks" / f"{track}.toml"
        return parse_course(f"{track}.toml", packaged.read_bytes())
    path = Path(track)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise TrackError(
            f"{shown(str(track))}: {reason}. Name one of {', '.join(TRACKS)}, or a TOML file that can be read."
        ) from error
    return parse_course(str(path), data)


def parse_course(name: str, data: bytes) -> Course:
    """The course in the bytes of a track file that messages call `name`. Raises `TrackError`."""
    toml = TrackToml(name, decode(name, data, LARGEST_FILE_BYTES, TrackError, "--track a track file"))
    _known(toml, (), toml.tables, ("name", *_TRACK, *_TABLES))
    sections = _sections(toml)
    _check_closed(toml, sections)
    length_m = math.fsum(section.length_m for section in sections)
    track = _numbers(toml, (), toml.tables, _TRACK)
    pit = _numbers(toml, ("pit",), _table(toml, "pit"), _PIT)
    course = Course(
        name=_text(toml),
        sections=sections,
        corners=_corners(toml, length_m),
        pit=PitRoad(
            leave_m=pit["leave_m"],
            leave_to_m=pit["leave_to_m"],
            entry_m=pit["entry_m"],
            limit_from_m=pit["limit_from_m"],
            limit_to_m=pit["limit_to_m"],
            first_box_m=pit["first_box_m"],
            box_spacing_m=pit["box_spacing_m"],
            boxes=int(pit["boxes"]),
            merged_m=pit["merged_m"],
            merge_mps=pit["merge_mps"],
        ),
        laps=int(track["laps"]),
        pace_mps=track["pace_mph"] * MPH_MPS,
        pit_limit_mps=pit["limit_mph"] * MPH_MPS,
        pole_lap_s=track.get("pole_lap_s"),
        spin_from_m=track["spin_from_m"],
        spin_to_m=track["spin_to_m"],
    )
    _check_places(toml, course, length_m)
    return course


def parse_sections(name: str, data: bytes) -> tuple[Section, ...]:
    """The sections alone, whether they close or not. Raises `TrackError`."""
    return _sections(
        TrackToml(name, decode(name, data, LARGEST_FILE_BYTES, TrackError, "--track a track file"))
    )


def _sections(toml: TrackToml) -> tuple[Section, ...]:
    rows = _array(toml, "section")
    if not 2 <= len(rows) <= MOST_SECTIONS:
        raise toml.error(("section",), f"{len(rows)} of them. Write 2 to {MOST_SECTIONS}.")
    sections = []
    for index, row in enumerate(rows):
        path = ("section", index)
        numbers = _numbers(toml, path, row, _SECTION)
        bends = [key for key in ("curvature_per_m", "radius_m", "radius_ft") if key in numbers]
        if len(bends) != 1:
            found = f"has {' and '.join(bends)}" if bends else "has no curvature at its end"
            raise toml.error(path, f"{found}. Write one of curvature_per_m, radius_m and radius_ft.")
        bend = numbers[bends[0]]
        if bends[0] == "radius_m":
            bend = 1 / bend
        elif bends[0] == "radius_ft":
            bend = 1 / (bend * FT_M)
        sections.append(Section(numbers["length_m"], bend, numbers["banking_deg"]))
    for index, (before, here) in enumerate(pairwise((sections[-1], *sections))):
        bends_per_m = abs(here.curvature_per_m - before.curvature_per_m) / here.length_m
        tilts_per_m = abs(here.banking_deg - before.banking_deg) / here.length_m
        if bends_per_m > _BENDS_PER_M or tilts_per_m > _TILTS_DEG_PER_M:
            what = "curvature" if bends_per_m > _BENDS_PER_M else "banking"
            raise toml.error(
                ("section", index, "length_m"),
                f"{here.length_m:g} m are too short for the change in {what}. Make the section longer.",
            )
    return tuple(sections)


def _check_closed(toml: TrackToml, sections: tuple[Section, ...]) -> None:
    length_m = math.fsum(section.length_m for section in sections)
    if not SHORTEST_LAP_M <= length_m <= LONGEST_LAP_M:
        raise toml.error(
            ("section",),
            f"a lap of {length_m:,.1f} m. Make it {SHORTEST_LAP_M:g} to {LONGEST_LAP_M:g} m long.",
        )
    over_rad = turned_rad(sections) - 2 * math.pi
    if abs(over_rad) > HEADING_WITHIN_RAD:
        raise toml.error(
            ("section",),
            f"the lap turns through {abs(over_rad):.3g} rad ({math.degrees(abs(over_rad)):.3g}°) "
            f"{'more' if over_rad > 0 else 'less'} than a full turn. "
            "Change lengths or curvatures until it closes; scripts/close_track.py does that.",
        )
    x_m, y_m = gap_m(sections)
    if math.hypot(x_m, y_m) > CLOSES_WITHIN_M:
        raise toml.error(
            ("section",),
            f"the lap ends {x_m:+.4g} m ahead of its start and {y_m:+.4g} m to the left. "
            "Change lengths or curvatures until it closes; scripts/close_track.py does that.",
        )


def _corners(toml: TrackToml, length_m: float) -> tuple[Corner, ...]:
    rows = _array(toml, "corner")
    if not 1 <= len(rows) <= MOST_SECTIONS:
        raise toml.error(("corner",), f"{len(rows)} of them. Write one for each turn.")
    corners = tuple(
        Corner(**_numbers(toml, ("corner", index), row, _CORNER)) for index, row in enumerate(rows)
    )
    ends_m = 0.0
    for index, corner in enumerate(corners):
        if corner.start_m < ends_m:
            raise toml.error(
                ("corner", index, "start_m"),
                f"{corner.start_m:g} lies before the end of the corner before. Write corners in order.",
            )
        if not corner.start_m < corner.end_m < length_m:
            raise toml.error(
                ("corner", index, "end_m"),
                f"{corner.end_m:g} is not between start_m, {corner.start_m:g}, and the lap's {length_m:g} m. "
                "Let a corner end after its start and before the start line.",
            )
        ends_m = corner.end_m
    return corners


def _check_places(toml: TrackToml, course: Course, length_m: float) -> None:
    """Pit road and the room for spins lie in order around the lap."""
    pit = course.pit
    places: dict[str, tuple[float, Keys]] = {
        "spin_from_m": (course.spin_from_m, ("spin_from_m",)),
        "spin_to_m": (course.spin_to_m, ("spin_to_m",)),
        "the last box": (pit.last_box_m, ("pit", "boxes")),
        "the end of the lap": (length_m, ("section",)),
        "pit.limit_to_m in the next lap": (pit.limit_to_m - length_m, ("pit", "limit_to_m")),
    }
    places |= {
        f"pit.{key}": (getattr(pit, key), ("pit", key)) for key, field in _PIT.items() if field is _DISTANCE
    }
    for names in _ORDER:
        for before, after in pairwise(names):
            (first_m, first), (then_m, then) = places[before], places[after]
            if not first_m < then_m:
                raise toml.error(
                    then,
                    f"{after}, {then_m:g} m, must lie behind {before}, {first_m:g} m (line {toml.line(first)}). "
                    "Move one of them.",
                )
    if pit.entry_m > pit.limit_from_m:
        raise toml.error(
            ("pit", "limit_from_m"),
            f"{pit.limit_from_m:g} m lies before pit.entry_m, {pit.entry_m:g} m (line {toml.line(('pit', 'entry_m'))}). "
            "Let the limit begin on pit road.",
        )
    if pit.merge_mps <= course.pit_limit_mps:
        raise toml.error(
            ("pit", "merge_mps"),
            f"{pit.merge_mps:g} m/s is not above the limit on pit road, {course.pit_limit_mps:.4g} m/s. "
            "Let cars gain speed before they join the others.",
        )


def _text(toml: TrackToml) -> str:
    value = toml.tables.get("name")
    if value is None:
        raise toml.error(("name",), "is missing. Write what the track is called.")
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise toml.error(("name",), f"{shown(value)} is not a name. Write printable text in quotation marks.")
    if len(value) > LONGEST_NAME:
        raise toml.error(("name",), f"{len(value)} characters. Write at most {LONGEST_NAME}.")
    return value


def _table(toml: TrackToml, key: str) -> dict[str, Any]:
    value = toml.tables.get(key)
    if not isinstance(value, dict):
        raise toml.error((key,), f"{_found(value)}. Write its numbers under [{key}].")
    return value


def _array(toml: TrackToml, key: str) -> list[dict[str, Any]]:
    value = toml.tables.get(key)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise toml.error((key,), f"{_found(value)}. Write each {key} under a [[{key}]] of its own.")
    return value


def _found(value: object) -> str:
    return "is missing" if value is None else f"{shown(value)} stands here"


def _known(toml: TrackToml, path: Keys, table: dict[str, Any], keys: Iterable[str]) -> None:
    keys = tuple(keys)
    for key in table:
        if key not in keys:
            raise toml.error((*path, key), f"not a key of a track file. Here stand {', '.join(keys)}.")


def _numbers(
    toml: TrackToml, path: Keys, table: dict[str, Any], fields: Mapping[str, _Number]
) -> dict[str, float]:
    """The numbers of a table, each within its bounds; what is not needed and not there is left out."""
    if path:
        _known(toml, path, table, fields)
    numbers = {}
    for key, field in fields.items():
        value = table.get(key)
        if value is None:
            if field.needed:
                raise toml.error((*path, key), f"is missing. Write {_wanted(field)}.")
            continue
        kinds = int if field.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not field.low <= value <= field.high:
            raise toml.error((*path, key), f"{shown(value)} does not do. Write {_wanted(field)}.")
        numbers[key] = float(value)
    return numbers


def _wanted(field: _Number) -> str:
    return f"a {'whole ' * field.whole}number from {field.low:g} to {field.high:g}"
