"""Lines over time, and over a number that is not time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana.colors import MEASURE_COLORS, fixed
from grafana.fields import override
from grafana.panels import Frame, Json, ascending, legend, matrix, only

_TOOLTIP = {"mode": "multi", "sort": "none"}


def time_series(
    frame: Frame,
    axes: Mapping[str, str],
    *,
    colors: Mapping[str, str] | None = None,
    calcs: Sequence[str] = ("lastNotNull",),
    custom: Mapping[str, Any] | None = None,
    placement: str = "bottom",
) -> Json:
    """Lines over `time`; `axes` names the drawn columns and the side of each one's axis: left, right or hidden.

    If the frame `is_long`, each text of its text column is a line of its own, called by that text; give such a frame
    overrides from `colors.series_colors`. `custom` are further settings of all lines.
    """
    defaults: Json = {
        "custom": {
            "drawStyle": "line",
            "lineWidth": 2,
            "showPoints": "never",
            "spanNulls": False,
            **(custom or {}),
        }
    }
    settings = _lines(axes, colors, label=_text(frame) if frame.is_long else None)
    return frame.panel(
        "timeseries",
        {"legend": legend(*calcs, placement=placement), "tooltip": _TOOLTIP},
        settings,
        defaults=defaults,
        # The datasource sorts the rows of a long frame itself, and columns have other names then.
        transformations=() if frame.is_long else [only("time", *axes), ascending("time")],
    )


def trend(
    frame: Frame,
    x: str,
    axes: Mapping[str, str],
    *,
    colors: Mapping[str, str] | None = None,
    calcs: Sequence[str] = ("lastNotNull",),
    custom: Mapping[str, Any] | None = None,
    placement: str = "bottom",
) -> Json:
    """Lines of the columns `axes` over the number `x`."""
    return frame.panel(
        "trend",
        {"xField": x, "legend": legend(*calcs, placement=placement), "tooltip": _TOOLTIP},
        # Under its own name: the option xField looks for that.
        {x: {"displayName": x}, **_lines(axes, colors)},
        # A race begins with one lap, which only a point can show.
        defaults={
            "custom": {
                "drawStyle": "line",
                "lineWidth": 2,
                "showPoints": "always",
                "pointSize": 4,
                **(custom or {}),
            }
        },
        transformations=[only(x, *axes), ascending(x)],
    )


def trend_of_each(
    frame: Frame,
    x: str,
    value: str,
    each: str,
    *,
    custom: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    shown: bool = True,
) -> Json:
    r"""One line of `value` over the number `x` for each text of `each`, called by that text.

    A matrix turns the rows; its first column is called ``x\each``. Give the frame overrides from `colors.series_colors`.
    `settings` are field settings of all lines, such as ``{"min": 0}``.
    """
    key = f"{x}\\{each}"
    described = frame.meaning(value, settings)
    defaults = {name: setting for name, setting in described.items() if name != "displayName"}
    panel = frame.panel(
        "trend",
        {"xField": key, "legend": legend(shown=shown, placement="right"), "tooltip": {"mode": "single"}},
        {},
        defaults={
            **defaults,
            "custom": {"drawStyle": "line", "lineWidth": 2, "showPoints": "never", **(custom or {})},
        },
        transformations=[ascending(x), matrix(each, x, value)],
    )
    panel["fieldConfig"]["overrides"].insert(0, override(key, {**frame.meaning(x), "displayName": key}))
    return panel


def _text(frame: Frame) -> str:
    """The text column of a long frame."""
    (name,) = (column.name for column in frame.query.columns if column.kind.value == "string")
    return name


def _lines(
    axes: Mapping[str, str], colors: Mapping[str, str] | None, label: str | None = None
) -> dict[str, Json]:
    """Colour and axis of each drawn column."""
    colors = {**MEASURE_COLORS, **(colors or {})}
    settings: dict[str, Json] = {}
    for name, side in axes.items():
        settings[name] = {"custom.axisPlacement": side}
        if label is not None:
            settings[name]["displayName"] = f"${{__field.labels.{label}}}"
        elif name in colors:
            settings[name]["color"] = fixed(colors[name])
    return settings
