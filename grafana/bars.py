"""Bars: one for each row, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana.colors import MEASURE_COLORS, fixed, value_colors
from grafana.links import CAR_LINK
from grafana.panels import Frame, Json, as_text, legend, only

CAR_LABEL = "#${__data.fields.car_number} ${__data.fields.driver}"


def bar_gauge(
    frame: Frame,
    value: str,
    settings: Mapping[str, Any],
    *,
    label: str = CAR_LABEL,
    limit: int = 10,
) -> Json:
    """One lying bar for each row, labelled with car number and driver, or with what `label` names of the row.

    A bar that names its car leads to the car's page.
    """
    named = [name for name in frame.columns if f"${{__data.fields.{name}}}" in label]
    is_of_car = "car_number" in named
    return frame.panel(
        "bargauge",
        {
            "displayMode": "gradient",
            "orientation": "horizontal",
            "valueMode": "color",
            "showUnfilled": True,
            "namePlacement": "left",
            "sizing": "auto",
            "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "fields": "", "limit": limit},
        },
        {value: {**settings, "displayName": label, **({"links": [CAR_LINK]} if is_of_car else {})}},
        transformations=[*([as_text("car_number")] if is_of_car else []), only(*named, value)],
    )


def bar_chart(
    frame: Frame,
    x: str,
    values: Sequence[str],
    *,
    colors: Mapping[str, str] | None = None,
    row_colors: Mapping[str, str] | None = None,
    orientation: str = "horizontal",
    shown: bool = True,
) -> Json:
    """Bars of one unit side by side for each `x`; lying, names can be read.

    `colors` are those of the columns. With `row_colors`, which are those of the texts of `x`, each row has a colour of
    its own instead.
    """
    colors = {**MEASURE_COLORS, **(colors or {})}
    settings: dict[str, Json] = {
        name: {"color": fixed(colors[name])} if name in colors and row_colors is None else {}
        for name in values
    }
    options: Json = {
        "xField": x,
        "orientation": orientation,
        "groupWidth": 0.8,
        "barWidth": 0.9,
        "stacking": "none",
        "showValue": "auto",
        "text": {"valueSize": 10},
        "legend": legend(shown=shown),
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    if row_colors is not None:
        options["colorByField"] = x
        # Under its own name: the options xField and colorByField look for that.
        settings[x] = {"displayName": x, "mappings": value_colors(row_colors)}
    return frame.panel(
        "barchart",
        options,
        settings,
        defaults={"min": 0, "custom": {"fillOpacity": 80, "lineWidth": 0, "axisPlacement": "auto"}},
        transformations=[only(x, *values)],
    )
