"""A panel of any type as Grafana's classic dashboard JSON: what it asks, where it stands, how its columns are written.

The modules beside this one make one type of panel each out of a `Frame`: tables, numbers, lines, bars, plots.
What Grafana fills in by itself is left out; `dashboard` adds what a panel has only in its dashboard, its id and version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grafana.fields import Json as Json
from grafana.fields import meaning, override
from grafana.panel_files import PanelQuery

DATASOURCE: Final = {"type": "basekick-arc-datasource", "uid": "arc"}
NO_VALUE: Final = "no data yet"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands on the grid of 24 columns."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What every panel needs, whatever its type."""

    query: PanelQuery
    place: Place
    fields: Mapping[str, Json] = field(default_factory=dict)
    """Further field settings by column, over those that are derived: ``{"lap": {"custom.width": 50}}``."""
    more: Sequence[PanelQuery] = ()
    """Further queries of the same panel; they answer with frames 1, 2, …"""
    is_long: bool = False
    """Rows of time, text and number: the datasource makes one series of each text (its format time_series)."""
    links: Sequence[Json] = ()
    """Links in the panel's own corner."""
    title: str | None = None
    """Instead of the query's; empty for a panel without a header."""
    overrides: Sequence[Json] = ()
    """Whole overrides, such as `colors.series_colors`, behind those of the columns."""

    def __post_init__(self) -> None:
        if len({query.window for query in self.queries}) > 1:
            raise ValueError(f"{self.query.file}: a panel has one window, and so have all its queries")

    @property
    def queries(self) -> tuple[PanelQuery, ...]:
        return (self.query, *self.more)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of all queries, each once."""
        return tuple(dict.fromkeys(column.name for query in self.queries for column in query.columns))

    def panel(
        self,
        kind: str,
        options: Json,
        settings: Mapping[str, Json],
        *,
        defaults: Json | None = None,
        transformations: Sequence[Json] = (),
    ) -> Json:
        """A panel of type `kind`; `settings` are field settings of the columns that it draws, by name."""
        strange = (settings.keys() | self.fields.keys()) - set(self.columns)
        if strange:
            raise ValueError(f"{self.query.file} does not answer with {sorted(strange)}")
        return {
            "type": kind,
            "title": self.query.title if self.title is None else self.title,
            "description": "\n\n".join(query.description for query in self.queries),
            "gridPos": {"x": self.place.x, "y": self.place.y, "w": self.place.w, "h": self.place.h},
            "datasource": DATASOURCE,
            **({"timeFrom": self.query.window} if self.query.window else {}),
            "targets": [self._target(chr(ord("A") + i), query) for i, query in enumerate(self.queries)],
            "links": list(self.links),
            "transformations": list(transformations),
            "fieldConfig": {
                "defaults": {"noValue": NO_VALUE, "custom": {}, **(defaults or {})},
                "overrides": [
                    *(override(name, self.meaning(name, settings[name])) for name in settings),
                    *self.overrides,
                ],
            },
            "options": options,
        }

    def meaning(self, name: str, settings: Mapping[str, Any] | None = None) -> Json:
        """Name, unit and decimals of the column `name`, `settings` over them, and over those the frame's own."""
        for query in self.queries:
            if name in {column.name for column in query.columns}:
                return meaning(query.column(name), {**(settings or {}), **self.fields.get(name, {})})
        raise ValueError(f"{self.query.file} does not answer with {name!r}")

    def _target(self, ref: str, query: PanelQuery) -> Json:
        return {"refId": ref, **target(query, is_long=self.is_long)}


def target(query: PanelQuery, *, is_long: bool = False) -> Json:
    """What travels to the datasource."""
    return {
        "datasource": DATASOURCE,
        "sql": query.target_sql,
        "format": "time_series" if is_long else "table",
        "rawQuery": True,
        "splitDuration": "off",
    }


def legend(*calcs: str, placement: str = "bottom", shown: bool = True, mode: str = "list") -> Json:
    """A legend with the last, mean, max … of each series."""
    return {"showLegend": shown, "displayMode": mode, "placement": placement, "calcs": list(calcs)}


def only(*names: str) -> Json:
    """Drops all other columns."""
    return {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}}


def ascending(name: str) -> Json:
    """Sorts by one column."""
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": name, "desc": False}]}}


def as_text(name: str) -> Json:
    """Makes a label of a number."""
    conversion = {"targetField": name, "destinationType": "string"}
    return {"id": "convertFieldType", "options": {"fields": {}, "conversions": [conversion]}}


def matrix(column: str, row: str, value: str) -> Json:
    """One column for each text of `column`, one row for each `row`; the first is called ``row\\column``."""
    options = {"columnField": column, "rowField": row, "valueField": value, "emptyValue": "null"}
    return {"id": "groupingToMatrix", "options": options}
