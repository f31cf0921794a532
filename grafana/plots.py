"""Plots of one number against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana.panels import Frame, Json, legend


@dataclass(frozen=True, slots=True)
class Series:
    """Points or a line of one plot: `x` and `y` are columns of the query `query`, counted from 0."""

    name: str
    x: str
    y: str
    query: int = 0
    color_by: str | None = None
    """A column of numbers whose mappings or thresholds colour each point."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Field settings of `y`: its colour, ``custom.show`` (points, lines, points+lines), ``custom.pointSize`` …"""


def xy_chart(
    frame: Frame,
    series: Sequence[Series],
    *,
    settings: Mapping[str, Json] | None = None,
    custom: Mapping[str, Any] | None = None,
    shown: bool = True,
) -> Json:
    """A plot; `settings` are field settings by column, of the axes for instance, `custom` those of all columns.

    A column that is not drawn shows up in the tooltip. No `y` may be NULL: Grafana draws that as 0.
    """
    fields: dict[str, Json] = {name: {} for name in frame.columns}
    for one in series:
        fields[one.y] |= one.settings
    for name, setting in (settings or {}).items():
        fields[name] |= setting
    return frame.panel(
        "xychart",
        {
            "mapping": "manual",
            "series": [_mapping(one) for one in series],
            "legend": legend(shown=shown),
            "tooltip": {"mode": "single", "sort": "none"},
        },
        fields,
        defaults={"custom": {"show": "points", "pointSize": {"fixed": 4}, **(custom or {})}},
    )


def _mapping(one: Series) -> Json:
    mapping = {
        "name": {"fixed": one.name},
        "frame": {"matcher": {"id": "byIndex", "options": one.query}},
        "x": _by_name(one.x),
        "y": _by_name(one.y),
    }
    return {**mapping, "color": _by_name(one.color_by)} if one.color_by else mapping


def _by_name(name: str) -> Json:
    return {"matcher": {"id": "byName", "options": name}}
