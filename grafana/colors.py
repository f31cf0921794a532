"""One colour for each make, team, car, flag and measure, the same in every panel of every dashboard.

Makes have colours that stay apart for people who cannot tell red from green. Teams and cars take theirs from their
place on the entry list: each is a golden angle further round the colour circle than the one before, so that
neighbours on the list, who are team-mates, are far apart.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from grafana.fields import Json
from nascar.race.entries import load_entries

MANUFACTURER_COLORS: Final = {"Chevrolet": "#E5B80B", "Ford": "#3274D9", "Toyota": "#E02F44"}
FLAG_COLORS: Final = {
    "green": "#37872D",
    "yellow": "#E5B80B",
    "red": "#C4162A",
    "white": "#D8D9DA",
    "checkered": "#73747A",
}
TIRE_COLORS: Final = {"lf": "#5794F2", "rf": "#F2495C", "lr": "#73BF69", "rr": "#FF9830"}
"""By corner, looking from above with the nose up."""

MEASURE_COLORS: Final = {
    "speed_mph": "#73BF69",
    "rpm": "#F2495C",
    "throttle_position": "#5794F2",
    "fuel_level": "#FF9830",
    "avg_speed": "#73BF69",
    "max_speed": "#37872D",
    "avg_tire_temp": "#FF9830",
    "hottest_tire_temp": "#F2495C",
    "avg_tire_pressure": "#5794F2",
    "max_lateral_g": "#8F3BB8",
    "avg_lateral_g": "#CA95E5",
    "max_longitudinal_g": "#5794F2",
}
"""One colour per measure, wherever several are drawn in one panel."""

_GOLDEN_ANGLE: Final = 0.618033988749895
_LIGHTNESSES: Final = (0.62, 0.50, 0.74)


@cache
def car_colors() -> Mapping[int, str]:
    """By car number, for the entry list that comes with the demo."""
    return {entry.car_number: _color(place) for place, entry in enumerate(load_entries())}


@cache
def driver_colors() -> Mapping[str, str]:
    """The car's colour by its driver's name."""
    return {entry.driver: car_colors()[entry.car_number] for entry in load_entries()}


@cache
def team_colors() -> Mapping[str, str]:
    """By team: teams have a circle of their own, from its opposite side on."""
    teams = dict.fromkeys(entry.team for entry in load_entries())
    return {team: _color(place, turn=0.5) for place, team in enumerate(teams)}


def fixed(color: str) -> Json:
    """A field's colour, whatever its value."""
    return {"mode": "fixed", "fixedColor": color}


def value_colors(colors: Mapping[Any, str], texts: Mapping[Any, str] | None = None) -> list[Json]:
    """Grafana's value mappings: each value in its colour, and as its text if `texts` has one."""
    texts = texts or {}
    options = {
        str(value): {"color": color, "index": index, **({"text": texts[value]} if value in texts else {})}
        for index, (value, color) in enumerate(colors.items())
    }
    return [{"type": "value", "options": options}]


def series_colors(colors: Mapping[str, str], names: Iterable[str] | None = None) -> list[Json]:
    """Overrides that give a series its colour by the end of its name: ``Gap Marlow Tennant``, ``Marlow Tennant``."""
    chosen = colors.keys() if names is None else names
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/{_escaped(name)}$/"},
            "properties": [{"id": "color", "value": fixed(colors[name])}],
        }
        for name in chosen
    ]


def _escaped(name: str) -> str:
    """`name` as a regular expression of JavaScript, between slashes."""
    return "".join(f"\\{char}" if char in r"\^$.|?*+()[]{}/" else char for char in name)


def _color(place: int, turn: float = 0.0) -> str:
    hue = (place * _GOLDEN_ANGLE + turn) % 1.0
    red, green, blue = colorsys.hls_to_rgb(hue, _LIGHTNESSES[place % len(_LIGHTNESSES)], 0.72)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"
