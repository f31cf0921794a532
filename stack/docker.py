"""Docker and Compose as commands: what they say, and what their JSON says of the engine and of the containers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
"""The folder of docker-compose.yml."""

NOT_FOUND = 127


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def last_line(self) -> str:
        """The last thing that it complained of."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"status {self.status}"


class Docker:
    """Runs `docker` and Compose; `compose` is Compose's command, as in the Makefile's COMPOSE."""

    def __init__(self, compose: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> None:
        env = os.environ if env is None else env
        self.compose_command = tuple(compose or env.get("COMPOSE", "docker compose").split())
        self._env = dict(env)

    def docker(self, *words: str, timeout_s: float = 60) -> Said:
        """Run `docker WORDS`."""
        return self._run(("docker", *words), timeout_s)

    def compose(self, *words: str, timeout_s: float = 60) -> Said:
        """Run Compose with `words`, in the folder of docker-compose.yml."""
        return self._run((*self.compose_command, *words), timeout_s)

    def open_docker(self, *words: str, is_fed: bool = False) -> subprocess.Popen[bytes]:
        """Start `docker WORDS` with pipes for what it says and, if `is_fed`, for what it reads."""
        return subprocess.Popen(
            ("docker", *words),
            env=self._env,
            stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def has_image(self, image: str) -> bool:
        """Whether the image is on this machine."""
        return self.docker("image", "inspect", "--format", "{{.Id}}", image).ok

    def containers(self) -> dict[str, Container]:
        """The stack's containers, running or not, by their service."""
        said = self.compose("ps", "--all", "--format", "json")
        return {one.service: one for one in map(Container.of, _documents(said.out))} if said.ok else {}

    def _run(self, command: Sequence[str], timeout_s: float) -> Said:
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except FileNotFoundError:
            return Said(NOT_FOUND, "", f"{command[0]} is not installed")
        except subprocess.TimeoutExpired:
            return Said(1, "", f"no answer within {timeout_s:.0f} s")
        return Said(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Container:
    """A container of the stack."""

    name: str
    service: str
    state: str
    """running, exited, restarting, created …"""
    health: str
    """healthy, unhealthy, starting, or empty."""
    exit_code: int
    ports: Mapping[int, int]
    """Published on this machine, by the port inside."""

    @property
    def is_running(self) -> bool:
        return self.state == "running"

    @classmethod
    def of(cls, one: Mapping[str, Any]) -> Container:
        """From what Compose says of it."""
        return cls(
            name=one["Name"],
            service=one["Service"],
            state=one["State"],
            health=one.get("Health") or "",
            exit_code=int(one.get("ExitCode") or 0),
            ports={
                int(port["TargetPort"]): int(port["PublishedPort"])
                for port in one.get("Publishers") or ()
                if port.get("PublishedPort")
            },
        )


def _documents(text: str) -> list[dict[str, Any]]:
    """Compose's JSON: one list, or from 2.21 on a document a line."""
    text = text.strip()
    if text.startswith("["):
        documents: list[dict[str, Any]] = json.loads(text)
        return documents
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
