"""The questions that the dashboards ask, read from the committed files as Grafana reads them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.docker import ROOT

DASHBOARDS = ROOT / "grafana" / "dashboards"

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FORMATS: Mapping[str, Callable[[str], str]] = {
    "raw": lambda value: value,
    "sqlstring": lambda value: "'" + value.replace("'", "''") + "'",
}
_VARIABLE = re.compile(rf"\$\{{(\w+)(?::({'|'.join(_FORMATS)}))?\}}|\$(\w+)")
_AGO = re.compile(r"(?:now-)?(\d+)([smhd])")


@dataclass(frozen=True)
class PanelQuestion:
    """One target of one panel, its variables at their defaults."""

    dashboard: str
    """The dashboard's uid."""
    panel: str
    """The panel's title."""
    sql: str
    """Still with Grafana's time macros."""
    window_s: int
    """Length of the range, ending now, that the panel shows."""

    def at(self, now_s: float) -> str:
        """The SQL with the range that ends at `now_s` (seconds since 1970), as the datasource fills it in."""
        bounds = {"$__timeFrom()": now_s - self.window_s, "$__timeTo()": now_s}
        sql = self.sql
        for macro, second in bounds.items():
            sql = sql.replace(macro, time.strftime("'%Y-%m-%dT%H:%M:%SZ'", time.gmtime(second)))
        return sql


def questions(folder: Path = DASHBOARDS) -> list[PanelQuestion]:
    """What all panels of all dashboards in `folder` ask."""
    return [
        question
        for file in sorted(folder.glob("*.json"))
        for question in _of_dashboard(json.loads(file.read_text(encoding="utf-8")))
    ]


def _of_dashboard(dashboard: Mapping[str, Any]) -> Iterator[PanelQuestion]:
    shown_s = _seconds(dashboard["time"]["from"])
    values = {
        str(variable["name"]): _default(variable)
        for variable in dashboard.get("templating", {}).get("list", ())
        if variable.get("current")
    }
    for panel in _panels(dashboard["panels"]):
        for target in panel.get("targets") or ():
            if "sql" in target:
                window_s = _seconds(panel["timeFrom"]) if panel.get("timeFrom") else shown_s
                yield PanelQuestion(
                    dashboard["uid"], panel.get("title", ""), _filled(target["sql"], values), window_s
                )


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        # A row that is folded holds its panels itself.
        yield from panel.get("panels") or ()


def _default(variable: Mapping[str, Any]) -> str:
    value = variable["current"]["value"]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _filled(sql: str, values: Mapping[str, str]) -> str:
    """`sql` with its variables' values, in the formats of Grafana that dashboards use; the time macros stay."""

    def filled(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        if name not in values:
            return match[0]
        return _FORMATS[match[2] or "raw"](values[name])

    return _VARIABLE.sub(filled, sql)


def _seconds(text: str) -> int:
    """``now-5m`` or ``5m`` in seconds."""
    found = _AGO.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no stretch of time that ends now")
    return int(found[1]) * _UNIT_S[found[2]]
