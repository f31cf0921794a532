"""What holds for every dashboard, as far as its file tells."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from grafana.build_dashboards import ROOT, grafana_version
from grafana.colors import MANUFACTURER_COLORS, car_colors, driver_colors, team_colors
from grafana.links import CAR, HOME, INGEST, QUESTIONS, STRATEGY, TITLES
from nascar.race.entries import load_entries
from tests.grafana.committed import ALL, DASHBOARDS, Json, Shown, each_dashboard, each_panel, values

ON_ONE_SCREEN = (HOME, INGEST, QUESTIONS)
DOCKERFILE = (ROOT / "grafana/Dockerfile").read_text(encoding="utf-8")
SOURCE_FILE = ROOT / "grafana/provisioning/datasources/arc.yaml"
(SOURCE,) = yaml.safe_load(SOURCE_FILE.read_text(encoding="utf-8"))["datasources"]


def test_every_page_that_is_linked_is_there() -> None:
    assert DASHBOARDS.keys() == TITLES.keys()
    assert {uid: dashboard["title"] for uid, dashboard in DASHBOARDS.items()} == TITLES


@each_dashboard
def test_grafana_can_provision_it(dashboard: Json) -> None:
    assert dashboard["id"] is None
    assert dashboard["schemaVersion"] <= 42
    # Without a version of its own a panel can lose its options in migration.
    assert {panel["pluginVersion"] for panel in dashboard["panels"]} == {grafana_version()}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert sorted(set(ids)) == ids


@each_dashboard
def test_panels_lie_inside_the_grid_and_on_no_other(dashboard: Json) -> None:
    cells = [cell for panel in dashboard["panels"] for cell in _cells(panel["gridPos"])]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


@pytest.mark.parametrize("uid", ON_ONE_SCREEN)
def test_what_is_shown_on_a_stage_fills_one_screen(uid: str) -> None:
    # 24 rows of 30 pixels with gaps of 8 and Grafana's own bars stay under 1080.
    cells = [cell for panel in DASHBOARDS[uid]["panels"] for cell in _cells(panel["gridPos"])]
    assert sorted(cells) == sorted(itertools.product(range(24), range(24)))


@each_dashboard
def test_titles_are_told_apart(dashboard: Json) -> None:
    titles = [panel["title"] for panel in dashboard["panels"] if panel["title"]]
    assert len(titles) == len(set(titles))


def with_parts(file: Path) -> str:
    """The text of a query's file, and of those that it goes on from."""
    text = file.read_text(encoding="utf-8")
    named = re.findall(r"^-- with: (\w+)$", text, re.MULTILINE)
    return "\n".join([text, *(with_parts(file.with_name(f"{name}.cte")) for name in named)])


@each_panel
def test_a_panel_says_what_it_shows_what_to_look_for_and_what_it_asks(shown: Shown) -> None:
    description = shown.panel["description"]
    files = re.findall(r"^Query: (\S+\.sql)$", description, re.MULTILINE)
    assert len(files) == len(shown.targets) == len(re.findall(r"^Look for: .+", description, re.MULTILINE))
    for file, target in zip(files, shown.targets, strict=True):
        written = with_parts(ROOT / file)
        # Whoever opens the file, and those that it names, finds the columns that the panel asks for.
        selected = re.findall(r"\bAS (\w+)", target["sql"], re.IGNORECASE)
        assert all(
            re.search(rf"\b{name}\b", written) for name in selected if shown.dashboard["uid"] != QUESTIONS
        )


@each_panel
def test_a_panel_asks_the_provisioned_datasource_and_says_so_while_there_is_nothing(shown: Shown) -> None:
    expected = {"type": SOURCE["type"], "uid": SOURCE["uid"]}
    assert shown.panel["datasource"] == expected
    for target in shown.targets:
        assert target["datasource"] == expected
        assert target["rawQuery"] is True
        assert target["format"] in ("table", "time_series")
        assert target["splitDuration"] == "off"
    assert [target["refId"] for target in shown.targets] == list("ABCDEFGH")[: len(shown.targets)]
    assert shown.panel["fieldConfig"]["defaults"]["noValue"] == "no data yet"


