"""The dashboards as they are committed: what Grafana will be given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from grafana.build_dashboards import DASHBOARDS as FOLDER

Json = dict[str, Any]

DASHBOARDS: dict[str, Json] = {
    dashboard["uid"]: dashboard
    for dashboard in (json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json")))
}
"""By uid."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel in its dashboard."""

    dashboard: Json
    panel: Json

    @property
    def id(self) -> str:
        return f"{self.dashboard['uid']}-{self.panel['id']:02d}-{self.panel['type']}"

    @property
    def time_from(self) -> str:
        """The range over which it asks, such as 30s."""
        whole: str = self.dashboard["time"]["from"]
        own: str = self.panel.get("timeFrom", whole.removeprefix("now-"))
        return own

    @property
    def targets(self) -> list[Json]:
        targets: list[Json] = self.panel["targets"]
        return targets

    @property
    def overrides(self) -> dict[str, Json]:
        """Settings by the column that they name."""
        return {
            override["matcher"]["options"]: {item["id"]: item["value"] for item in override["properties"]}
            for override in self.panel["fieldConfig"]["overrides"]
            if override["matcher"]["id"] == "byName"
        }


ALL = [Shown(dashboard, panel) for dashboard in DASHBOARDS.values() for panel in dashboard["panels"]]

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS.keys())
each_panel = pytest.mark.parametrize("shown", ALL, ids=[shown.id for shown in ALL])


def values(node: Any, key: str) -> Iterator[Any]:
    """All that stands under `key`, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from values(item, key)


def annotation_queries(dashboard: Json) -> list[Json]:
    return [annotation["target"] for annotation in dashboard["annotations"]["list"]]
