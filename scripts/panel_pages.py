"""What Grafana asks for when a page is opened: every query of a dashboard, as it travels to the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stack.panels import defaults_of, filled, panels_of, seconds, with_range

ANNOTATIONS: Final = "annotations"


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """The queries of one panel, which travel together."""

    panel: str
    """Its title, or its type if it has none; for what is not a panel, what it is."""
    queries: tuple[str, ...]
    """SQL with the variables' default values in it, and still with the macros of the window."""
    window_s: int

    def sql_at(self, now_s: float) -> tuple[str, ...]:
        """The SQL of each query over the window that ends at `now_s`, in whole seconds, as the datasource writes it."""
        return tuple(with_range(sql, self.window_s, now_s) for sql in self.queries)


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard."""

    uid: str
    title: str
    refresh_s: int
    requests: tuple[PanelRequest, ...]


def load_pages(folder: Path) -> tuple[Page, ...]:
    """The dashboards in `folder`, by the names of their files."""
    return tuple(
        page_of(json.loads(file.read_text(encoding="utf-8"))) for file in sorted(folder.glob("*.json"))
    )


def page_of(dashboard: Mapping[str, Any]) -> Page:
    """A dashboard in Grafana's classic JSON."""
    values = defaults_of(dashboard)
    range_s = seconds(dashboard["time"]["from"])
    found = [
        PanelRequest(
            panel["title"] or panel["type"], _queries(panel["targets"], values), _range_s(panel, range_s)
        )
        for panel in panels_of(dashboard)
        if panel.get("targets")
    ]
    lines = [one["target"] for one in dashboard.get("annotations", {}).get("list", ()) if one.get("enable")]
    asked = _queries([line for line in lines if "sql" in line], values)
    if asked:
        found.append(PanelRequest(ANNOTATIONS, asked, range_s))
    return Page(dashboard["uid"], dashboard["title"], seconds(dashboard["refresh"]), tuple(found))


def _queries(targets: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filled(target["sql"], values) for target in targets)


def _range_s(panel: Mapping[str, Any], page_s: int) -> int:
    return seconds(panel["timeFrom"]) if panel.get("timeFrom") else page_s