def test_the_datasource_speaks_json_and_is_told_what_compose_sets() -> None:
    expected = {"type": SOURCE["type"], "uid": SOURCE["uid"]}
    assert json.dumps(expected) in (ROOT / "grafana/health").read_text(encoding="utf-8")
    # One to two of a hundred Arrow answers of Arc 26.06.3 arrive broken.
    assert SOURCE["jsonData"]["protocol"] == "json"
    assert SOURCE["jsonData"]["useArrow"] is False
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    told = set(re.findall(r"\$([A-Z_]+)", SOURCE_FILE.read_text(encoding="utf-8")))
    assert told <= compose["services"]["grafana"]["environment"].keys()


def test_the_provider_reads_the_folder_that_the_image_fills_and_the_home_is_in_it() -> None:
    provisioned = (ROOT / "grafana/provisioning/dashboards/race.yaml").read_text(encoding="utf-8")
    (provider,) = yaml.safe_load(provisioned)["providers"]
    folder = provider["options"]["path"]
    home = re.search(r"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=(\S+)", DOCKERFILE)
    assert home
    assert home[1] == f"{folder}/{HOME.replace('-', '_')}.json"
    assert (ROOT / "grafana/dashboards" / Path(home[1]).name).is_file()


# Time.


@each_dashboard
def test_the_refresh_is_offered_and_allowed(dashboard: Json) -> None:
    offered = dashboard["timepicker"]["refresh_intervals"]
    assert dashboard["refresh"] == "5s"
    assert dashboard["refresh"] in offered
    allowed = re.search(r"GF_DASHBOARDS_MIN_REFRESH_INTERVAL=(\S+)", DOCKERFILE)
    assert allowed
    assert allowed[1] == offered[0]


@each_dashboard
def test_the_cursor_is_shared_and_the_race_is_told_on_every_time_axis(dashboard: Json) -> None:
    assert dashboard["graphTooltip"] == 1
    told = dashboard["annotations"]["list"]
    assert len({annotation["iconColor"] for annotation in told}) == len(told) == 2
    for annotation in told:
        assert annotation["enable"] is True
        assert annotation["datasource"] == annotation["target"]["datasource"]
        assert annotation["target"]["format"] == "table"


def test_pages_over_time_have_a_time_axis() -> None:
    for uid in (HOME, CAR, INGEST, QUESTIONS):
        assert "timeseries" in {panel["type"] for panel in DASHBOARDS[uid]["panels"]}, uid


# Ways.


@each_dashboard
def test_every_page_leads_to_all_others_with_the_time_kept(dashboard: Json) -> None:
    links = dashboard["links"]
    assert [link["url"] for link in links] == [f"/d/{uid}" for uid in TITLES if uid != dashboard["uid"]]
    assert all(link["type"] == "link" and link["keepTime"] and link["includeVars"] for link in links)


def test_every_link_leads_to_a_page_and_to_variables_that_it_has() -> None:
    urls = set(values(list(DASHBOARDS.values()), "url"))
    assert any(url.startswith(f"/d/{CAR}?") for url in urls)
    assert any(url.startswith(f"/d/{STRATEGY}?") for url in urls)
    for url in urls:
        path, _, query = url.partition("?")
        target = DASHBOARDS[path.removeprefix("/d/")]
        known = {variable["name"] for variable in target["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", query)) <= known
        assert not query or query.endswith("&${__url_time_range}")


def test_every_car_in_a_table_leads_to_its_page() -> None:
    for shown in ALL:
        if shown.panel["type"] == "table" and "car_number" in shown.overrides:
            (link,) = shown.overrides["car_number"]["links"]
            assert link["url"].startswith(f"/d/{CAR}?var-car=${{__data.fields.car_number.text}}&")


def test_every_bar_that_names_a_car_leads_to_its_page() -> None:
    bars = [shown for shown in ALL if "__data.fields.car_number}" in json.dumps(shown.panel["fieldConfig"])]
    assert {shown.panel["type"] for shown in bars} == {"bargauge"}
    for shown in bars:
        (settings,) = shown.overrides.values()
        (link,) = settings["links"]
        assert link["url"].startswith(f"/d/{CAR}?var-car=${{__data.fields.car_number.text}}&")


