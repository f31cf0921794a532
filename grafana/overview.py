"""Race overview, the home: a person who knows nothing sees who leads, by how much, and why."""

from __future__ import annotations

from typing import Final

from grafana.bars import bar_chart, bar_gauge
from grafana.colors import (
    FLAG_COLORS,
    MANUFACTURER_COLORS,
    MEASURE_COLORS,
    driver_colors,
    fixed,
    series_colors,
    team_colors,
    value_colors,
)
from grafana.dashboard import dashboard
from grafana.lines import time_series, trend_of_each
from grafana.links import CAR_LINK, HOME, TEAM_LINK
from grafana.numbers import stat
from grafana.panel_files import load_panels
from grafana.panels import Frame, Json, Place
from grafana.plots import Series, xy_chart
from grafana.tables import table

_MAKES: Final = {0: "another make", 1: "Chevrolet", 2: "Ford", 3: "Toyota"}
"""How track_cars.sql counts them: a point takes its colour from a number."""

_MOST_CARS: Final = 63
"""As many as fit the track."""
_LEADER_ON_TOP: Final[Json] = {
    "unit": "none",
    "max": -1,
    "mappings": [
        {
            "type": "value",
            "options": {
                f"-{place}": {"text": str(place), "index": place} for place in range(1, _MOST_CARS + 1)
            },
        }
    ],
}
"""Grafana turns no axis round, so places are drawn below zero, and written as they are."""

# Heads and cells without units, so that ten columns fit side by side; the team has what is left.
_TOWER_FIELDS: Final[dict[str, Json]] = {
    "position": {"displayName": "P", "custom.width": 30},
    "car_number": {"displayName": "#", "custom.width": 32},
    "manufacturer": {
        "displayName": " ",
        "custom.width": 24,
        "mappings": value_colors(MANUFACTURER_COLORS, {make: make[0] for make in MANUFACTURER_COLORS}),
    },
    "driver": {"displayName": "Driver", "custom.width": 124},
    "team": {"displayName": "Team"},
    "gap_s": {"displayName": "Gap s", "unit": "none", "decimals": 2, "custom.width": 58},
    "last_lap_s": {"displayName": "Last s", "unit": "none", "decimals": 2, "custom.width": 54},
    "best_lap_s": {"displayName": "Best s", "unit": "none", "decimals": 2, "custom.width": 54},
    "stops": {"displayName": "Pit", "custom.width": 34},
    "tire_age_laps": {"displayName": "Age", "custom.width": 38},
}


def build(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version. All of it fits a screen of 1920×1080."""
    queries = load_panels(HOME.removeprefix("nascar-"))
    panels = [
        stat(
            Frame(
                queries["status"],
                Place(0, 0, 14, 2),
                {
                    "flag": {"mappings": value_colors(FLAG_COLORS)},
                    "laps_led": {"displayName": "Laps led"},
                    "lead_s": {"displayName": "Lead", "decimals": 2},
                },
                title="",
            ),
            ["flag", "lap", "leader", "laps_led", "lead_s"],
            settings={"color": fixed("text")},
            text_mode="value_and_name",
            orientation="vertical",
        ),
        stat(
            Frame(queries["race_control"], Place(14, 0, 10, 2), title=""),
            ["text"],
            settings={"color": fixed("text")},
            text_mode="value",
            size=18,
        ),
        table(Frame(queries["running_order_front"], Place(0, 2, 7, 22), _TOWER_FIELDS)),
        table(Frame(queries["running_order_back"], Place(7, 2, 7, 22), _TOWER_FIELDS)),
        _track_map(
            Frame(
                queries["track_cars"],
                Place(14, 2, 10, 7),
                {"car_number": {"links": [CAR_LINK]}},
                more=[queries["track_outline"]],
            )
        ),
        trend_of_each(
            Frame(
                queries["position_by_lap"],
                Place(14, 9, 6, 6),
                overrides=series_colors(driver_colors()),
            ),
            "lap",
            "place_below_zero",
            "driver",
            custom={"lineWidth": 1},
            settings=_LEADER_ON_TOP,
            shown=False,
        ),
        time_series(
            Frame(queries["field_speed"], Place(14, 15, 6, 4)),
            {"field_speed_mph": "left", "leader_speed_mph": "left"},
            colors={
                "field_speed_mph": MEASURE_COLORS["speed_mph"],
                "leader_speed_mph": MEASURE_COLORS["max_speed"],
            },
            calcs=[],
            custom={"lineWidth": 1},
        ),
        bar_gauge(
            Frame(queries["lap_leaders"], Place(14, 19, 3, 5)),
            "laps_led",
            {"min": 0, "color": {"mode": "continuous-BlPu"}},
            limit=6,
        ),
        table(
            Frame(
                queries["manufacturers"],
                Place(17, 19, 3, 5),
                {
                    "manufacturer": {"displayName": "Make"},
                    "best_place": {"displayName": "Best", "unit": "none", "custom.width": 48},
                    "in_top_ten": {"displayName": "Top 10", "unit": "none", "custom.width": 58},
                    "mean_place": {"displayName": "Mean", "unit": "none", "decimals": 1, "custom.width": 52},
                },
            )
        ),
        bar_chart(
            Frame(queries["team_speed"], Place(20, 9, 4, 15), {"average_speed_mph": {"links": [TEAM_LINK]}}),
            "team",
            ["average_speed_mph"],
            row_colors=team_colors(),
            shown=False,
        ),
    ]
    return dashboard(
        HOME,
        "The race at a glance: flag, leader, running order, where the cars are and how they got there.",
        panels,
        grafana_version,
    )


def _track_map(frame: Frame) -> Json:
    """Cars in their makes' colours on the line that the field drives; two unseen corners keep its proportions."""
    colors = {number: MANUFACTURER_COLORS.get(make, "#8E8E8E") for number, make in _MAKES.items()}
    hidden = {"custom.axisPlacement": "hidden"}
    return xy_chart(
        frame,
        [
            Series(
                "Track",
                "line_x_m",
                "line_y_m",
                query=1,
                settings={"color": fixed("#6E6E6E"), "custom.show": "lines", "custom.lineWidth": 3, **hidden},
            ),
            Series(
                "Corners",
                "corner_x_m",
                "corner_y_m",
                query=1,
                settings={"color": fixed("transparent"), "custom.pointSize": {"fixed": 1}, **hidden},
            ),
            Series(
                "Cars",
                "x_m",
                "y_m",
                color_by="make",
                settings={"custom.pointSize": {"fixed": 9}, **hidden},
            ),
        ],
        settings={
            "x_m": hidden,
            "line_x_m": hidden,
            "corner_x_m": hidden,
            "make": {"unit": "none", "mappings": value_colors(colors, _MAKES)},
        },
        custom={"axisGridShow": False, "fillOpacity": 100},
        shown=False,
    )
