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
        return with_range(self.sql, self.window_s, now_s)


def questions(folder: Path = DASHBOARDS) -> list[PanelQuestion]:
    """What all panels of all dashboards in `folder` ask."""
    return [
        question
        for file in sorted(folder.glob("*.json"))
        for question in _of_dashboard(json.loads(file.read_text(encoding="utf-8")))
    ]


def with_range(sql: str, window_s: float, now_s: float) -> str:
    """`sql` with the time macros filled in for the range of `window_s` that ends at `now_s`, in whole seconds."""
    for macro, second in {"$__timeFrom()": now_s - window_s, "$__timeTo()": now_s}.items():
        sql = sql.replace(macro, time.strftime("'%Y-%m-%dT%H:%M:%SZ'", time.gmtime(second)))
    return sql


def defaults_of(dashboard: Mapping[str, Any]) -> dict[str, str]:
    """What the variables of a dashboard are when it is opened."""
    return {
        str(variable["name"]): _default(variable)
        for variable in dashboard.get("templating", {}).get("list", ())
        if variable.get("current")
    }


def panels_of(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels, also those of rows that are folded, which hold their panels themselves."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels") or ()


def _of_dashboard(dashboard: Mapping[str, Any]) -> Iterator[PanelQuestion]:
    shown_s = seconds(dashboard["time"]["from"])
    values = defaults_of(dashboard)
    for panel in panels_of(dashboard):
        for target in panel.get("targets") or ():
            if "sql" in target:
                window_s = seconds(panel["timeFrom"]) if panel.get("timeFrom") else shown_s
                yield PanelQuestion(
                    dashboard["uid"], panel.get("title", ""), filled(target["sql"], values), window_s
                )


def _default(variable: Mapping[str, Any]) -> str:
    value = variable["current"]["value"]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def filled(sql: str, values: Mapping[str, str]) -> str:
    """`sql` with its variables' values, in the formats of Grafana that dashboards use; the time macros stay."""

    def written(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        if name not in values:
            return match[0]
        return _FORMATS[match[2] or "raw"](values[name])

    return _VARIABLE.sub(written, sql)


def seconds(text: str) -> int:
    """``now-5m`` or ``5m`` in seconds."""
    found = _AGO.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no stretch of time that ends now")
    return int(found[1]) * _UNIT_S[found[2]]
