"""Technical analysis: what the whole field's sensors say about turns, brakes, engines and tires."""

from __future__ import annotations

from typing import Final

from grafana.bars import bar_chart
from grafana.colors import MEASURE_COLORS, TIRE_COLORS, fixed
from grafana.dashboard import dashboard
from grafana.fields import thresholds
from grafana.lines import trend
from grafana.links import TECHNICAL
from grafana.numbers import stat
from grafana.panel_files import load_panels
from grafana.panels import Frame, Json, Place
from grafana.plots import Series, xy_chart
from grafana.tables import table

_TURNS: Final = tuple(f"turn_{turn}_g" for turn in (1, 2, 3, 4))
_TIRES: Final = {"lf": "Left front", "rf": "Right front", "lr": "Left rear", "rr": "Right rear"}

_DISTRIBUTIONS: Final = {
    "speed_distribution": ("speed", "speed_mph", Place(x=0, y=16, w=8, h=8)),
    "rpm_distribution": ("engine_speed", "rpm", Place(x=8, y=16, w=8, h=8)),
    "throttle_distribution": ("throttle", "throttle_position", Place(x=16, y=16, w=8, h=8)),
}
"""Column with the names of the steps, the measure whose colour the bars have, and where."""


def build(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version."""
    queries = load_panels("technical")
    panels = [
        table(
            Frame(
                queries["cornering"],
                Place(x=0, y=0, w=8, h=16),
                {
                    "car_number": {"displayName": "Car"},
                    **{
                        turn: {
                            # Behind the pace car nobody may come to this turn within the window.
                            "noValue": "–",
                            "min": 0,
                            "max": 3.5,
                            "color": {"mode": "continuous-BlYlRd"},
                            "custom.cellOptions": {"type": "color-background", "mode": "basic"},
                        }
                        for turn in _TURNS
                    },
                },
            ),
            widths={"car_number": 50, "driver": 150},
        ),
        trend(
            Frame(queries["brake_by_place"], Place(x=8, y=0, w=8, h=8)),
            "lap_distance_m",
            {"mean_psi": "left", "peak_psi": "left"},
            colors={"mean_psi": "#FF9830", "peak_psi": "#F2495C"},
            calcs=["max"],
        ),
        trend(
            Frame(queries["engine_by_rpm"], Place(x=8, y=8, w=8, h=8)),
            "rpm",
            {"engine_temp": "left", "oil_temp": "left", "oil_pressure": "right"},
            colors={"engine_temp": "#5794F2", "oil_temp": "#FF9830", "oil_pressure": "#73BF69"},
            calcs=[],
        ),
        xy_chart(
            Frame(queries["tire_pressure"], Place(x=16, y=0, w=8, h=12)),
            [
                Series(
                    name,
                    f"{tire}_temp_f",
                    f"{tire}_pressure_psi",
                    settings={"color": fixed(TIRE_COLORS[tire])},
                )
                for tire, name in _TIRES.items()
            ],
        ),
        stat(
            Frame(
                queries["tire_correlation"],
                Place(x=16, y=12, w=8, h=4),
                {f"{tire}_correlation": {"displayName": name} for tire, name in _TIRES.items()},
            ),
            [f"{tire}_correlation" for tire in _TIRES],
            settings={"unit": "none", "decimals": 3, **thresholds("red", (0.5, "orange"), (0.9, "green"))},
            text_mode="value_and_name",
        ),
        *(
            bar_chart(
                Frame(queries[slug], place),
                steps,
                ["share_pct"],
                colors={"share_pct": MEASURE_COLORS[measure]},
                orientation="vertical",
                shown=False,
            )
            for slug, (steps, measure, place) in _DISTRIBUTIONS.items()
        ),
    ]
    return dashboard(
        TECHNICAL,
        "What the whole field's sensors say about turns, brakes, engines and tires in these seconds.",
        panels,
        grafana_version,
    )
