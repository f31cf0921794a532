"""The rules that every service of docker-compose.yml keeps, and the one place of each of its defaults."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from nascar.cli.stream import configure
from nascar.questions import PUBLISHED_DATABASE
from nascar.stream.readback import SILENT_S
from nascar.stream.settings import StreamSettings
from stack.settings import PORT_VARIABLES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{([A-Z_0-9]+)(:-([^}]*))?\}")
EXAMPLE = dict(re.findall(r"^([A-Z_0-9]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def with_defaults(text: str) -> str:
    """`text` as Compose reads it when no variable is set."""
    return VARIABLE.sub(lambda match: match[3] or "", text)


def test_the_stack_is_arc_retention_generator_and_grafana() -> None:
    assert set(SERVICES) == {"arc", "retention", "generator", "grafana"}


@each_service
def test_every_service_says_when_it_is_healthy(service: dict[str, Any]) -> None:
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@each_service
def test_every_edge_waits_for_health(service: dict[str, Any]) -> None:
    for name, edge in service.get("depends_on", {}).items():
        assert name in SERVICES
        assert edge == {"condition": "service_healthy"}


def test_grafana_waits_for_rows_and_rows_wait_for_arc() -> None:
    assert list(SERVICES["grafana"]["depends_on"]) == ["generator"]
    assert list(SERVICES["generator"]["depends_on"]) == ["arc"]
    assert list(SERVICES["retention"]["depends_on"]) == ["arc"]
    assert SERVICES["generator"]["healthcheck"]["test"][:3] == ["CMD", "nascar", "health"]


@each_service
def test_every_service_is_confined(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert "cap_add" not in service
    assert all("size=" in mount for mount in service["tmpfs"])


@each_service
def test_every_service_is_limited(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[mg]", with_defaults(str(service["mem_limit"])))
    # An engine refuses a limit above the machine's own cores; the demo is measured on two.
    assert 0 < float(with_defaults(str(service["cpus"]))) <= 2
    assert service["pids_limit"] <= 512


@each_service
def test_logs_are_rotated(service: dict[str, Any]) -> None:
    assert service["logging"]["driver"] == "json-file"
    assert {"max-size", "max-file"} == service["logging"]["options"].keys()


@each_service
def test_ports_are_published_on_loopback_through_a_variable(service: dict[str, Any]) -> None:
    for port in service.get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+", port)


def test_every_port_that_is_published_has_a_variable_that_the_doctor_can_name() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert f"${{{PORT_VARIABLES[name]}:-" in port


@each_service
def test_a_crash_is_mended_and_a_reboot_starts_nothing(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"on-failure:\d+", service["restart"])


@each_service
def test_an_image_is_one_for_all_architectures(service: dict[str, Any]) -> None:
    assert "platform" not in service
    assert "@sha256" not in service["image"]
    # Docker's default registry: a host of its own in a name has a dot or a port before the first slash.
    name = with_defaults(service["image"])
    assert "/" not in name or not re.search(r"[.:]", name.split("/")[0])


def test_arc_and_retention_share_one_image_and_one_volume() -> None:
    assert SERVICES["arc"]["image"] == SERVICES["retention"]["image"]
    assert TEXT.count("ARC_IMAGE") == TEXT.count("ARC_VERSION") == 1
    for name in ("arc", "retention"):
        assert "arc-data:/app/data" in SERVICES[name]["volumes"]
    assert "arc-data" in COMPOSE["volumes"]


def test_the_generator_reads_arcs_volume_as_the_user_who_may_and_changes_nothing() -> None:
    generator = SERVICES["generator"]
    assert generator["volumes"] == ["arc-data:/arc-data:ro"]
    assert generator["user"] == SERVICES["retention"]["user"]
    assert "--server-data=/arc-data/arc" in generator["command"]
    storage = tomllib.loads((ROOT / "arc" / "arc.toml").read_text())["storage"]
    assert storage["local_path"] == "./data/arc"


def test_arcs_health_check_shows_what_arc_uses_where_the_generator_looks() -> None:
    test = SERVICES["arc"]["healthcheck"]["test"]
    assert test[:4] == ["CMD", "sh", "/app/health", "curl"]
    assert "./arc/health:/app/health:ro" in SERVICES["arc"]["volumes"]
    # The script writes to /app/data/usage; the volume is at /app/data there, at /arc-data here.
    assert "${USAGE_DIR:-/app/data/usage}" in (ROOT / "arc" / "health").read_text()
    assert "--server-proc=/arc-data/usage" in SERVICES["generator"]["command"]


def test_the_metrics_are_served_at_the_port_that_is_published() -> None:
    generator = SERVICES["generator"]
    inside = generator["ports"][0].rpartition(":")[2]
    assert f"--metrics-port={inside}" in generator["command"]
    assert "--metrics-host=0.0.0.0" in generator["command"]


def test_the_stream_knows_every_flag_that_it_is_given() -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    command = [with_defaults(word) for word in SERVICES["generator"]["command"][1:]]
    parsed = parser.parse_args(command)
    assert parsed.rate == int(EXAMPLE["RATE"])
    assert not parsed.no_monitor


def test_the_mounted_files_are_there_and_read_only() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source, _, options = mount.partition(":")
            if source.startswith("."):
                assert (ROOT / source).is_file()
                assert options.endswith(":ro")


def test_arc_has_time_to_flush_and_retention_no_network() -> None:
    assert SERVICES["arc"]["stop_grace_period"] == "60s"
    assert SERVICES["retention"]["network_mode"] == "none"
    # The image's own user: Arc's folders are its alone.
    assert SERVICES["retention"]["user"] == "1000:1000"


def test_the_generator_has_time_to_drain_and_count_before_it_is_killed() -> None:
    generator = SERVICES["generator"]
    flag = next(word for word in generator["command"] if word.startswith("--verify-deadline="))
    needed_s = StreamSettings("", "", 1, 1, 1).drain_s + float(flag.partition("=")[2]) + SILENT_S
    assert float(generator["stop_grace_period"].removesuffix("s")) > needed_s


def test_a_variable_has_one_default_and_the_example_repeats_it() -> None:
    defaults: dict[str, set[str]] = {}
    for name, given, default in VARIABLE.findall(TEXT.replace("${NAME:-value}", "")):
        assert given, f"{name} has no default"
        defaults.setdefault(name, set()).add(default)
    assert {name: {value} for name, value in EXAMPLE.items()} == defaults


def test_the_defaults_are_those_of_the_published_demo() -> None:
    assert EXAMPLE["RATE"] == "612000"
    assert EXAMPLE["CARS"] == "40"
    assert EXAMPLE["DATABASE"] == PUBLISHED_DATABASE
    # Below 32 characters Arc starts without any usable token.
    assert len(EXAMPLE["ARC_TOKEN"]) >= 32


def test_the_generator_runs_until_stopped_and_its_token_stays_out_of_the_process_list() -> None:
    command = SERVICES["generator"]["command"]
    assert command[0] == "stream"
    assert "--duration=0" in command
    assert not [argument for argument in command if "token" in argument.lower()]
    assert "ARC_TOKEN" in SERVICES["generator"]["environment"]


def compose() -> list[str] | None:
    """The command of an installed Compose, or None."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            version = subprocess.run([*command, "version"], capture_output=True, check=False)
            if version.returncode == 0:
                return command
    return None


@pytest.mark.parametrize("env_file", ["/dev/null", str(ROOT / ".env.example")])
def test_compose_itself_accepts_the_file_where_it_is_installed(env_file: str) -> None:
    command = compose()
    # Without Compose the tests above hold the same rules against the YAML.
    if command is None:
        assert set(COMPOSE) == {"name", "services", "volumes", *(key for key in COMPOSE if key[:2] == "x-")}
        return
    run = subprocess.run(
        [*command, "--env-file", env_file, "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "not set" not in run.stderr
