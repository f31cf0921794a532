"""Team strategy: the cars of one team side by side, their tires, fuel and stops."""

from __future__ import annotations

from typing import Final

from grafana.bars import bar_gauge
from grafana.colors import driver_colors, series_colors
from grafana.dashboard import dashboard
from grafana.fields import thresholds
from grafana.lines import trend_of_each
from grafana.links import STRATEGY
from grafana.panel_files import load_panels
from grafana.panels import Frame, Json, Place
from grafana.tables import table
from grafana.variables import team_variable

_UNKNOWN: Final = {"noValue": "–"}
"""A cell of a car that has not driven enough yet, in a table that is there."""

_LAPS_LEFT: Final[Json] = {
    **_UNKNOWN,
    "unit": "suffix:laps",
    "decimals": 1,
    "min": 0,
    # A full cell lasts 68 laps under green.
    "max": 70,
    **thresholds("red", (2, "orange"), (14, "green")),
}

_TRENDS: Final = {
    "lap_times": ("lap", "lap_time_s", Place(x=0, y=7, w=12, h=9)),
    "tire_falloff": ("tire_age_laps", "falloff_s", Place(x=12, y=7, w=12, h=9)),
    "fuel_level": ("lap", "fuel_gal", Place(x=0, y=16, w=8, h=8)),
    "fuel_use": ("lap", "burned_gal", Place(x=8, y=16, w=8, h=8)),
}
"""Number along the bottom, what is drawn over it, and where."""


def build(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version."""
    queries = load_panels("strategy")
    drivers = series_colors(driver_colors())
    panels = [
        table(
            Frame(
                queries["cars"],
                Place(x=0, y=0, w=17, h=7),
                {
                    "position": {"displayName": "Pos"},
                    "car_number": {"displayName": "Car"},
                    "gap_s": {"decimals": 1},
                    "lap_time_s": {"displayName": "Last lap"},
                    "best_lap_s": {"displayName": "Best lap"},
                    "tire_age_laps": {"displayName": "Tire age"},
                    "gal_per_lap": {"displayName": "Use", **_UNKNOWN},
                    "laps_left": {
                        **_LAPS_LEFT,
                        "custom.cellOptions": {
                            "type": "gauge",
                            "mode": "basic",
                            "valueDisplayMode": "text",
                        },
                    },
                    "predicted_stop_lap": {"displayName": "Predicted stop", "decimals": 0, **_UNKNOWN},
                },
            ),
            widths={
                "position": 50,
                "car_number": 50,
                "lap": 50,
                "stops": 60,
                "driver": 150,
                "laps_left": 200,
            },
            height="md",
        ),
        bar_gauge(
            Frame(queries["laps_left"], Place(x=17, y=0, w=7, h=7)),
            "laps_left",
            _LAPS_LEFT,
            label="${__data.fields.driver}",
        ),
        *(
            trend_of_each(
                Frame(queries[slug], place, overrides=drivers),
                x,
                value,
                "driver",
                # A lap that is left out breaks its line; a lap between two such can only be a point.
                custom={"showPoints": "always", "pointSize": 4},
            )
            for slug, (x, value, place) in _TRENDS.items()
        ),
        table(
            Frame(
                queries["pit_stops"],
                Place(x=16, y=16, w=8, h=8),
                {
                    "car_number": {"displayName": "Car"},
                    "pit_road_s": {"decimals": 1},
                    "box_s": {"decimals": 1},
                    "tires_changed": {"displayName": "Tires"},
                    "fuel_added_gal": {"displayName": "Fuel", "decimals": 1},
                },
            ),
            widths={"lap": 50, "car_number": 50, "tires_changed": 60},
        ),
    ]
    return dashboard(
        STRATEGY,
        "The cars of one team side by side: pace, tires, fuel, and when each of them has to stop.",
        panels,
        grafana_version,
        variables=[team_variable()],
    )
