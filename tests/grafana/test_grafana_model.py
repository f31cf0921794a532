"""Every option and every field setting is one that Grafana's own schema has, with a value that it allows.

The schema is that of `grafana-foundation-sdk`, which is generated from Grafana's sources.
"""

from __future__ import annotations

import importlib
import json
import re
import typing
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tests.grafana.committed import ALL, Json, Shown, each_dashboard, each_panel

# Types whose field settings the schema keeps under a name that other panels share.
SHARED = {"timeseries": "GraphFieldConfig", "trend": "GraphFieldConfig", "table": "TableFieldOptions"}
STANDARD = {
    "displayName",
    "unit",
    "decimals",
    "min",
    "max",
    "color",
    "mappings",
    "thresholds",
    "links",
    "noValue",
}
"""Field settings that every type of panel knows."""


# The schema of the classic dashboards asks for the new ones, which cannot be provisioned from files.
pytestmark = pytest.mark.filterwarnings("ignore:Prefer using dashboardv2:DeprecationWarning")


def schema(name: str) -> ModuleType:
    return importlib.import_module(f"grafana_foundation_sdk.models.{name}")


def model_of(shown: Shown) -> ModuleType:
    return schema(shown.panel["type"].replace("-", ""))


def custom_model(shown: Shown) -> Any:
    """The schema of this type's own field settings; None where it has none."""
    shared = SHARED.get(shown.panel["type"])
    return getattr(schema("common"), shared) if shared else getattr(model_of(shown), "FieldConfig", None)


def read_back(model: Any, written: Any) -> Any:
    """What the schema makes of `written`: it drops whatever it does not know."""
    return json.loads(json.dumps(model.from_json(written), cls=JSONEncoder))


def lost(written: Any, read: Any, path: str = "") -> Iterator[str]:
    """Paths of all that is not in `read` as it is in `written`."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            yield from lost(value, read[key], f"{path}/{key}") if key in read else (f"{path}/{key}",)
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for number, (one, other) in enumerate(zip(written, read, strict=True)):
            yield from lost(one, other, f"{path}/{number}")
    elif written != read:
        yield path


def refused(model: Any, written: Json, path: str = "") -> Iterator[str]:
    """Paths of the words that are none of those the schema allows at their place."""
    hints = typing.get_type_hints(model)
    for key, value in written.items():
        allowed = hints.get(re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(), object)
        choices = [kind for kind in (allowed, *typing.get_args(allowed)) if kind is not type(None)]
        for kind in choices:
            if isinstance(kind, type) and issubclass(kind, Enum) and isinstance(value, str):
                if value not in {member.value for member in kind}:
                    yield f"{path}/{key}={value}"
            elif isinstance(value, dict) and hasattr(kind, "from_json"):
                yield from refused(kind, value, f"{path}/{key}")
        words = [
            word
            for kind in choices
            if typing.get_origin(kind) is typing.Literal
            for word in typing.get_args(kind)
        ]
        if words and value not in words:
            yield f"{path}/{key}={value}"


@each_dashboard
def test_the_schema_knows_all_that_is_around_the_panels(dashboard: Json) -> None:
    around = {key: value for key, value in dashboard.items() if key not in ("id", "panels", "links")}
    assert list(lost(around, read_back(schema("dashboard").Dashboard, around))) == []
    for link in dashboard["links"]:
        assert list(lost(link, read_back(schema("dashboard").DashboardLink, link))) == []
        assert list(refused(schema("dashboard").DashboardLink, link)) == []


@pytest.mark.parametrize("shown", ALL, ids=[shown.id for shown in ALL])
def test_the_schema_knows_every_option(shown: Shown) -> None:
    model = model_of(shown).Options
    assert list(lost(shown.panel["options"], read_back(model, shown.panel["options"]))) == []
    assert list(refused(model, shown.panel["options"])) == []


@each_panel
def test_the_schema_knows_every_field_setting(shown: Shown) -> None:
    config = shown.panel["fieldConfig"]
    properties = [item for override in config["overrides"] for item in override["properties"]]
    settings = [
        *({item["id"]: item["value"]} for item in properties),
        *({f"custom.{key}": value} for key, value in config["defaults"].get("custom", {}).items()),
        *({key: value} for key, value in config["defaults"].items() if key != "custom"),
    ]
    model = custom_model(shown)
    for setting in settings:
        ((name, value),) = setting.items()
        if not name.startswith("custom."):
            assert name in STANDARD
            assert list(lost({name: value}, read_back(schema("dashboard").FieldConfig, {name: value}))) == []
            continue
        assert model is not None, f"{name}: this type of panel has no settings of its own"
        written: Json = {name.removeprefix("custom."): value}
        assert list(lost(written, read_back(model, written))) == []
        assert list(refused(model, written)) == []


def test_the_check_sees_what_the_schema_does_not_know() -> None:
    assert list(lost({"showHeader": True, "rowColour": 1}, {"showHeader": True})) == ["/rowColour"]
    shown = next(shown for shown in ALL if shown.panel["type"] == "stat")
    options = {**shown.panel["options"], "graphMode": "aera", "colour": "red"}
    model = model_of(shown).Options
    assert list(lost(options, read_back(model, options))) == ["/colour"]
    assert list(refused(model, options)) == ["/graphMode=aera"]
