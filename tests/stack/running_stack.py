"""The stack of docker-compose.yml on a real engine: made ready, asked, and taken away again."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nascar.questions import PUBLISHED_DATABASE
from stack.docker import Container, Docker
from stack.ports import NoAnswer, ask_arc
from stack.settings import Settings, settings_of
from tests.stack import debian
from tests.stack.engine import Engine
from tests.stack.shell import StackFault, attempt, run, say, step, succeeds, tail

ROOT: Final = Path(__file__).parents[2]
OVERRIDE: Final = "tests/stack/no-registry.override.yml"
RATE: Final = 60_000
"""Rows a second: what Arc or its stand-in, the generator and this test can share two cores for."""
_REGISTRY_TIMEOUT_S: Final = 30


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A project of its own name on an engine, with ports that were free."""

    engine: Engine
    env: Mapping[str, str]
    """With it, `docker compose` and `make` in the root speak of this stack."""
    token: str

    @property
    def docker(self) -> Docker:
        return Docker(env=self.env)

    @property
    def project(self) -> str:
        return self.env["COMPOSE_PROJECT_NAME"]

    @property
    def settings(self) -> Settings:
        return settings_of(json.loads(self.compose("config", "--format", "json")), ROOT)

    def compose(self, *words: str, timeout_s: float = 600) -> str:
        """What Compose says."""
        return run(["docker", "compose", *words], env=self.env, cwd=ROOT, timeout_s=timeout_s)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the project's verbs, as a user does."""
        return attempt(["make", "--no-print-directory", *words], env=self.env, cwd=ROOT)

    def container(self, service: str) -> Container:
        return self.docker.containers()[service]

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        described: list[dict[str, Any]] = json.loads(
            self.engine.docker("inspect", self.container(service).name)
        )
        return described[0]

    def url(self, service: str, target: int) -> str:
        return f"http://127.0.0.1:{self.container(service).ports[target]}"

    def ask(self, sql: str) -> list[list[Any]]:
        """Rows of Arc's answer, through its published port; bare table names."""
        reply = ask_arc(self.url("arc", 8000), self.token, sql, self.database)
        assert reply.status == 200, f"{sql}: {reply.said()}"
        return list(reply.body["data"])

    @property
    def database(self) -> str:
        return self.env["DATABASE"]

    def log(self, service: str) -> str:
        """All that a service has printed."""
        return self.engine.docker("logs", self.container(service).name)

    def count(self, table: str) -> int:
        rows = self.ask(f"SELECT COUNT(*) FROM {table}")
        return int(rows[0][0]) if rows else 0

    def newest_row_age_s(self) -> float:
        """Seconds since the newest row that Arc shows; endless if it shows none or does not answer."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        try:
            rows = self.ask(
                f"SELECT CAST(epoch(MAX(time)) AS DOUBLE) FROM engine_telemetry WHERE time >= '{since}'"
            )
        except (AssertionError, NoAnswer, KeyError):
            return float("inf")
        return float("inf") if not rows or rows[0][0] is None else time.time() - float(rows[0][0])

    def left(self) -> dict[str, list[str]]:
        """What of this project is on the engine: containers, networks and volumes."""
        label = f"label=com.docker.compose.project={self.project}"
        listings = {"container": ("ls", "--all"), "network": ("ls",), "volume": ("ls",)}
        return {
            kind: self.engine.docker(kind, *words, "--quiet", "--filter", label).split()
            for kind, words in listings.items()
        }


@contextmanager
def stack_on(engine: Engine) -> Iterator[RunningStack]:
    """The stack with its images there, not started yet; afterwards nothing of it is left."""
    token = secrets.token_hex(24)
    ports = free_ports(3)
    env = {
        **engine.env,
        "COMPOSE_PROJECT_NAME": f"nascar-test-{os.getpid()}",
        "DATABASE": PUBLISHED_DATABASE,
        "RATE": str(RATE),
        # A short lap, and no grid to be waited in: rows of laps come soon.
        "TRACK": "half_mile",
        "START_LAP": "60",
        "ASK_EVERY": "1",
        "ARC_TOKEN": token,
        **{
            name: str(port)
            for name, port in zip(("ARC_PORT", "GRAFANA_PORT", "METRICS_PORT"), ports, strict=True)
        },
    }
    stack = RunningStack(engine, env, token)
    if not _registry_answers(stack):
        say(
            "Arc's and Grafana's images cannot be had: the embedded engine stands in for Arc, Grafana is left out"
        )
        env["COMPOSE_FILE"] = f"docker-compose.yml:{OVERRIDE}"
    with ExitStack() as ending:
        ending.callback(_remove, stack)
        _provide_images(stack)
        yield stack


def free_ports(count: int) -> list[int]:
    """Ports on loopback at which nobody listens."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def eventually(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until `holds()` is true; a failure that says `what` was waited for."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)


