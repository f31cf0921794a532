"""Tables: rows as they come, with makes, teams and cars in their colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from grafana.colors import MANUFACTURER_COLORS, car_colors, team_colors, value_colors
from grafana.links import CAR_LINK, TEAM_LINK
from grafana.panels import Frame, Json

_LEAST_WIDTH: Final = 50
_COLORED: Final = ("manufacturer", "team", "car_number")


def table(
    frame: Frame,
    *,
    gauges: Iterable[str] = (),
    widths: Mapping[str, int] | None = None,
    height: str = "sm",
) -> Json:
    """All columns; `gauges` are drawn as bars over their sensor's range.

    `manufacturer` fills its cell with the make's colour, `team` and `car_number` are written in theirs and
    lead to the team's and the car's page. `height` of the rows is sm, md or lg.
    """
    settings: dict[str, Json] = {name: _colored(name) if name in _COLORED else {} for name in frame.columns}
    own = {name: own["custom.width"] for name, own in frame.fields.items() if "custom.width" in own}
    for name, width in {**(widths or {}), **own}.items():
        # Grafana makes no column narrower than 50 pixels that does not say so.
        settings[name] |= {"custom.width": width, "custom.minWidth": min(width, _LEAST_WIDTH)}
    for name in gauges:
        low, high = frame.query.column(name).range or (0, 100)
        settings[name] |= {
            "min": low,
            "max": high,
            "color": {"mode": "continuous-GrYlRd"},
            "custom.cellOptions": {"type": "gauge", "mode": "gradient", "valueDisplayMode": "text"},
        }
    return frame.panel(
        "table",
        {"showHeader": True, "cellHeight": height},
        settings,
        # A column without a width takes its share of what is left, and would be 150 pixels wide at least.
        defaults={"custom": {"align": "auto", "filterable": False, "minWidth": _LEAST_WIDTH}},
    )


def _colored(name: str) -> Json:
    if name == "manufacturer":
        return {
            "mappings": value_colors(MANUFACTURER_COLORS),
            "custom.cellOptions": {"type": "color-background", "mode": "basic"},
        }
    colors, link = (team_colors(), TEAM_LINK) if name == "team" else (car_colors(), CAR_LINK)
    return {"mappings": value_colors(colors), "custom.cellOptions": {"type": "color-text"}, "links": [link]}
