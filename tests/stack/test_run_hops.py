"""The hops of a running stack against a real engine with rows, and a server that answers as Grafana does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stack.hops import Broken, walk
from stack.panels import questions
from stack.ports import ask_arc
from stack.run_hops import RunHops
from stack.settings import Settings, settings_of
from stack.start_hops import free_port
from tests.cli.conftest import TOKEN, Engine, end_engine, start_engine
from tests.stack.docker_command import ROOT, DockerCommand, compose_config, container
from tests.stack.grafana_server import GrafanaServer, serving

ORDER = [
    "Arc",
    "token accepted",
    "rows arriving",
    "retention",
    "metrics",
    "Grafana",
    "plugin",
    "datasource",
    "a question",
]
DATABASE = "nascar_telemetry"


@dataclass
class Running:
    """A stack whose Arc is the embedded engine and whose other parts are as they are set."""

    command: DockerCommand
    grafana: GrafanaServer
    settings: Settings
    now_s: float

    def walk(self) -> tuple[list[str], Broken | None]:
        said: list[str] = []
        hops = RunHops(self.command.docker(), lambda: self.settings, clock=lambda: self.now_s)
        return said, walk(hops.hops(), said.append)

    def failure(self) -> tuple[str, Broken]:
        said, broken = self.walk()
        assert broken is not None, said
        place = [line.split()[0] for line in said].index("FAILED")
        assert all(line.startswith("unchecked") for line in said[place + 1 :])
        return ORDER[place], broken

    def change(self, service: str, **changes: object) -> None:
        self.command.containers = [
            {**one, **changes} if one["Service"] == service else one for one in self.command.containers
        ]


@pytest.fixture(scope="module")
def arc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with the rows of a few seconds."""
    engine = start_engine(tmp_path_factory.mktemp("arc"))
    try:
        flags = ["--url", engine.url, "--rate", "20000", "--duration", "4", "--no-verify", "--processes", "1"]
        subprocess.run(
            [sys.executable, "-m", "nascar", "stream", *flags],
            env={**os.environ, "ARC_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
            timeout=120,
            check=True,
        )
        yield engine
    finally:
        end_engine(engine)


@pytest.fixture(scope="module")
def newest_s(arc: Engine) -> float:
    """When the newest row happened, seconds since 1970."""
    end = time.monotonic() + 20
    while True:
        sql = "SELECT CAST(epoch(MAX(time)) AS DOUBLE), COUNT(*) FROM engine_telemetry"
        data = ask_arc(arc.url, TOKEN, sql, DATABASE).body["data"]
        if data and data[0][1] > 20_000:
            return float(data[0][0])
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture
def stack(tmp_path: Path, arc: Engine, newest_s: float) -> Iterator[Running]:
    arc_port = int(arc.url.rpartition(":")[2])
    settings = settings_of(compose_config(ARC_TOKEN=TOKEN), ROOT)
    grafana = GrafanaServer(arc.url, TOKEN, DATABASE)
    with serving(grafana):
        command = DockerCommand(tmp_path)
        command.containers = [
            container("arc", {8000: arc_port}),
            container("retention"),
            # Any server that answers GET /metrics will do: Arc does.
            container("generator", {9464: arc_port}),
            container("grafana", {3000: grafana.port}),
        ]
        yield Running(command, grafana, settings, newest_s + 2)


def test_a_stack_that_works_passes_every_hop(stack: Running) -> None:
    said, broken = stack.walk()
    assert broken is None, said
    assert [line.startswith(f"ok         {name}") for line, name in zip(said, ORDER, strict=True)] == [
        True
    ] * 9
    assert said[-1].endswith(" rows")
    assert " 0 rows" not in said[-1]


def test_without_grafana_the_question_goes_to_arc(stack: Running) -> None:
    services = {name: one for name, one in stack.settings.services.items() if name != "grafana"}
    stack.settings = replace(stack.settings, services=services)
    said, broken = stack.walk()
    assert broken is None, said
    assert [line.split("  ")[0] for line in said].count("left out") == 3
    assert said[-1].startswith("ok")
    assert " 0 rows" not in said[-1]


def test_a_stack_that_was_not_started(stack: Running) -> None:
    stack.command.containers = []
    hop, broken = stack.failure()
    assert (hop, broken.what, broken.fix) == ("Arc", "arc was not started", "Start the stack: make up")


def test_a_stack_whose_images_could_not_be_built(stack: Running) -> None:
    stack.command.containers = []
    stack.command.others |= {"image inspect --format {{.Id}} nascar-grafana": (1, "", "No such image")}
    hop, broken = stack.failure()
    assert (hop, broken.what) == ("Arc", "arc was not started: the image nascar-grafana is not there")
    assert "make build" in broken.fix
    assert "make unbundle" in broken.fix


def test_an_arc_that_ran_out_of_memory_is_told_from_one_that_ended(stack: Running) -> None:
    stack.change("arc", State="exited", ExitCode=137)
    stack.command.others["inspect --format"] = (0, "true\n", "")
    hop, broken = stack.failure()
    assert hop == "Arc"
    assert "ARC_MEMORY=" in broken.fix
    stack.command.others["inspect --format"] = (0, "false\n", "")
    hop, broken = stack.failure()
    assert "137" in broken.what
    assert "docker compose logs arc" in broken.fix


def test_an_arc_that_runs_but_does_not_answer(stack: Running) -> None:
    stack.change("arc", Publishers=[{"TargetPort": 8000, "PublishedPort": free_port(28_000)}])
    hop, broken = stack.failure()
    assert hop == "Arc"
    assert "docker compose restart arc" in broken.fix


def test_a_token_that_the_volume_does_not_know(stack: Running) -> None:
    stack.settings = settings_of(compose_config(ARC_TOKEN="another-token-than-the-one-it-began-with"), ROOT)
    hop, broken = stack.failure()
    assert hop == "token accepted"
    assert "make reset" in broken.fix
    assert "another-token" not in broken.message()


def test_rows_that_are_old_and_a_generator_that_ended(stack: Running) -> None:
    stack.now_s += 60
    hop, broken = stack.failure()
    assert hop == "rows arriving"
    assert "is 62 s old" in broken.what
    assert "docker compose restart generator" in broken.fix
    stack.change("generator", State="exited", ExitCode=1)
    hop, broken = stack.failure()
    assert (hop, "generator is exited" in broken.what) == ("rows arriving", True)


def test_a_database_without_rows(stack: Running) -> None:
    stack.settings = settings_of(compose_config(ARC_TOKEN=TOKEN, DATABASE="daytona"), ROOT)
    hop, broken = stack.failure()
    assert hop == "rows arriving"
    assert "daytona" in broken.what


def test_a_retention_that_does_not_work(stack: Running) -> None:
    stack.change("retention", Health="unhealthy")
    hop, broken = stack.failure()
    assert hop == "retention"
    assert "the disk fills" in broken.what
    assert "docker compose logs retention" in broken.fix


def test_a_grafana_that_is_not_well(stack: Running) -> None:
    stack.grafana.is_well = False
    hop, broken = stack.failure()
    assert hop == "Grafana"
    assert "docker compose logs grafana" in broken.fix


def test_a_plugin_that_is_not_loaded_is_built_in_again(stack: Running) -> None:
    stack.grafana.has_plugin = False
    hop, broken = stack.failure()
    assert hop == "plugin"
    assert "make build" in broken.fix
    assert "GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS" in broken.fix


def test_a_datasource_that_is_not_there(stack: Running) -> None:
    stack.grafana.has_datasource = False
    hop, broken = stack.failure()
    assert hop == "datasource"
    assert "make build" in broken.fix


def test_a_grafana_with_another_token_than_arcs(stack: Running) -> None:
    stack.grafana.arc_token = "another-token-than-the-one-it-began-with"
    hop, broken = stack.failure()
    assert hop == "datasource"
    assert "another token" in broken.fix


def test_a_question_without_rows(stack: Running) -> None:
    stack.grafana.database = "daytona"
    hop, broken = stack.failure()
    assert hop == "a question"
    assert broken.what.endswith("no rows")


def test_the_question_that_is_asked_is_one_of_the_eight() -> None:
    ours = [question for question in questions() if question.dashboard == "nascar-race"]
    assert len(ours) >= 8
    assert all("$" not in question.at(time.time()) for question in questions())
