"""A dashboard around its panels: links, annotations, refresh, and what a panel has only in a dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana.fields import Json
from grafana.links import TITLES, dashboard_links
from grafana.panel_files import load_panels
from grafana.panels import DATASOURCE, target

REFRESH: Final = "5s"
"""Every panel can answer within it at the full rate on two cores; a shorter one starves the last ones."""
REFRESHES: Final = ("1s", "2s", "5s", "10s", "30s", "1m")

_ANNOTATION_COLORS: Final = {"flags": "#E5B80B", "story": "#5794F2"}


def dashboard(
    uid: str,
    description: str,
    panels: Sequence[Json],
    grafana_version: str,
    *,
    variables: Sequence[Json] = (),
    time_from: str = "now-15m",
) -> Json:
    """The dashboard `uid`, whose title and links come from `links`, with its panels numbered from 1."""
    return {
        "id": None,
        "uid": uid,
        "title": TITLES[uid],
        "description": description,
        "tags": ["nascar", "arc"],
        "schemaVersion": 41,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": time_from, "to": "now"},
        "refresh": REFRESH,
        "timepicker": {"refresh_intervals": list(REFRESHES)},
        "annotations": {"list": _annotations()},
        "links": dashboard_links(uid),
        "templating": {"list": list(variables)},
        # Without a version of its own a panel can lose its options in migration.
        "panels": [
            {"id": number, "pluginVersion": grafana_version, **panel}
            for number, panel in enumerate(panels, start=1)
        ],
    }


def _annotations() -> list[Json]:
    """What race control said, as lines on every time axis."""
    return [
        {
            "name": query.title,
            "datasource": DATASOURCE,
            "enable": True,
            "hide": False,
            "iconColor": _ANNOTATION_COLORS[slug],
            "target": {"refId": "Anno", **target(query)},
        }
        for slug, query in load_panels("annotations").items()
    ]
