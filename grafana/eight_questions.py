"""The home dashboard: the eight published questions, one panel each, on one page."""

from __future__ import annotations

from typing import Final

from grafana.panel_sql import PUBLISHED_CAR, panel_questions
from grafana.panels import Frame, Json, Place, bar_chart, bar_gauge, table, time_series, trend
from nascar.race.entries import Entry, load_entries

UID: Final = "nascar-race"
TITLE: Final = "NASCAR Race Telemetry"
REFRESH: Final = "5s"
"""Every panel can answer within it at the full rate on two cores; a shorter one starves the last ones."""

_PLACES: Final = {
    1: Place(x=0, y=0, w=8, h=17),
    2: Place(x=8, y=0, w=10, h=8),
    3: Place(x=0, y=17, w=8, h=7),
    4: Place(x=8, y=8, w=10, h=6),
    5: Place(x=8, y=14, w=5, h=10),
    6: Place(x=13, y=14, w=5, h=10),
    7: Place(x=18, y=0, w=6, h=14),
    8: Place(x=18, y=14, w=6, h=10),
}
"""By number of the question. 24 rows fill a screen of 1920×1080 and need no scrolling."""


def eight_questions(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version."""
    frames = {q.number: Frame(q, _PLACES[q.number], grafana_version) for q in panel_questions()}
    panels = [
        table(frames[1], gauges=["avg_speed"], widths={"car_number": 50, "manufacturer": 105}),
        time_series(
            frames[2],
            {"speed_mph": "left", "rpm": "right", "throttle_position": "hidden", "fuel_level": "hidden"},
        ),
        table(frames[3], gauges=["avg_speed", "avg_throttle"], widths={"manufacturer": 105}),
        trend(
            frames[4],
            "lap",
            {"avg_tire_temp": "left", "hottest_tire_temp": "left", "avg_tire_pressure": "right"},
        ),
        bar_chart(frames[5], "driver", ["max_lateral_g", "avg_lateral_g", "max_longitudinal_g"]),
        bar_gauge(
            frames[6],
            "avg_fuel_level",
            {
                "min": 0,
                "max": 20,
                "color": {"mode": "thresholds"},
                # About two laps, and about a fifth of a stint, at 0.294 gallons a lap under green.
                "thresholds": {
                    "mode": "absolute",
                    "steps": [
                        {"color": "red", "value": None},
                        {"color": "orange", "value": 0.6},
                        {"color": "green", "value": 4},
                    ],
                },
            },
        ),
        bar_chart(frames[7], "team", ["avg_speed", "max_speed"]),
        bar_gauge(frames[8], "heavy_brake_events", {"min": 0, "color": {"mode": "continuous-YlRd"}}),
    ]
    return {
        "id": None,
        "uid": UID,
        "title": TITLE,
        "description": "Eight questions to a live race, each asked of Arc every few seconds.",
        "tags": ["nascar", "arc"],
        "schemaVersion": 41,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-5m", "to": "now"},
        "refresh": REFRESH,
        "timepicker": {"refresh_intervals": ["1s", "2s", "5s", "10s", "30s", "1m"]},
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": [_car_variable()]},
        "panels": panels,
    }


def _car_variable() -> Json:
    """The cars of the entry list that comes with the demo; any other number can be typed in."""
    names = {str(e.car_number): f"#{e.car_number} {e.driver}" for e in sorted(load_entries(), key=_number)}
    chosen = str(PUBLISHED_CAR)
    return {
        "name": "car",
        "label": "Car",
        "description": "The car that Speed Over Time and Tire Degradation Analysis look at",
        "type": "custom",
        "query": ", ".join(f"{name} : {number}" for number, name in names.items()),
        "options": [
            {"text": name, "value": number, "selected": number == chosen} for number, name in names.items()
        ],
        "current": {"text": names[chosen], "value": chosen, "selected": True},
        "multi": False,
        "includeAll": False,
        "allowCustomValue": True,
        "hide": 0,
        "skipUrlSync": False,
    }


def _number(entry: Entry) -> int:
    return entry.car_number
