"""The pictures of a page, as Plotly's own JSON: ``{"data": […], "layout": {…}}``.

Colours are told apart by people who cannot tell red from green; what a colour means is the same in all pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nascar.bench.amounts import rate
from nascar.bench.measures import Level

Figure = dict[str, Any]

GREY: Final = "#8a8f98"
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
GREEN: Final = "#009e73"
ORANGE: Final = "#e69f00"
RED: Final = "#d55e00"
VIOLET: Final = "#aa4499"
BLACK: Final = "#222222"
_EIGHT: Final = (BLUE, ORANGE, GREEN, RED, SKY, VIOLET, BLACK, "#b8a000")
_GAP: Final = 0.08


def rate_over_time(level: Level) -> Figure | None:
    """Rows a second, offered and acknowledged, with lost rows and pauses."""
    timeline = _timeline(level)
    if timeline is None:
        return None
    at_s, interval_s = timeline["at_s"], timeline["interval_s"]

    def per_s(name: str) -> list[float]:
        return [rows / interval_s for rows in timeline[name]]

    data = [
        _line(at_s, per_s("offered"), "offered", GREY, shape="hv", dash="dot"),
        _line(at_s, per_s("acknowledged"), "acknowledged", BLUE, shape="hv"),
    ]
    lost = (("failed", RED), ("missed", ORANGE))
    data += [
        _line(at_s, per_s(name), name, colour, shape="hv") for name, colour in lost if any(timeline[name])
    ]
    figure = _figure(data, "rows/s")
    figure["layout"]["shapes"] = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": start_s,
            "x1": end_s,
            "y0": 0,
            "y1": 1,
            "fillcolor": RED,
            "opacity": 0.15,
            "line": {"width": 0},
        }
        for start_s, end_s in pauses(timeline)
    ]
    return figure


def pauses(timeline: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Stretches of time, in seconds, in which rows came due and none was acknowledged."""
    found: list[tuple[float, float]] = []
    interval_s = timeline["interval_s"]
    for at_s, offered, acknowledged in zip(
        timeline["at_s"], timeline["offered"], timeline["acknowledged"], strict=True
    ):
        if not offered or acknowledged:
            continue
        if found and found[-1][1] == at_s:
            found[-1] = (found[-1][0], at_s + interval_s)
        else:
            found.append((at_s, at_s + interval_s))
    return found


def latencies_side_by_side(level: Level) -> Figure | None:
    """P50 and P99 of the write latency, left from the due time, right from the send, on one scale."""
    timeline = _timeline(level)
    if timeline is None:
        return None
    data = []
    for side, since in enumerate(("due_ms", "send_ms")):
        for percentile, colour in (("p50", SKY), ("p99", BLUE), ("max", GREY)):
            data.append(
                _line(
                    timeline["at_s"],
                    timeline[since][percentile],
                    percentile.upper() if percentile != "max" else "most",
                    colour,
                    panel=side + 1,
                    in_legend=side == 0,
                )
            )
    figure = _panels(data, ("from the due time", "from the send"), ("ms", "ms"))
    figure["layout"]["yaxis"] |= {"type": "log", "dtick": "D2"}
    # One scale for both: else the eye compares what is not comparable.
    figure["layout"]["yaxis2"] |= {"type": "log", "dtick": "D2", "matches": "y"}
    return figure


def backlog_and_stored(level: Level) -> Figure | None:
    """What the server held in memory only, and what it stored in each second; None if it showed no counters."""
    timeline = _timeline(level)
    if timeline is None or not any(rows is not None for rows in timeline["backlog"]):
        return None
    interval_s = timeline["interval_s"]
    stored = [None if rows is None else rows / interval_s for rows in timeline["stored"]]
    data = [
        _line(timeline["at_s"], timeline["backlog"], "taken, not stored", ORANGE, panel=1, is_filled=True),
        _line(timeline["at_s"], stored, "stored in the second", GREEN, panel=2, shape="hv"),
    ]
    return _panels(data, ("taken and not yet stored", "stored"), ("rows", "rows/s"))


