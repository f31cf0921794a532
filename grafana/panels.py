"""Panels as Grafana's classic dashboard JSON: one function per panel type, units from the schema.

The options are those that were seen to render; what Grafana fills in by itself is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana.panel_sql import AnswerColumn, answer_columns, panel_sql, panel_text
from nascar.questions import Question
from nascar.telemetry.schema import Kind

Json = dict[str, Any]

DATASOURCE: Final = {"type": "basekick-arc-datasource", "uid": "arc"}

MANUFACTURER_COLORS: Final = {"Chevrolet": "#E5B80B", "Ford": "#3274D9", "Toyota": "#E02F44"}
"""One colour per make, the same everywhere."""

COLUMN_COLORS: Final = {
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

UNITS: Final = {
    "": ("none", 0),
    "lap": ("none", 0),
    "mph": ("velocitymph", 1),
    "rpm": ("rotrpm", 0),
    "%": ("percent", 1),
    "g": ("accG", 2),
    "gal": ("gallons", 2),
    "°F": ("fahrenheit", 1),
    "°": ("degree", 1),
    # Grafana's own psi turns 1200 into 1.20ksi.
    "psi": ("suffix: psi", 1),
    "in": ("suffix: in", 2),
}
"""Grafana's unit and the decimals worth showing, by the schema's unit."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands on the grid of 24 columns."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What every panel needs, whatever its type."""

    question: Question
    place: Place
    grafana_version: str

    @property
    def columns(self) -> tuple[AnswerColumn, ...]:
        return answer_columns(self.question.sql)

    def panel(
        self,
        kind: str,
        options: Json,
        properties: Mapping[str, Json],
        *,
        defaults: Json | None = None,
        transformations: Sequence[Json] = (),
    ) -> Json:
        """A panel of type `kind`; `properties` are further field settings of the columns that it draws."""
        return {
            "id": self.question.number,
            "type": kind,
            "pluginVersion": self.grafana_version,
            "title": panel_text(self.question.title),
            "description": panel_text(self.question.shows),
            "gridPos": {"x": self.place.x, "y": self.place.y, "w": self.place.w, "h": self.place.h},
            "datasource": DATASOURCE,
            "timeFrom": _duration(self.question.window_s),
            "targets": [
                {
                    "refId": "A",
                    "datasource": DATASOURCE,
                    "sql": panel_sql(self.question),
                    "format": "table",
                    "rawQuery": True,
                    "splitDuration": "off",
                }
            ],
            "transformations": list(transformations),
            "fieldConfig": {
                "defaults": {"noValue": "waiting for data", **(defaults or {})},
                "overrides": [
                    _override(column.name, {**_meaning(column), **properties[column.name]})
                    for column in self.columns
                    if column.name in properties
                ],
            },
            "options": options,
        }


def table(frame: Frame, gauges: Iterable[str], widths: Mapping[str, int]) -> Json:
    """Rows as they come; `gauges` are drawn as bars over their sensor's range, makes in their colour."""
    properties: dict[str, Json] = {column.name: {} for column in frame.columns}
    ranges = {column.name: column.source.range for column in frame.columns if column.source}
    for name, width in widths.items():
        properties[name]["custom.width"] = width
    for name in gauges:
        low, high = ranges[name] or (0, 100)
        properties[name] |= {
            "min": low,
            "max": high,
            "color": {"mode": "continuous-GrYlRd"},
            "custom.cellOptions": {"type": "gauge", "mode": "gradient", "valueDisplayMode": "text"},
        }
    properties["manufacturer"] |= {
        "mappings": [
            {
                "type": "value",
                "options": {
                    make: {"color": color, "index": index, "text": make}
                    for index, (make, color) in enumerate(MANUFACTURER_COLORS.items())
                },
            }
        ],
        "custom.cellOptions": {"type": "color-background", "mode": "basic"},
    }
    return frame.panel("table", {"showHeader": True, "cellHeight": "lg"}, properties)


