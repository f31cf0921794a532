"""Bands of colour over time: states, and heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana.panels import Frame, Json, ascending, legend, only


def state_timeline(
    frame: Frame,
    values: Sequence[str],
    *,
    settings: Mapping[str, Any] | None = None,
    merge: bool = True,
    show_value: str = "auto",
    row_height: float = 0.9,
    shown: bool = False,
) -> Json:
    """One band over `time` for each of `values`, coloured by its value: texts by mappings in `settings`, numbers by
    mappings, thresholds or a continuous scale, which makes a heat map of it.
    """
    return frame.panel(
        "state-timeline",
        {
            "mergeValues": merge,
            "showValue": show_value,
            "alignValue": "center",
            "rowHeight": row_height,
            "legend": legend(shown=shown),
            "tooltip": {"mode": "single", "sort": "none"},
        },
        {name: dict(settings or {}) for name in values},
        defaults={"custom": {"fillOpacity": 85, "lineWidth": 0}},
        transformations=[only("time", *values), ascending("time")],
    )
