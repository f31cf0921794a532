"""Car performance detail: one car closely, another beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana.colors import car_colors, driver_colors, series_colors, value_colors
from grafana.dashboard import dashboard
from grafana.fields import thresholds
from grafana.heat_maps import heat_map
from grafana.lines import time_series
from grafana.links import CAR
from grafana.numbers import gauge, stat
from grafana.panel_files import load_panels
from grafana.panels import Frame, Json, Place
from grafana.plots import Series, xy_chart
from grafana.tables import table
from grafana.variables import car_variable, compare_variable

_TRACES: Final[Mapping[str, tuple[str, Place, Json]]] = {
    "speed": ("speed_mph", Place(x=0, y=0, w=8, h=5), {}),
    "rpm": ("rpm", Place(x=0, y=5, w=8, h=4), {}),
    "throttle": ("throttle_position", Place(x=0, y=9, w=8, h=4), {"min": 0, "max": 100}),
    "brake": ("brake_pressure_psi", Place(x=0, y=13, w=8, h=4), {"min": 0}),
    # A gear is engaged or not: nothing lies between two of them.
    "gear": ("gear", Place(x=0, y=17, w=8, h=3), {"min": 0, "custom.lineInterpolation": "stepAfter"}),
    "fuel_level": ("fuel_level", Place(x=0, y=20, w=8, h=4), {}),
    "lateral_g": ("lateral_g", Place(x=8, y=10, w=8, h=4), {}),
    "longitudinal_g": ("longitudinal_g", Place(x=8, y=14, w=8, h=4), {}),
}
"""One below the other, so that the shared cursor reads them all at one instant: column, place, field settings."""

_CORNERS: Final = {
    "lf": Place(x=16, y=0, w=4, h=5),
    "rf": Place(x=20, y=0, w=4, h=5),
    "lr": Place(x=16, y=5, w=4, h=5),
    "rr": Place(x=20, y=5, w=4, h=5),
}
"""The car seen from above, its nose up."""

_TIRE_TEMP: Final = thresholds("blue", (130, "green"), (240, "orange"), (270, "red"))
"""Cold after a stop, at work, hot, abused (estimates, as the temperatures themselves are)."""
_TIRE_WEAR: Final = thresholds("green", (50, "orange"), (75, "red"))


def build(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version."""
    queries = load_panels("car")
    panels = [
        *(
            _trace(
                Frame(queries[slug], place, {column: settings}, is_long=True, overrides=_drivers()), column
            )
            for slug, (column, place, settings) in _TRACES.items()
        ),
        xy_chart(
            Frame(
                queries["g_g_diagram"],
                Place(x=8, y=0, w=8, h=10),
                title="G-g diagram: ${car:text} and ${compare:text}",
            ),
            [Series("G-forces", "lateral_g", "longitudinal_g", color_by="car_number")],
            settings={"car_number": {"mappings": value_colors(car_colors())}},
            custom={"pointSize": {"fixed": 6}},
            shown=False,
        ),
        gauge(
            Frame(
                queries["fuel_left"],
                Place(x=8, y=18, w=8, h=6),
                {
                    "fuel_gal": {**thresholds("red", (0.6, "orange"), (4, "green")), "displayName": "Fuel"},
                    # A full cell lasts 68 laps under green.
                    "laps_left": {
                        "max": 70,
                        "unit": "suffix:laps",
                        "decimals": 1,
                        **thresholds("red", (2, "orange"), (14, "green")),
                    },
                },
            ),
            ["fuel_gal", "laps_left"],
            low=0,
            high=20,
        ),
        *(
            stat(
                Frame(
                    queries[f"tire_{corner}"],
                    place,
                    {
                        f"{corner}_temp_f": {**_TIRE_TEMP, "displayName": "Temperature"},
                        f"{corner}_pressure_psi": {
                            "displayName": "Pressure",
                            "color": {"mode": "thresholds"},
                        },
                        f"{corner}_wear_pct": {**_TIRE_WEAR, "displayName": "Wear"},
                    },
                ),
                [f"{corner}_temp_f", f"{corner}_pressure_psi", f"{corner}_wear_pct"],
                text_mode="value_and_name",
                orientation="horizontal",
            )
            for corner, place in _CORNERS.items()
        ),
        heat_map(
            Frame(queries["tire_heat_map"], Place(x=16, y=10, w=8, h=6)),
            "lap",
            "tire",
            "temp_f",
            settings={"decimals": 0, "min": 80, "max": 240, "color": {"mode": "continuous-BlYlRd"}},
        ),
        table(
            Frame(
                queries["laps"],
                Place(x=16, y=16, w=8, h=8),
                {
                    # The best lap stands out, and what the compared car did better.
                    "delta_to_best_s": {
                        "displayName": "To best",
                        **thresholds("purple", (0.001, "text")),
                        "custom.cellOptions": {"type": "color-text"},
                    },
                    "delta_to_compared_s": {
                        "displayName": "To compared",
                        # The other car has not driven this lap.
                        "noValue": "–",
                        **thresholds("green", (0.001, "red")),
                        "custom.cellOptions": {"type": "color-text"},
                    },
                    "position": {"displayName": "Pos"},
                    "tire_age_laps": {"displayName": "Tires"},
                    "pit": {"mappings": _PIT},
                },
            ),
            widths={"lap": 50, "lap_time_s": 90, "position": 50, "tire_age_laps": 60, "pit": 50},
        ),
    ]
    return dashboard(
        CAR,
        "One car closely, another beside it: what the driver does, what the car feels, tires, fuel and laps.",
        panels,
        grafana_version,
        variables=[car_variable(), compare_variable()],
    )


_PIT: Final = [
    {"type": "value", "options": {"0": {"text": "", "index": 0}, "1": {"text": "pit", "index": 1}}}
]


def _trace(frame: Frame, column: str) -> Json:
    """A line for each of the two cars; the first trace says which is which, the others need the room."""
    panel = time_series(frame, {column: "left"}, calcs=[])
    panel["options"]["legend"]["showLegend"] = frame.place.y == 0
    return panel


def _drivers() -> list[Json]:
    return series_colors(driver_colors())