# Choices.


@each_dashboard
def test_every_choice_has_a_default_among_its_options(dashboard: Json) -> None:
    for variable in dashboard["templating"]["list"]:
        options = {option["value"]: option["text"] for option in variable["options"]}
        chosen = variable["current"]
        assert options[chosen["value"]] == chosen["text"]
        assert [option["value"] for option in variable["options"] if option["selected"]] == [chosen["value"]]
        assert variable["type"] == "custom"
        assert not variable["multi"]
        assert not variable["includeAll"]
        # Grafana cuts the list at commas, and a text from its value at a colon.
        pairs = [text if text == value else f"{text} : {value}" for value, text in options.items()]
        assert variable["query"].split(", ") == pairs
        assert not [text for text in options.values() if "," in text or ":" in text]


def test_cars_and_teams_to_choose_from_are_those_of_the_entry_list() -> None:
    entries = load_entries()
    cars = {str(e.car_number): f"#{e.car_number} {e.driver}" for e in entries}
    expected = {"car": cars, "compare": cars, "team": {e.team: e.team for e in entries}}
    offered = {
        variable["name"]: {option["value"]: option["text"] for option in variable["options"]}
        for dashboard in DASHBOARDS.values()
        for variable in dashboard["templating"]["list"]
    }
    assert offered == expected
    assert [int(number) for number in offered["car"]] == sorted(int(number) for number in cars)


def test_nobody_is_compared_with_himself_to_begin_with() -> None:
    chosen = {v["name"]: v["current"]["value"] for v in DASHBOARDS[CAR]["templating"]["list"]}
    assert chosen["car"] != chosen["compare"]


# Colours.


def test_a_make_a_team_and_a_car_have_one_colour_everywhere() -> None:
    expected = {**MANUFACTURER_COLORS, **team_colors(), **driver_colors()}
    seen = list(_named_colors())
    assert {name for name, _ in seen} >= MANUFACTURER_COLORS.keys()
    for name, color in seen:
        if name in expected:
            assert color == expected[name]


def test_a_car_number_has_the_colour_of_its_driver() -> None:
    expected = {str(number): color for number, color in car_colors().items()}
    assert [driver_colors()[entry.driver] for entry in load_entries()] == list(expected.values())
    for shown in ALL:
        if shown.panel["type"] == "table" and "car_number" in shown.overrides:
            (mapping,) = shown.overrides["car_number"]["mappings"]
            assert {number: to["color"] for number, to in mapping["options"].items()} == expected
            # Links take the number as it is written.
            assert not [to for to in mapping["options"].values() if "text" in to]
            assert (shown.overrides["car_number"]["unit"], shown.overrides["car_number"]["decimals"]) == (
                "none",
                0,
            )


def _named_colors() -> Iterator[tuple[str, str]]:
    """Each text that has a colour, by a mapping or an override, and that colour."""
    pages = list(DASHBOARDS.values())
    own = [item["value"] for item in _properties(pages) if item["id"] == "mappings"]
    for mapping in itertools.chain.from_iterable([*own, *values(pages, "mappings")]):
        for value, shown in mapping["options"].items():
            if "color" in shown:
                yield value, shown["color"]
                yield shown.get("text", value), shown["color"]
    for override in itertools.chain.from_iterable(values(pages, "overrides")):
        name = override["matcher"]["options"]
        if override["matcher"]["id"] == "byRegexp":
            name = re.sub(r"\\(.)", r"\1", name.removeprefix("/").removesuffix("$/"))
        for item in override["properties"]:
            if item["id"] == "color" and item["value"].get("mode") == "fixed":
                yield name, item["value"]["fixedColor"]


def _properties(node: object) -> Iterator[Json]:
    for properties in values(node, "properties"):
        yield from properties


def _cells(place: Json) -> Iterator[tuple[int, int]]:
    return itertools.product(
        range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    )