def time_series(frame: Frame, axes: Mapping[str, str]) -> Json:
    """Lines over time; `axes` names the drawn columns and the side of each one's axis."""
    return frame.panel(
        "timeseries",
        {
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": ["last"]},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        _lines(axes),
        defaults={"custom": {"drawStyle": "line", "lineWidth": 1, "showPoints": "never", "spanNulls": False}},
        transformations=[_only("time", *axes), _ascending("time")],
    )


def trend(frame: Frame, x: str, axes: Mapping[str, str]) -> Json:
    """Lines over a number that is not time."""
    return frame.panel(
        "trend",
        {
            "xField": x,
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": ["last"]},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        # Under its own name: the option xField looks for that.
        {x: {"displayName": x}, **_lines(axes)},
        # A race begins with one lap, which only a point can show.
        defaults={"custom": {"drawStyle": "line", "lineWidth": 2, "showPoints": "always", "pointSize": 4}},
        transformations=[_only(x, *axes), _ascending(x)],
    )


def bar_gauge(frame: Frame, value: str, properties: Json, limit: int = 10) -> Json:
    """One bar per row, labelled with car number and driver."""
    label = "#${__data.fields.car_number} ${__data.fields.driver}"
    return frame.panel(
        "bargauge",
        {
            "displayMode": "gradient",
            "orientation": "horizontal",
            "valueMode": "color",
            "showUnfilled": True,
            "namePlacement": "left",
            "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "fields": "", "limit": limit},
        },
        {value: {**properties, "displayName": label}},
        transformations=[_as_text("car_number"), _only("car_number", "driver", value)],
    )


def bar_chart(frame: Frame, x: str, values: Sequence[str]) -> Json:
    """Bars of one unit side by side for each `x`, lying so that names can be read."""
    return frame.panel(
        "barchart",
        {
            "xField": x,
            "orientation": "horizontal",
            "groupWidth": 0.8,
            "barWidth": 0.9,
            "stacking": "none",
            "showValue": "auto",
            "text": {"valueSize": 10},
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        {name: {"color": _fixed(name)} for name in values},
        defaults={"min": 0, "custom": {"fillOpacity": 80, "lineWidth": 0, "axisPlacement": "auto"}},
        transformations=[_only(x, *values)],
    )


def _meaning(column: AnswerColumn) -> Json:
    """Name, unit and decimals of a column, from the schema."""
    label = {"displayName": _label(column.name)}
    if column.is_count:
        return {**label, "unit": "short"}
    if column.source is None or column.source.kind is Kind.TEXT:
        return label
    unit, decimals = UNITS[column.source.unit]
    whole = column.source.kind is Kind.INT and not column.is_mean
    return {**label, "unit": unit, "decimals": 0 if whole else decimals}


def _label(name: str) -> str:
    """A column's name for people: avg_speed is "Average speed", speed_mph "Speed"; units go to the axis."""
    spelled = {"avg": "average", "rpm": "RPM", "mph": "", "number": ""}
    words = " ".join(filter(None, (spelled.get(word, word) for word in name.split("_"))))
    return words[:1].upper() + words[1:]


def _lines(axes: Mapping[str, str]) -> dict[str, Json]:
    """Colour and axis of each drawn column."""
    return {name: {"color": _fixed(name), "custom.axisPlacement": side} for name, side in axes.items()}


def _override(name: str, properties: Json) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def _fixed(name: str) -> Json:
    return {"mode": "fixed", "fixedColor": COLUMN_COLORS[name]}


def _only(*names: str) -> Json:
    return {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}}


def _ascending(name: str) -> Json:
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": name, "desc": False}]}}


def _as_text(name: str) -> Json:
    conversion = {"targetField": name, "destinationType": "string"}
    return {"id": "convertFieldType", "options": {"fields": {}, "conversions": [conversion]}}


def _duration(seconds: int) -> str:
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"
