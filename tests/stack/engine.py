"""The Docker engine of the test: the one that runs, or a private one that is gone when the test is over."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stack import debian
from tests.stack.shell import StackFault, attempt, run, say, step, succeeds

_STARTS_WITHIN_S: Final = 60
_STOPS_WITHIN_S: Final = 60
_NO_DISKS: Final = ("overlayfs", "tmpfs", "ramfs")
_ADDRESSES: Final = "172.30"
"""Networks of the private engine are cut out of this /16; its bridge has the last /24 of it."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How to reach an engine: the environment of every docker command."""

    env: Mapping[str, str]
    is_private: bool

    def docker(self, *words: str | Path, timeout_s: float = 600) -> str:
        """What `docker WORDS` says."""
        return run(["docker", *words], env=self.env, timeout_s=timeout_s)

    def has_image(self, name: str) -> bool:
        return succeeds(["docker", "image", "inspect", name], env=self.env)


@contextmanager
def docker_engine(cache: Path | None = None) -> Iterator[Engine]:
    """A usable engine with Compose. `cache`: a folder in which a private engine keeps its images."""
    with _told_to_stop(), tempfile.TemporaryDirectory(prefix="dk.") as name:
        folder = Path(name)
        if succeeds(["docker", "info"]):
            yield Engine(_with_compose(dict(os.environ), folder), is_private=False)
            return
        with _private_engine(folder, cache) as env:
            yield Engine(_with_compose(env, folder), is_private=True)


def _with_compose(env: dict[str, str], folder: Path) -> dict[str, str]:
    if succeeds(["docker", "compose", "version"], env=env):
        return env
    if "DOCKER_HOST" not in env:
        # A configuration of our own knows none of the user's contexts.
        context = attempt(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
        env = {**env, "DOCKER_HOST": context.stdout.strip() or "unix:///var/run/docker.sock"}
    plugins = folder / "config" / "cli-plugins"
    if not (plugins / "docker-compose").exists():
        with step("Compose's plugin fetched from Debian's packages"):
            plugins.mkdir(parents=True, exist_ok=True)
            debian.fetch_compose(plugins)
    env = {**env, "DOCKER_CONFIG": str(folder / "config")}
    run(["docker", "compose", "version"], env=env)
    return env


@contextmanager
def _private_engine(folder: Path, cache: Path | None) -> Iterator[dict[str, str]]:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StackFault(
            "No Docker engine answers, and one can only be started by root on Debian. "
            "Start Docker (docs.docker.com/get-docker), or run `make test-stack` as root."
        )
    needed = {"dockerd": "docker.io", "mmdebstrap": "mmdebstrap", "ip": "iproute2", "iptables": "iptables"}
    packages = [package for command, package in needed.items() if shutil.which(command) is None]
    if packages:
        with step(f"{', '.join(packages)} installed"):
            debian.install(*packages)
        if succeeds(["docker", "info"]):
            # Where a machine starts what it installs, that engine is as good.
            yield dict(os.environ)
            return
    if shutil.which("docker") is None:
        debian.install("docker-cli")
    host = f"unix://{folder / 's'}"
    env = {**os.environ, "DOCKER_HOST": host, "DOCKER_CONFIG": str(folder / "config")}
    bridge = f"dk{os.getpid()}"
    rules = _rules()
    with _data_folder(cache) as data, _bridge(bridge):
        daemon = _start_daemon(folder, data, host, bridge)
        try:
            _await_daemon(daemon, env, folder)
            say("no Docker engine runs here: a private one was started for this test")
            yield env
        finally:
            _stop_daemon(daemon)
            _remove_new_rules(rules, bridge)


def _start_daemon(folder: Path, data: Path, host: str, bridge: str) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [
        *("dockerd", "--host", host, "--data-root", data, "--exec-root", folder / "x"),
        *("--pidfile", folder / "pid", "--bridge", bridge),
        *("--default-address-pool", f"base={_ADDRESSES}.0.0/17,size=24", "--log-level", "warn"),
    ]
    # Should this process be killed, the engine does not stay behind alone.
    if shutil.which("setpriv") is not None:
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _await_daemon(daemon: subprocess.Popen[bytes], env: Mapping[str, str], folder: Path) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while not succeeds(["docker", "info"], env=env):
        if daemon.poll() is not None or time.monotonic() > end:
            said = (folder / "log").read_text(errors="replace").strip().splitlines()[-15:]
            raise StackFault(
                "A private Docker engine does not start here. Run the test where Docker runs.\n"
                + "\n".join(said)
            )
        time.sleep(0.2)


def _stop_daemon(daemon: subprocess.Popen[bytes]) -> None:
    """SIGTERM ends the engine and its containers; what is left of its session after that is ended by force."""
    daemon.terminate()
    try:
        daemon.wait(_STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait(10)


@contextmanager
def _told_to_stop() -> Iterator[None]:
    """Meanwhile SIGTERM is Ctrl-C: what was started is ended."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _data_folder(cache: Path | None) -> Iterator[Path]:
    """A folder for images and containers on a plain disk: layers cannot be laid upon layers or into memory."""
    if cache is not None:
        yield cache.absolute()
        return
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/var/lib"), Path.home(), Path.cwd()]
    place = next((one for one in places if one.is_dir() and _kind_of_disk(one) not in _NO_DISKS), places[0])
    with tempfile.TemporaryDirectory(prefix="dk-data.", dir=place) as name:
        yield Path(name)


def _kind_of_disk(folder: Path) -> str:
    return run(["stat", "--file-system", "--format=%T", folder]).strip()


@contextmanager
def _bridge(name: str) -> Iterator[None]:
    run(["ip", "link", "add", name, "type", "bridge"])
    try:
        run(["ip", "address", "add", f"{_ADDRESSES}.255.1/24", "dev", name])
        run(["ip", "link", "set", name, "up"])
        yield
    finally:
        run(["ip", "link", "delete", name])


def _rules() -> set[tuple[str, str]]:
    """The packet filter's rules and chains, by table."""
    return {
        (table, line)
        for table in ("filter", "nat")
        for line in run(["iptables", "--table", table, "--list-rules"]).splitlines()
    }


def _remove_new_rules(before: set[tuple[str, str]], bridge: str) -> None:
    """Take away the rules that the engine made and leaves behind; chains only where they are empty and new.

    What somebody else has added meanwhile stays: the engine's rules name its chains, its bridges or its addresses.
    """
    ours = re.compile(rf"DOCKER|\bbr-|\b{re.escape(bridge)}\b|\b{re.escape(_ADDRESSES)}\.")
    new = sorted((table, line) for table, line in _rules() - before if ours.search(line))
    undo = (("-A", "-D"), ("-N", "-X"))
    for made, undone in undo:
        for table, line in new:
            verb, *rest = shlex.split(line)
            if verb == made:
                run(["iptables", "--table", table, undone, *rest])
    for table, line in before:
        # The engine closes the forwarding chain for all.
        if line.startswith("-P"):
            run(["iptables", "--table", table, *line.split()])