def ledger_of(log: str) -> dict[str, dict[str, int]]:
    """The last ledger that the generator printed: for each table its counts by the column's name."""
    lines = log[log.rindex("Ledger (rows)") :].splitlines()[1:]
    # Columns are apart by two spaces at least.
    names = re.split(r"\s{2,}", lines[0].strip())[1:]
    found = {}
    for line in lines[1:]:
        name, *counts = re.split(r"\s{2,}", line.strip())
        numbers = [cell.replace(",", "") for cell in counts]
        if len(numbers) >= len(names) and all(number.isdecimal() for number in numbers[: len(names)]):
            found[name] = dict(zip(names, map(int, numbers), strict=False))
    return found


def _registry_answers(stack: RunningStack) -> bool:
    """Whether all images that others make are here or can be had."""
    for service in stack.settings.services.values():
        for image in service.stands_on if service.is_built else (service.image,):
            if not stack.engine.has_image(image):
                command = ["docker", "manifest", "inspect", image]
                try:
                    if attempt(command, env=stack.env, timeout_s=_REGISTRY_TIMEOUT_S).returncode:
                        return False
                except subprocess.TimeoutExpired:
                    return False
    return True


def _provide_images(stack: RunningStack) -> None:
    if "COMPOSE_FILE" in stack.env:
        _provide_python(stack)
        with step("the generator's image built"):
            stack.compose("build", "generator")
        with step("the stand-in's image built on it"):
            stack.compose("build", "arc")
    else:
        with step("images built and fetched"):
            stack.compose("build", timeout_s=1800)
            stack.compose("pull", "--ignore-buildable", timeout_s=1800)


def _provide_python(stack: RunningStack) -> None:
    """The image that the generator's stands on, out of Debian's packages if it cannot be had."""
    (name,) = stack.settings.services["generator"].stands_on
    engine = stack.engine
    if engine.has_image(name) or succeeds(["docker", "pull", "--quiet", name], env=engine.env):
        return
    version = re.fullmatch(r".+:([\d.]+)-slim", name)
    if version is None:
        raise StackFault(f"No stand-in is known for the image {name}. Run the test where a registry answers.")
    with step(f"{name} made of Debian's packages"), tempfile.TemporaryDirectory(prefix="dk.") as folder:
        tar = Path(folder) / "root.tar"
        making = debian.write_python_root(tar, version[1])
        said, _ = making.communicate()
        if making.returncode:
            raise StackFault(f"mmdebstrap ended with status {making.returncode}:\n{said[-2000:]}")
        engine.docker("import", "--change", 'CMD ["python3"]', tar, name)


def _remove(stack: RunningStack) -> None:
    done = attempt(
        ["docker", "compose", "down", "--remove-orphans", "--volumes", "--timeout", "5"],
        env=stack.env,
        cwd=ROOT,
    )
    if done.returncode:
        say(f"the stack could not be taken away: {tail(done, 5)}")
