"""The committed dashboard: built from its sources, eight panels on one screen, everything named in them there."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.build_dashboards import DASHBOARDS, build, grafana_version, main, stale
from grafana.panel_sql import panel_questions, traced_columns as answer_columns
from grafana.colors import MANUFACTURER_COLORS
from grafana.fields import UNITS
from nascar.questions import load_questions
from nascar.race.entries import load_entries
from nascar.telemetry.schema import TABLES

ROOT = Path(__file__).parents[2]
HOME: dict[str, Any] = json.loads((DASHBOARDS / "nascar_race.json").read_text())
PANELS: list[dict[str, Any]] = HOME["panels"]
QUESTIONS = {question.number: question for question in load_questions()}

each_panel = pytest.mark.parametrize("panel", PANELS, ids=[QUESTIONS[p["id"]].slug for p in PANELS])


def columns_of(panel: dict[str, Any]) -> set[str]:
    return {column.name for column in answer_columns(QUESTIONS[panel["id"]].sql)}


def test_the_committed_files_are_what_would_be_built() -> None:
    assert stale(DASHBOARDS, build()) == []


def test_check_tells_a_stale_missing_or_strange_file_and_building_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["--check", "--directory", str(tmp_path)]
    assert main(check) == 1
    assert "make dashboards" in capsys.readouterr().err
    assert main(["--directory", str(tmp_path)]) == 0
    assert main(check) == 0
    (built,) = tmp_path.glob("*.json")
    built.write_text(built.read_text().replace("Fuel", "Coal"))
    (tmp_path / "hand_made.json").write_text("{}")
    assert main(check) == 1
    told = capsys.readouterr().err
    assert built.name in told
    assert "hand_made.json" in told
    assert main(["--directory", str(tmp_path)]) == 0
    assert [file.name for file in tmp_path.iterdir()] == [built.name]
    assert main(check) == 0


def test_the_build_runs_as_the_makefile_runs_it() -> None:
    command = [sys.executable, "-m", "grafana.build_dashboards", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "-m grafana.build_dashboards" in (ROOT / "stack.mk").read_text()


def test_the_eight_questions_have_one_panel_each_with_title_and_description() -> None:
    assert [panel["id"] for panel in PANELS] == sorted(QUESTIONS)
    for panel, form in zip(PANELS, panel_questions(), strict=True):
        assert panel["title"] == form.title
        assert panel["description"].replace("$car", "24") == form.shows
        assert len(panel["targets"]) == 1


def test_grafana_can_provision_it() -> None:
    assert HOME["title"] == "The eight questions"
    assert HOME["id"] is None
    assert HOME["uid"]
    assert HOME["schemaVersion"] <= 42
    # Without a version of its own a panel can lose its options in migration.
    assert {panel["pluginVersion"] for panel in PANELS} == {grafana_version()}


def test_every_panel_asks_the_provisioned_datasource() -> None:
    (source,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/arc.yaml").read_text())[
        "datasources"
    ]
    expected = {"type": source["type"], "uid": source["uid"]}
    for panel in PANELS:
        (target,) = panel["targets"]
        assert panel["datasource"] == target["datasource"] == expected
        assert target["rawQuery"] is True
        assert target["format"] in ("table", "time_series")
        assert target["splitDuration"] == "off"
    assert json.dumps(expected) in (ROOT / "grafana/health").read_text()
    # One to two of a hundred Arrow answers of Arc 26.06.3 arrive broken.
    assert source["jsonData"]["protocol"] == "json"
    # The stack's own network has private addresses.
    assert source["jsonData"]["allowPrivateIPs"] is True
    assert source["jsonData"]["useArrow"] is False


def test_the_datasource_is_told_what_compose_sets() -> None:
    text = (ROOT / "grafana/provisioning/datasources/arc.yaml").read_text()
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(re.findall(r"\$([A-Z_]+)", text)) <= compose["services"]["grafana"]["environment"].keys()


def test_the_provider_reads_the_folder_that_the_image_fills() -> None:
    (provider,) = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/race.yaml").read_text())[
        "providers"
    ]
    assert f"COPY dashboards {provider['options']['path']}\n" in (ROOT / "grafana/Dockerfile").read_text()


@each_panel
def test_a_panel_looks_back_as_far_as_its_question(panel: dict[str, Any]) -> None:
    number, unit = int(panel["timeFrom"][:-1]), panel["timeFrom"][-1]
    assert number * {"s": 1, "m": 60}[unit] == QUESTIONS[panel["id"]].window_s


@each_panel
def test_a_panel_says_so_while_there_is_no_data(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["noValue"] == "waiting for data"


@each_panel
def test_everything_a_panel_names_is_in_its_answer(panel: dict[str, Any]) -> None:
    columns = columns_of(panel)
    overridden = [override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]]
    assert overridden
    assert set(overridden) <= columns
    if "xField" in panel["options"]:
        assert panel["options"]["xField"] in columns
    for step in panel["transformations"]:
        options = step["options"]
        match step["id"]:
            case "filterFieldsByName":
                named = set(options["include"]["names"])
            case "sortBy":
                named = {by["field"] for by in options["sort"]}
            case "convertFieldType":
                named = {conversion["targetField"] for conversion in options["conversions"]}
        assert named <= columns


@each_panel
def test_what_a_filter_drops_is_not_looked_for_later(panel: dict[str, Any]) -> None:
    left = columns_of(panel)
    for step in panel["transformations"]:
        if step["id"] == "filterFieldsByName":
            left = set(step["options"]["include"]["names"])
    overridden = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    assert overridden <= left
    assert panel["options"].get("xField", next(iter(left))) in left
    labels = re.findall(r"\$\{__data\.fields\.(\w+)\}", json.dumps(panel["fieldConfig"]))
    assert set(labels) <= left


@each_panel
def test_every_drawn_measure_has_the_unit_of_its_sensor(panel: dict[str, Any]) -> None:
    traced = {column.name: column for column in answer_columns(QUESTIONS[panel["id"]].sql)}
    for override in panel["fieldConfig"]["overrides"]:
        column = traced[override["matcher"]["options"]]
        properties = {item["id"]: item["value"] for item in override["properties"]}
        if column.is_count:
            assert properties["unit"] == "short"
        elif column.source is not None and column.source.range is not None:
            assert properties["unit"] == UNITS[column.source.unit][0]


def test_every_unit_of_the_schema_has_one_in_grafana() -> None:
    units = {column.unit for table in TABLES for column in table.sensors}
    assert units <= UNITS.keys()


def test_the_panels_fill_one_screen_without_overlap() -> None:
    # 24 rows of 30 pixels with gaps of 8 and Grafana's own bars stay under 1080.
    cells = [
        (x, y)
        for panel in PANELS
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert sorted(cells) == sorted(itertools.product(range(24), range(24)))


def test_the_refresh_is_offered_and_allowed() -> None:
    assert HOME["refresh"] == "5s"
    assert HOME["refresh"] in HOME["timepicker"]["refresh_intervals"]
    allowed = re.search(
        r"GF_DASHBOARDS_MIN_REFRESH_INTERVAL=(\S+)", (ROOT / "grafana/Dockerfile").read_text()
    )
    assert allowed
    assert allowed[1] == HOME["timepicker"]["refresh_intervals"][0]


def test_the_cursor_is_shared() -> None:
    assert HOME["graphTooltip"] == 1


def test_the_car_is_chosen_by_a_variable_and_is_24_until_then() -> None:
    (car,) = HOME["templating"]["list"]
    assert car["name"] == "car"
    assert car["current"]["value"] == "24"
    assert [option["value"] for option in car["options"] if option["selected"]] == ["24"]
    pairs = [f"{option['text']} : {option['value']}" for option in car["options"]]
    assert car["query"].split(", ") == pairs
    assert not car["multi"]


def test_every_make_on_the_entry_list_has_its_own_colour() -> None:
    assert {entry.manufacturer for entry in load_entries()} == MANUFACTURER_COLORS.keys()
    assert len(set(MANUFACTURER_COLORS.values())) == len(MANUFACTURER_COLORS)
    for panel in PANELS:
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["options"] == "manufacturer":
                properties = {item["id"]: item["value"] for item in override["properties"]}
                (mapping,) = properties["mappings"]
                colors = {make: shown["color"] for make, shown in mapping["options"].items()}
                assert colors == MANUFACTURER_COLORS


def test_the_cars_to_choose_from_are_those_on_the_entry_list() -> None:
    offered = {option["value"]: option["text"] for option in HOME["templating"]["list"][0]["options"]}
    assert offered == {str(e.car_number): f"#{e.car_number} {e.driver}" for e in load_entries()}
    # Grafana cuts the list at commas, and a name from its number at a colon.
    assert not [name for name in offered.values() if "," in name or ":" in name]
    assert [int(number) for number in offered] == sorted(map(int, offered))
