"""What Grafana asks for when a page is opened: every query of a dashboard, as it travels to the database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$([A-Za-z]\w*)")
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
        ends = {"$__timeFrom()": now_s - self.window_s, "$__timeTo()": now_s}
        return tuple(_with_window(sql, ends) for sql in self.queries)


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
    values = {
        variable["name"]: str(variable["current"]["value"])
        for variable in dashboard.get("templating", {}).get("list", ())
    }
    range_s = _duration_s(dashboard["time"]["from"])
    found = [
        PanelRequest(
            panel["title"] or panel["type"], _queries(panel["targets"], values), _range_s(panel, range_s)
        )
        for panel in _panels(dashboard["panels"])
        if panel.get("targets")
    ]
    lines = [one["target"] for one in dashboard.get("annotations", {}).get("list", ()) if one.get("enable")]
    asked = _queries([line for line in lines if "sql" in line], values)
    if asked:
        found.append(PanelRequest(ANNOTATIONS, asked, range_s))
    return Page(dashboard["uid"], dashboard["title"], _duration_s(dashboard["refresh"]), tuple(found))


def _panels(panels: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", ()))


def _queries(targets: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_VARIABLE.sub(lambda found: _written(found, values), target["sql"]) for target in targets)


def _written(found: re.Match[str], values: Mapping[str, str]) -> str:
    name = found[1] or found[3]
    if name not in values:
        # A macro of the datasource, or no variable at all: Grafana leaves it alone.
        return found[0]
    value = values[name]
    return "'" + value.replace("'", "''") + "'" if found[2] == "sqlstring" else value


def _range_s(panel: Mapping[str, Any], page_s: int) -> int:
    return _duration_s(panel["timeFrom"]) if panel.get("timeFrom") else page_s


def _duration_s(text: str) -> int:
    """``30s``, ``now-15m``."""
    found = re.fullmatch(r"(?:now-)?(\d+)([smhd])", text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time such as 30s or now-15m")
    return int(found[1]) * _SECONDS[found[2]]


def _with_window(sql: str, ends: Mapping[str, float]) -> str:
    for macro, instant_s in ends.items():
        sql = sql.replace(macro, f"'{datetime.fromtimestamp(int(instant_s), UTC):%Y-%m-%dT%H:%M:%SZ}'")
    return sql
