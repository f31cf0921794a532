"""The eight published questions, one panel each, on one page."""

from __future__ import annotations

from typing import Final

from grafana.bars import bar_chart, bar_gauge
from grafana.dashboard import dashboard
from grafana.fields import thresholds
from grafana.lines import time_series, trend
from grafana.links import QUESTIONS
from grafana.panel_sql import question_panels
from grafana.panels import Frame, Json, Place
from grafana.tables import table
from grafana.variables import car_variable

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
"""By number of the question. They fill a screen of 1920×1080 and need no scrolling."""


def build(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version. The id of a panel is the number of its question."""
    frames = {number: Frame(query, _PLACES[number]) for number, query in question_panels().items()}
    panels = [
        table(frames[1], gauges=["avg_speed"], widths={"car_number": 50, "manufacturer": 105}, height="lg"),
        time_series(
            frames[2],
            {"speed_mph": "left", "rpm": "right", "throttle_position": "hidden", "fuel_level": "hidden"},
            custom={"lineWidth": 1},
        ),
        table(frames[3], gauges=["avg_speed", "avg_throttle"], widths={"manufacturer": 105}, height="lg"),
        trend(
            frames[4],
            "lap",
            {"avg_tire_temp": "left", "hottest_tire_temp": "left", "avg_tire_pressure": "right"},
        ),
        bar_chart(frames[5], "driver", ["max_lateral_g", "avg_lateral_g", "max_longitudinal_g"]),
        # About two laps, and about a fifth of a stint, at 0.294 gallons a lap under green.
        bar_gauge(
            frames[6],
            "avg_fuel_level",
            {"min": 0, "max": 20, **thresholds("red", (0.6, "orange"), (4, "green"))},
        ),
        bar_chart(frames[7], "team", ["avg_speed", "max_speed"]),
        bar_gauge(frames[8], "heavy_brake_events", {"min": 0, "color": {"mode": "continuous-YlRd"}}),
    ]
    return dashboard(
        QUESTIONS,
        "Eight questions to a live race, each asked of Arc every few seconds.",
        panels,
        grafana_version,
        variables=[car_variable()],
        time_from="now-5m",
    )
