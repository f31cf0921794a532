"""Single values: big numbers and dials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana.panels import Frame, Json, only

_LAST = {"values": False, "calcs": ["lastNotNull"], "fields": "/.*/", "limit": 1}


def stat(
    frame: Frame,
    values: Sequence[str],
    *,
    settings: Mapping[str, Any] | None = None,
    color_mode: str = "value",
    text_mode: str = "auto",
    orientation: str = "auto",
    size: int | None = None,
) -> Json:
    """The last row's `values`, numbers or texts, one beside the other; `settings` hold for all of them.

    `color_mode` is value, background, background_solid or none; `text_mode` is auto, value, value_and_name, name or
    none. `size` is that of the value in pixels; None: as large as it fits.
    """
    options: Json = {
        "reduceOptions": _LAST,
        "colorMode": color_mode,
        "graphMode": "none",
        "textMode": text_mode,
        "justifyMode": "auto",
        "orientation": orientation,
        "wideLayout": True,
        "showPercentChange": False,
    }
    if size is not None:
        options["text"] = {"valueSize": size}
    return frame.panel(
        "stat", options, {name: dict(settings or {}) for name in values}, transformations=[only(*values)]
    )


def gauge(
    frame: Frame, values: Sequence[str], *, low: float, high: float, settings: Mapping[str, Any] | None = None
) -> Json:
    """A dial from `low` to `high` for each of the last row's `values`."""
    return frame.panel(
        "gauge",
        {
            "reduceOptions": _LAST,
            "orientation": "auto",
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
            "sizing": "auto",
        },
        {name: {"min": low, "max": high, **(settings or {})} for name in values},
        transformations=[only(*values)],
    )
