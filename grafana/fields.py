"""How a column is written: its name for people, Grafana's unit, the decimals worth showing, and overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grafana.answers import SUFFIXES, AnswerColumn
from nascar.telemetry.columns import Kind

Json = dict[str, Any]

UNITS: Final = {
    "": ("none", 0),
    "lap": ("none", 0),
    "mph": ("velocitymph", 1),
    "rpm": ("rotrpm", 0),
    "%": ("percent", 1),
    "g": ("accG", 2),
    "gal": ("gallons", 2),
    "gal/lap": ("suffix:gal/lap", 3),
    "°F": ("fahrenheit", 1),
    "°": ("degree", 1),
    # Grafana's own units for these turn 1200 psi into 1.20ksi, a gap of 95 s into 1.58 mins, 1500 m into 1.50 km.
    "psi": ("suffix:psi", 1),
    "in": ("suffix:in", 2),
    "s": ("suffix:s", 3),
    "s/lap": ("suffix:s/lap", 3),
    "m": ("suffix:m", 0),
    "ms": ("ms", 1),
    "rows/s": ("rowsps", 1),
    "rows": ("locale", 0),
    "MB/s": ("MBs", 1),
    "MB": ("decmbytes", 0),
    "cores": ("suffix:cores", 2),
}
"""Grafana's unit and the decimals worth showing, by the schema's unit."""

_WORDS: Final = {
    "avg": "average",
    "max": "highest",
    "min": "lowest",
    "rpm": "RPM",
    "cpu": "CPU",
    "g": "g",
    "lf": "left front",
    "rf": "right front",
    "lr": "left rear",
    "rr": "right rear",
    "number": "",
    "p50": "P50",
    "p95": "P95",
    "p99": "P99",
}
_UNIT_WORDS: Final = frozenset(SUFFIXES) - {"laps", "lap", "rows", "cores", "rpm", "g"}
"""Ends of a name that its unit says already; the others are part of what it is called."""


def meaning(column: AnswerColumn, settings: Mapping[str, Any] | None = None) -> Json:
    """Name, unit and decimals of a column, with `settings` over what is derived.

    Raises ValueError for a number whose unit nobody knows.
    """
    settings = settings or {}
    derived: Json = {"displayName": label(column.name)}
    if column.kind in (Kind.INT, Kind.FLOAT):
        if column.unit is None and "unit" not in settings:
            raise ValueError(f"no unit for {column.name!r}: let its name end in one, or set it")
        if column.unit is not None:
            unit, decimals = UNITS[column.unit]
            derived |= {"unit": unit, "decimals": 0 if column.kind is Kind.INT else decimals}
    return {**derived, **settings}


def label(name: str) -> str:
    """A column's name for people: last_lap_s is "Last lap", avg_speed "Average speed", lf_temp_f "Left front temp"."""
    for suffix in SUFFIXES:
        if suffix in _UNIT_WORDS and name.endswith(f"_{suffix}"):
            name = name.removesuffix(f"_{suffix}")
            break
    words = " ".join(filter(None, (_WORDS.get(word, word) for word in name.split("_"))))
    return words[:1].upper() + words[1:]


def override(name: str, properties: Mapping[str, Any]) -> Json:
    """Field settings for the column `name`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def thresholds(base: str, *steps: tuple[float, str]) -> Json:
    """Field settings: `base` below the first step, then each step's colour from its value on."""
    return {
        "color": {"mode": "thresholds"},
        "thresholds": {
            "mode": "absolute",
            "steps": [
                {"color": base, "value": None},
                *({"color": color, "value": value} for value, color in steps),
            ],
        },
    }
