"""A `docker` command that answers as it was told, for what cannot be had by asking: an old Compose, a machine with
little memory, a registry that is away. What it says of the stack is made from docker-compose.yml.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from stack.docker import Docker

ROOT: Final = Path(__file__).parents[2]
_VARIABLE: Final = re.compile(r"\$\{([A-Z_0-9]+):-([^}]*)\}")
_SCRIPT: Final = """#!{python}
import json, sys
with open({answers!r}) as file:
    answers = json.load(file)
said = " ".join(sys.argv[1:])
for start, (status, out, err) in sorted(answers.items(), key=lambda one: -len(one[0])):
    if said.startswith(start):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(status)
sys.exit(f"not told what to say to: docker {{said}}")
"""

INFO: Final = {
    "ServerVersion": "28.5.1",
    "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
    "Architecture": "x86_64",
    "MemTotal": 16_000_000_000,
    "NCPU": 4,
    "DockerRootDir": "/",
}


def compose_config(**variables: str) -> dict[str, Any]:
    """What ``docker compose config --format json`` says with `variables` set."""
    text = (ROOT / "docker-compose.yml").read_text()
    config: dict[str, Any] = yaml.safe_load(
        _VARIABLE.sub(lambda match: variables.get(match[1]) or match[2], text)
    )
    for service in config["services"].values():
        number, unit = re.fullmatch(r"(\d+)([mg])", service["mem_limit"]).groups()  # type: ignore[union-attr]
        service["mem_limit"] = str(int(number) << {"m": 20, "g": 30}[unit])
        ports = [port.split(":") for port in service.get("ports", ())]
        service["ports"] = [
            {"host_ip": host, "published": outside, "target": int(inside)} for host, outside, inside in ports
        ]
        if "build" in service:
            service["build"]["context"] = str(ROOT / service["build"]["context"])
    return config


def container(service: str, ports: dict[int, int] | None = None, **changes: object) -> dict[str, Any]:
    """What ``docker compose ps`` says of a running container; `ports`: published, by the port inside."""
    publishers = [
        {"TargetPort": inside, "PublishedPort": outside} for inside, outside in (ports or {}).items()
    ]
    return {
        "Name": f"nascar-{service}-1",
        "Service": service,
        "State": "running",
        "Health": "healthy",
        "ExitCode": 0,
        "Publishers": publishers,
        **changes,
    }


@dataclass(slots=True)
class DockerCommand:
    """The command in a folder of its own. A change is seen by the next call."""

    folder: Path
    info: dict[str, Any] = field(default_factory=lambda: dict(INFO))
    config: dict[str, Any] = field(default_factory=compose_config)
    containers: list[dict[str, Any]] = field(default_factory=list)
    others: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """Status, output and complaint, by how the words after `docker` begin; the longest that fits counts."""

    def docker(self) -> Docker:
        """The doctor's view of it."""
        answers = {
            "info": (0, json.dumps(self.info), ""),
            "compose version": (0, "2.40.0\n", ""),
            "compose config": (0, json.dumps(self.config), ""),
            "compose ps": (0, "".join(json.dumps(one) + "\n" for one in self.containers), ""),
            "image inspect": (0, "sha256:1\n", ""),
            "ps --filter": (0, "", ""),
            "inspect --format": (0, "false\n", ""),
            **self.others,
        }
        told = self.folder / "answers.json"
        told.write_text(json.dumps(answers))
        script = self.folder / "docker"
        script.write_text(_SCRIPT.format(python=sys.executable, answers=str(told)))
        script.chmod(0o755)
        # What a user's shell says of a server of his is none of this one's.
        env = {key: value for key, value in os.environ.items() if not key.startswith(("DOCKER_", "COMPOSE"))}
        return Docker(env={**env, "PATH": f"{self.folder}:{os.environ['PATH']}"})
