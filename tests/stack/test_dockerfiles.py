"""The images: versions from one place, no root, everything baked in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack import start_hops

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
GENERATOR = (ROOT / "generator" / "Dockerfile").read_text()
GRAFANA = (ROOT / "grafana" / "Dockerfile").read_text()
VERSION_VARIABLES = ("ARC_VERSION", "PYTHON_VERSION", "GRAFANA_VERSION", "PLUGIN_VERSION")


def arguments(dockerfile: str) -> dict[str, str]:
    """The ARGs of a Dockerfile with their defaults."""
    return dict(re.findall(r"^ARG (\w+)=?(.*)$", dockerfile, re.MULTILINE))


def test_the_versions_are_named_in_docker_compose_alone() -> None:
    for service, dockerfile in (("generator", GENERATOR), ("grafana", GRAFANA)):
        given = COMPOSE["services"][service]["build"]["args"]
        declared = arguments(dockerfile)
        assert given.keys() <= declared.keys()
        for name in given:
            assert declared[name] == "", f"{name} has a second default in a Dockerfile"
        sources = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
        assert sources
        assert all(re.search(r":\$\{\w+_VERSION\}(-slim)?$", source) for source in sources)
    compose = (ROOT / "docker-compose.yml").read_text()
    for name in VERSION_VARIABLES:
        assert len(re.findall(rf"\${{{name}:-[\d.]+}}", compose)) == 1


def test_the_generator_installs_only_what_is_locked_and_runs_without_root() -> None:
    installs = re.findall(r"pip install (.*)", GENERATOR)
    assert [("--require-hashes" in line or "--no-deps" in line) for line in installs] == [True, True]
    assert "requirements/stream.txt" in installs[0]
    last_stage = GENERATOR.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER nascar$", last_stage, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["nascar"\]$', last_stage, re.MULTILINE)


def test_what_the_generator_copies_is_let_through_to_the_build() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", GENERATOR, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert any(source == path or source.startswith(f"{path}/") for path in allowed)


def test_the_plugin_is_checked_and_named_to_grafana() -> None:
    plugin_stage, _, image = GRAFANA.split("\n\n\n")
    assert "sha256sum -c" in plugin_stage
    assert "md5sum -c" in plugin_stage
    assert re.search(r"grep -Eq .*version.*\$PLUGIN_VERSION.* plugin\.json", plugin_stage)
    assert "GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS=basekick-arc-datasource" in image
    assert "COPY --from=plugin" in image
    # The state of Grafana is mounted there, and would hide a plugin inside.
    assert not re.search(r"GF_PATHS_PLUGINS=/var/lib/grafana", image)


def test_grafana_calls_nobody_and_shows_the_race_first() -> None:
    settings = dict(re.findall(r"(GF_\w+)=(\S+)", GRAFANA))
    off = (
        "GF_PLUGINS_PREINSTALL_AUTO_UPDATE",
        "GF_PLUGINS_PLUGIN_ADMIN_ENABLED",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED",
        "GF_NEWS_NEWS_FEED_ENABLED",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED",
    )
    on = (
        "GF_PLUGINS_PREINSTALL_DISABLED",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED",
        "GF_SECURITY_DISABLE_GRAVATAR",
        "GF_AUTH_ANONYMOUS_ENABLED",
    )
    assert {name: settings[name] for name in off} == dict.fromkeys(off, "false")
    assert {name: settings[name] for name in on} == dict.fromkeys(on, "true")
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    home = Path(settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / "grafana" / "dashboards" / home.name).is_file()
    assert f"COPY --from=dashboards /dashboards {home.parent}" in GRAFANA


def test_grafana_has_no_volume_that_could_hide_what_is_baked_in() -> None:
    assert "volumes" not in COMPOSE["services"]["grafana"]


REFRESHES = start_hops.REFRESHES
"""Those that the doctor lets through."""


def refreshed(folder: Path, refresh: str) -> subprocess.CompletedProcess[str]:
    """The build's step that sets the refresh, run on the dashboards in `folder` by the same shell."""
    stage = GRAFANA.split("\n\n\n")[1]
    step = re.search(r"^RUN (set -eu;.*?)(?<!\\)$", stage, re.MULTILINE | re.DOTALL)
    assert step is not None
    script = step[1].replace("\\\n", "\n").replace("/dashboards", str(folder))
    return subprocess.run(
        ["sh", "-c", script],
        env={"PATH": os.environ["PATH"], "REFRESH": refresh},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("refresh", REFRESHES)
def test_the_refresh_is_built_into_every_dashboard_and_nothing_else_changes(
    tmp_path: Path, refresh: str
) -> None:
    committed = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
    for file in committed:
        shutil.copy(file, tmp_path)
    assert refreshed(tmp_path, refresh).returncode == 0
    for file in committed:
        built = json.loads((tmp_path / file.name).read_text())
        assert built["refresh"] == refresh
        assert built == {**json.loads(file.read_text()), "refresh": refresh}


@pytest.mark.parametrize("refresh", ["", "5", "3s", "100s", "5s; true"])
def test_a_refresh_that_cannot_be_ends_the_build_with_what_to_give(tmp_path: Path, refresh: str) -> None:
    answer = refreshed(tmp_path, refresh)
    assert answer.returncode == 1
    assert f"give {', '.join(REFRESHES[:-1])} or {REFRESHES[-1]}" in answer.stdout


def test_a_refresh_that_can_be_built_in_can_be_chosen_on_the_page() -> None:
    for file in (ROOT / "grafana" / "dashboards").glob("*.json"):
        dashboard = json.loads(file.read_text())
        assert set(REFRESHES) <= set(dashboard["timepicker"]["refresh_intervals"]), file.name


def test_the_stand_in_for_arc_is_built_on_the_generator_with_the_same_user() -> None:
    stand_in = (ROOT / "tests" / "stack" / "embedded_arc.Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", stand_in, re.MULTILINE) == [COMPOSE["services"]["generator"]["image"]]
    assert re.search(r"^RUN useradd --uid 1000 ", GENERATOR, re.MULTILINE)
    assert COMPOSE["services"]["generator"]["user"] == "1000:1000"
