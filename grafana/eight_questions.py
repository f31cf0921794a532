"""The home dashboard: the eight published questions, one panel each, on one page."""

from __future__ import annotations

from typing import Final

from grafana.panel_sql import PUBLISHED_CAR, panel_questions
from grafana.panels import Frame, Json, Place, bar_chart, bar_gauge, table, time_series, trend

UID: Final = "nascar-race"
TITLE: Final = "NASCAR Race Telemetry"
REFRESH: Final = "5s"
"""Every panel can answer within it at the full rate on two cores; a shorter one starves the last ones."""

CAR_NUMBERS: Final = tuple(range(1, 41))
"""Cars to choose from: the entry list that comes with the demo; any other number can be typed in."""

_PLACES: Final = {
    1: Place(x=0, y=0, w=8, h=13),
    2: Place(x=8, y=0, w=16, h=7),
    3: Place(x=16, y=7, w=8, h=6),
    4: Place(x=8, y=7, w=8, h=6),
    5: Place(x=0, y=13, w=7, h=11),
    6: Place(x=7, y=13, w=5, h=11),
    7: Place(x=12, y=13, w=7, h=11),
    8: Place(x=19, y=13, w=5, h=11),
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
    chosen = str(PUBLISHED_CAR)
    return {
        "name": "car",
        "label": "Car",
        "description": "The car that Speed Over Time and Tire Degradation Analysis look at",
        "type": "custom",
        "query": ",".join(map(str, CAR_NUMBERS)),
        "options": [
            {"text": str(number), "value": str(number), "selected": str(number) == chosen}
            for number in CAR_NUMBERS
        ],
        "current": {"text": chosen, "value": chosen, "selected": True},
        "multi": False,
        "includeAll": False,
        "allowCustomValue": True,
        "hide": 0,
        "skipUrlSync": False,
    }
