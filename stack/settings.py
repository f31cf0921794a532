"""The stack's settings, as Compose reads them from the environment, .env and docker-compose.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORT_VARIABLES = {"arc": "ARC_PORT", "generator": "METRICS_PORT", "grafana": "GRAFANA_PORT"}
"""What chooses each service's port on this machine."""

_FROM = re.compile(r"^FROM\s+(\S+)(?:\s+AS\s+(\S+))?\s*$", re.MULTILINE | re.IGNORECASE)
_ARGUMENT = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Port:
    """A port published on this machine."""

    service: str
    host: str
    number: int
    target: int
    """The port inside the container."""

    @property
    def variable(self) -> str:
        return PORT_VARIABLES[self.service]


@dataclass(frozen=True)
class Service:
    """One service of the stack."""

    name: str
    image: str
    is_built: bool
    stands_on: tuple[str, ...]
    """The images that a build of it begins with."""
    memory_bytes: int
    cores: float
    ports: tuple[Port, ...]
    environment: Mapping[str, str]
    command: tuple[str, ...]

    def flag(self, name: str) -> str:
        """The value of ``--name=value`` in its command, or nothing."""
        start = f"--{name}="
        return next((word[len(start) :] for word in self.command if word.startswith(start)), "")


@dataclass(frozen=True)
class Settings:
    """All services, by name. What the services do not say is empty."""

    project: str
    services: Mapping[str, Service]

    @property
    def token(self) -> str:
        return self.services["generator"].environment.get("ARC_TOKEN", "")

    @property
    def database(self) -> str:
        return self.services["generator"].flag("database")

    @property
    def rate(self) -> int:
        """Rows a second; 0 if it is no number."""
        text = self.services["generator"].flag("rate").replace("_", "")
        return int(text) if text.isdecimal() else 0

    @property
    def keep_minutes(self) -> int:
        """How long raw rows stay; 0 if it is no number from 1 to 60."""
        text = self.services["retention"].environment.get("KEEP_MINUTES", "")
        return int(text) if text.isdecimal() and 1 <= int(text) <= 60 else 0

    @property
    def ports(self) -> tuple[Port, ...]:
        return tuple(port for service in self.services.values() for port in service.ports)

    @property
    def images(self) -> tuple[str, ...]:
        """The images that the containers are made of, each once."""
        return tuple(dict.fromkeys(service.image for service in self.services.values()))


def settings_of(config: Mapping[str, Any], root: Path) -> Settings:
    """From the JSON of ``docker compose config --format json``; `root` holds the Dockerfiles."""
    own = {str(service.get("image", "")) for service in config["services"].values()}
    return Settings(
        project=str(config["name"]),
        services={name: _service(name, one, own, root) for name, one in config["services"].items()},
    )


def _service(name: str, one: Mapping[str, Any], own_images: set[str], root: Path) -> Service:
    build = one.get("build")
    return Service(
        name=name,
        image=str(one["image"]),
        is_built=bool(build),
        stands_on=_base_images(build, own_images, root) if build else (),
        memory_bytes=int(one["mem_limit"]),
        cores=float(one["cpus"]),
        ports=tuple(
            Port(name, port.get("host_ip", "0.0.0.0"), int(port["published"]), int(port["target"]))
            for port in one.get("ports") or ()
        ),
        environment={key: str(value or "") for key, value in (one.get("environment") or {}).items()},
        command=tuple(str(word) for word in one.get("command") or ()),
    )


def _base_images(build: Mapping[str, Any], own_images: set[str], root: Path) -> tuple[str, ...]:
    context = root / build["context"]
    path = context / build.get("dockerfile", "Dockerfile")
    if not path.is_file():
        # In a bundle there is nothing to build from.
        return ()
    arguments = build.get("args") or {}
    found, stages = [], set()
    for image, stage in _FROM.findall(path.read_text(encoding="utf-8")):
        name = _ARGUMENT.sub(lambda match: str(arguments.get(match[1], "")), image)
        if name not in stages and name not in own_images:
            found.append(name)
        stages.add(stage)
    return tuple(dict.fromkeys(found))