def questions_over_time(level: Level) -> Figure | None:
    """How long each of the eight questions took, each time that it was asked."""
    asked = (level["questions"] or {}).get("questions", {})
    if not any(one["asked"] for one in asked.values()):
        return None
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": slug,
            "x": one["at_s"],
            "y": one["each_ms"],
            "line": {"color": colour, "width": 1},
            "marker": {"color": colour, "size": 5},
            "connectgaps": False,
        }
        for (slug, one), colour in zip(asked.items(), _EIGHT * (1 + len(asked) // 8), strict=False)
    ]
    figure = _figure(data, "ms")
    figure["layout"]["yaxis"]["rangemode"] = "tozero"
    return figure


def resources_over_time(level: Level) -> Figure | None:
    """CPU, memory and disk of client, server and machine."""
    data: list[dict[str, Any]] = []
    for name, colour in (("client", BLUE), ("server", ORANGE), ("machine", GREY)):
        found = level["resources"][name]
        if found is None:
            continue
        series = found["series"]
        dash = "dot" if name == "machine" else "solid"
        data.append(_line(series["at_s"], series["cores"], name, colour, panel=1, dash=dash))
        if name != "machine":
            memory = [rss / 1e6 for rss in series["rss_bytes"]]
            data.append(_line(series["at_s"], memory, name, colour, panel=2, in_legend=False))
        written = [None if per_s is None else per_s / 1e6 for per_s in series["write_bytes_per_s"]]
        data.append(_line(series["at_s"], written, name, colour, panel=3, dash=dash, in_legend=False))
    if not data:
        return None
    figure = _panels(data, ("CPU", "memory", "written to disk"), ("cores", "MB", "MB/s"))
    elapsed_s = (level["report"] or {}).get("elapsed_s")
    if elapsed_s:
        # The processes' start and the counting at the end are there, too, for who zooms out.
        for axis in ("xaxis", "xaxis2", "xaxis3"):
            figure["layout"][axis]["range"] = [0, elapsed_s]
    return figure


def trials(tried: Sequence[Mapping[str, Any]]) -> Figure:
    """The search for the knee: the rate of each trial in turn, and whether it was held."""
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(range(1, len(tried) + 1)),
            "y": [one["load"]["rate"] for one in tried],
            "line": {"color": GREY, "width": 1, "dash": "dot"},
            "showlegend": False,
            "hoverinfo": "skip",
        }
    ]
    for held, name, colour, symbol in ((True, "held", GREEN, "circle"), (False, "not held", RED, "x")):
        chosen = [(number, one) for number, one in enumerate(tried, 1) if one["counts_as_held"] is held]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [number for number, _ in chosen],
                "y": [one["load"]["rate"] for _, one in chosen],
                "text": [
                    f"{one['phase']}, {one['load']['seconds']:g} s<br>{'; '.join(one['misses'])}"
                    for _, one in chosen
                ],
                "marker": {
                    "color": colour,
                    "symbol": symbol,
                    "size": [15 if one["phase"] == "confirm" else 9 for _, one in chosen],
                },
            }
        )
    figure = _figure(data, "rows/s")
    figure["layout"]["xaxis"] |= {"title": {"text": "trial"}, "dtick": 1}
    figure["layout"]["hovermode"] = "closest"
    return figure


def bars(spreads: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], colour: str = BLUE) -> Figure:
    """Medians as bars from zero, with the least and the most; messages a second."""
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [f"{titles.get(name, name)}: {rate(one['median'])}" for name, one in spreads.items()],
            "x": [one["median"] for one in spreads.values()],
            "marker": {"color": colour},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [one["most"] - one["median"] for one in spreads.values()],
                "arrayminus": [one["median"] - one["least"] for one in spreads.values()],
                "color": BLACK,
                "thickness": 1,
            },
        }
    ]
    figure = _figure(data, "")
    figure["layout"]["xaxis"] |= {"title": {"text": "messages/s"}, "rangemode": "tozero"}
    figure["layout"]["yaxis"] |= {"autorange": "reversed", "automargin": True}
    figure["layout"]["height"] = 90 + 34 * len(spreads)
    figure["layout"]["showlegend"] = False
    figure["layout"]["hovermode"] = "closest"
    return figure


def _timeline(level: Level) -> Mapping[str, Any] | None:
    report = level["report"]
    timeline: Mapping[str, Any] | None = None if report is None else report.get("timeline")
    return timeline if timeline and timeline["at_s"] else None


def _line(
    x: Sequence[float],
    y: Sequence[float | None],
    name: str,
    colour: str,
    *,
    panel: int = 1,
    shape: str = "linear",
    dash: str = "solid",
    is_filled: bool = False,
    in_legend: bool = True,
) -> dict[str, Any]:
    suffix = "" if panel == 1 else str(panel)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": name,
        "showlegend": in_legend,
        "x": list(x),
        "y": list(y),
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "line": {"color": colour, "width": 1.5, "shape": shape, "dash": dash},
        "fill": "tozeroy" if is_filled else "none",
        "connectgaps": False,
    }


def _figure(data: Sequence[Mapping[str, Any]], unit: str) -> Figure:
    """One panel over the seconds of a level."""
    return {
        "data": list(data),
        "layout": {
            "height": 260,
            "margin": {"l": 70, "r": 20, "t": 30, "b": 45},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "#ffffff",
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": BLACK},
            "hovermode": "x unified",
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "xaxis": _axis("s"),
            "yaxis": _axis(unit) | {"rangemode": "tozero"},
        },
    }


def _panels(data: Sequence[Mapping[str, Any]], titles: Sequence[str], units: Sequence[str]) -> Figure:
    """Panels beside each other over the seconds of a level."""
    figure = _figure(data, units[0])
    layout, count = figure["layout"], len(titles)
    width = (1 - _GAP * (count - 1)) / count
    layout["margin"]["t"] = 50
    layout["legend"]["y"] = 1.1
    layout["annotations"] = []
    for number, (title, unit) in enumerate(zip(titles, units, strict=True)):
        suffix = "" if number == 0 else str(number + 1)
        left = number * (width + _GAP)
        layout[f"xaxis{suffix}"] = _axis("s") | {"domain": [left, left + width], "anchor": f"y{suffix}"}
        layout[f"yaxis{suffix}"] = _axis(unit) | {"rangemode": "tozero", "anchor": f"x{suffix}"}
        layout["annotations"].append(
            {
                "text": title,
                "x": left + width / 2,
                "y": 1.0,
                "xref": "paper",
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
            }
        )
    return figure


def _axis(unit: str) -> dict[str, Any]:
    return {
        "title": {"text": unit},
        "gridcolor": "#e4e7eb",
        "zerolinecolor": "#c4c9d0",
        "linecolor": "#c4c9d0",
        "ticks": "outside",
        "tickcolor": "#c4c9d0",
        "exponentformat": "SI",
    }
