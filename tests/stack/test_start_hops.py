"""What stops a start, and what it says to do: ports that are really taken, settings and machines as they may be."""

from __future__ import annotations

import ast
import errno
import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.docker import Docker
from stack.doctor import main
from stack.hops import Broken, Hop, LeftOut, walk
from stack.settings import settings_of
from stack.start_hops import StartHops, free_port, port_trouble
from tests.stack.docker_command import ROOT, DockerCommand, compose_config, container

ORDER = ["Docker", "Compose", "settings", "ports", "memory", "disk", "token", "images"]


@pytest.fixture
def command(tmp_path: Path) -> DockerCommand:
    """A machine on which the stack can start, with small needs and ports that are free."""
    return DockerCommand(tmp_path, config=small())


def small(**variables: str) -> dict[str, Any]:
    ports = (free_port(21_000), free_port(31_000), free_port(41_000))
    free = dict(zip(("ARC_PORT", "GRAFANA_PORT", "METRICS_PORT"), map(str, ports), strict=True))
    return compose_config(**{"RATE": "1000", **free, **variables})


def failure_of(command: DockerCommand) -> tuple[str, Broken]:
    """The hop that fails and how; what comes after it is unchecked, what came before it held."""
    said: list[str] = []
    broken = walk(StartHops(command.docker()).hops(), said.append)
    assert broken is not None, said
    words = [line.split()[0] for line in said]
    place = words.index("FAILED")
    assert words == ["ok"] * place + ["FAILED"] + ["unchecked"] * (len(ORDER) - place - 1)
    assert broken.fix
    return ORDER[place], broken


def test_a_machine_that_has_all_passes_every_hop(
    command: DockerCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--before-start"], command.docker()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in ORDER]


def test_without_docker_it_says_where_to_get_it(tmp_path: Path) -> None:
    said: list[str] = []
    broken = walk(StartHops(Docker(env={"PATH": str(tmp_path)})).hops(), said.append)
    assert broken is not None
    assert broken.what == "Docker is not installed"
    assert "make demo" in broken.fix


@pytest.mark.parametrize(
    ("complaint", "fix"),
    [
        ("Cannot connect to the Docker daemon. Is the docker daemon running?", "systemctl start docker"),
        ("permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
    ],
)
def test_an_engine_that_does_not_answer_is_told_from_one_that_may_not_be_asked(
    command: DockerCommand, complaint: str, fix: str
) -> None:
    # As `docker info` does it: JSON with the client's part, and the complaint in it.
    command.others["info"] = (1, json.dumps({"ServerErrors": [complaint]}), "")
    hop, broken = failure_of(command)
    assert hop == "Docker"
    assert fix in broken.fix


@pytest.mark.parametrize(
    "answer", [(1, "", "docker: 'compose' is not a docker command."), (0, "1.29.2\n", "")]
)
def test_compose_must_be_there_and_be_its_second_version(
    command: DockerCommand, answer: tuple[int, str, str]
) -> None:
    command.others["compose version"] = answer
    hop, broken = failure_of(command)
    assert hop == "Compose"
    assert "docker-compose-plugin" in broken.fix


@pytest.mark.parametrize(
    ("variable", "value"),
    [("KEEP_MINUTES", "0"), ("KEEP_MINUTES", "soon"), ("RATE", "much"), ("REFRESH", "3s")],
)
def test_a_setting_that_cannot_be_is_named_with_one_that_can(
    command: DockerCommand, variable: str, value: str
) -> None:
    command.config = small(**{variable: value})
    hop, broken = failure_of(command)
    assert hop == "settings"
    assert variable in broken.what
    assert re.search(rf"make up {variable}=\w+", broken.fix)


def test_what_compose_refuses_is_shown(command: DockerCommand) -> None:
    command.others["compose config"] = (1, "", 'invalid boolean: "maybe"\n')
    hop, broken = failure_of(command)
    assert (hop, broken.what) == ("settings", 'invalid boolean: "maybe"')
    assert ".env" in broken.fix


@pytest.mark.parametrize("variable", ["ARC_PORT", "GRAFANA_PORT", "METRICS_PORT"])
def test_a_port_that_is_really_taken_is_named_with_one_that_is_free(
    command: DockerCommand, variable: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command.config = small(**{variable: str(port)})
        hop, broken = failure_of(command)
        assert hop == "ports"
        assert f"port {port} " in broken.what
        proposed = re.search(rf"make up {variable}=(\d+)", broken.fix)
        assert proposed is not None
        assert port_trouble(int(proposed[1]), "127.0.0.1") == 0


def test_the_container_that_has_the_port_is_named(command: DockerCommand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command.config = small(ARC_PORT=str(taken.getsockname()[1]))
        command.others["ps --filter"] = (0, "other-web-1\n", "")
        _, broken = failure_of(command)
    assert broken.what.endswith("is taken by the container other-web-1")


def test_a_port_that_the_stack_itself_has_is_ours(command: DockerCommand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command.config = small(ARC_PORT=str(port))
        command.containers = [container("arc", {8000: port})]
        start = StartHops(command.docker())
        said: list[str] = []
        assert walk(start.hops(), said.append) is None
    assert f"{port} ours" in said[ORDER.index("ports")]


def test_two_services_cannot_have_one_port(command: DockerCommand) -> None:
    port = str(free_port(25_000))
    command.config = small(ARC_PORT=port, GRAFANA_PORT=port)
    hop, broken = failure_of(command)
    assert hop == "ports"
    assert re.search(r"make up \w+_PORT=\d+", broken.fix)


def test_a_port_is_free_again_when_its_server_has_gone() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert port_trouble(port, "127.0.0.1") == errno.EADDRINUSE
        # A connection that is closed by the server's side first keeps the port for a while.
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    assert port_trouble(port, "127.0.0.1") == 0


def test_too_little_memory_says_how_much_is_needed(command: DockerCommand) -> None:
    command.info["MemTotal"] = 4_100_000_000
    hop, broken = failure_of(command)
    assert hop == "memory"
    assert "4.1 GB" in broken.what
    assert "ARC_MEMORY=" in broken.fix


def test_more_cpus_than_there_are_would_be_refused_by_the_engine(command: DockerCommand) -> None:
    command.info["NCPU"] = 1
    hop, broken = failure_of(command)
    assert hop == "memory"
    assert "make up ARC_CPUS=1" in broken.fix


def test_a_disk_too_small_for_the_rows_that_are_kept(command: DockerCommand, tmp_path: Path) -> None:
    command.info["DockerRootDir"] = str(tmp_path)
    # Sixty minutes of a thousand times the rate: no disk of a test machine holds them.
    command.config = small(RATE="612000000", KEEP_MINUTES="60")
    hop, broken = failure_of(command)
    assert hop == "disk"
    assert "make up KEEP_MINUTES=" in broken.fix
    # What runs already has its rows on the disk.
    command.containers = [container("arc")]
    assert walk(StartHops(command.docker()).hops(), print) is None


@pytest.mark.parametrize("token", ["short", "with a space at its end, which nobody can see "])
def test_a_token_that_arc_would_not_take(command: DockerCommand, token: str) -> None:
    command.config["services"]["generator"]["environment"]["ARC_TOKEN"] = token
    hop, broken = failure_of(command)
    assert hop == "token"
    assert "ARC_TOKEN=" in broken.fix
    assert token not in broken.message()


def test_images_that_are_missing_where_no_registry_answers(command: DockerCommand) -> None:
    command.others |= {
        "image inspect": (1, "", "No such image"),
        "manifest inspect": (1, "", "dial tcp: lookup of the registry failed: no such host\n"),
    }
    hop, broken = failure_of(command)
    assert hop == "images"
    assert "no such host" in broken.what
    assert "make unbundle" in broken.fix


def test_images_that_are_missing_and_can_be_had_are_no_fault(command: DockerCommand) -> None:
    command.others |= {"image inspect": (1, "", "No such image"), "manifest inspect": (0, "{}", "")}
    said: list[str] = []
    assert walk(StartHops(command.docker()).hops(), said.append) is None
    assert "will be fetched or built" in said[-1]


def test_every_base_image_of_a_build_is_looked_for() -> None:
    services = settings_of(compose_config(), ROOT).services
    assert services["generator"].stands_on == (f"python:{version('PYTHON_VERSION')}-slim",)
    assert services["grafana"].stands_on == (f"grafana/grafana:{version('GRAFANA_VERSION')}",)
    assert not services["arc"].is_built


def version(name: str) -> str:
    found = re.search(rf"^{name}=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_a_hop_that_is_left_out_stops_nothing() -> None:
    def left_out() -> str:
        raise LeftOut("not part of this stack")

    said: list[str] = []
    assert walk([Hop("one", left_out), Hop("two", lambda: "there")], said.append) is None
    assert [line.split()[0] for line in said] == ["left", "ok"]


@pytest.mark.parametrize("path", sorted((ROOT / "stack").glob("*.py")), ids=lambda path: path.name)
def test_it_runs_with_an_old_python_and_nothing_installed(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    modules = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules <= sys.stdlib_module_names | {"stack"}
    # Both came after 3.9.
    assert not re.search(r"slots=True|strict=", path.read_text())
