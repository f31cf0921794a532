"""What can be watched: a process with its children, a container, the machine; and how a server is found."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import time
from collections.abc import Callable
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

import psutil

from nascar.bench.resources import Watched
from nascar.errors import UsageError
from nascar.process_use import Processes, Usage

DOCKER_TIMEOUT_S: Final = 10.0
_PROXIES: Final = ("docker-proxy", "rootlesskit", "containers-rootlessport", "ssh", "kubectl")
"""They listen for a server that is somewhere else."""
_UNITS: Final[dict[str, int]] = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGT", 1)},
    "KB": 1000,
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
    "kiB": 1024,
}


class ProcessTree:
    """A process and all its children."""

    def __init__(self, pid: int, what: str = "process") -> None:
        self.what = what

        def members() -> list[psutil.Process]:
            root = psutil.Process(pid)
            return [root, *root.children(recursive=True)]

        self._processes = Processes(members)

    async def look(self) -> Usage | None:
        return self._processes.look()


class Container:
    """A container whose processes cannot be seen from here: what ``docker stats`` says of it.

    Docker tells the share of a core over the last second and the memory without the file cache; CPU time is added
    up from the shares.
    """

    what = "container, as docker stats sees it"

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._last_s: float | None = None
        self._cpu_s = 0.0

    async def look(self) -> Usage | None:
        text = await _docker("stats", "--no-stream", "--format", "{{json .}}", self._name)
        now_s = self._clock()
        if text is None:
            return None
        try:
            said = json.loads(text)
            share = float(str(said["CPUPerc"]).rstrip("%")) / 100
            read, written = (in_bytes(part) for part in str(said["BlockIO"]).split("/"))
            rss_bytes = in_bytes(str(said["MemUsage"]).split("/")[0])
            received = in_bytes(str(said["NetIO"]).split("/")[0])
        except (ValueError, KeyError, TypeError):
            return None
        if rss_bytes is None:
            return None
        if self._last_s is not None:
            self._cpu_s += share * (now_s - self._last_s)
        self._last_s = now_s
        return Usage(self._cpu_s, rss_bytes, read, written, received)


def in_bytes(text: str) -> int | None:
    """``1.5GiB`` or ``12.3kB`` as a number of bytes; None if it is none."""
    found = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]+)\s*", text)
    if found is None or found[2] not in _UNITS:
        return None
    return round(float(found[1]) * _UNITS[found[2]])


async def find(url: str, pid: int | None, name: str | None) -> tuple[Watched | None, str]:
    """The server at `url` by its process id or its container's name, else by its port; and how, or why not.

    Raises `UsageError` if the process or the container is not there.
    """
    if pid is not None:
        return process(pid), "given with --server-pid"
    if name is not None:
        return await container(name), "given with --server-container"
    return listener(url)


async def container(name: str) -> Watched:
    """The container `name`, by its processes if they can be seen, else through Docker. Raises `UsageError`."""
    text = await _docker("inspect", "--format", "{{.State.Pid}}", name)
    if text is None or not text.strip().isdigit() or int(text) == 0:
        raise UsageError(
            f"There is no running container {name!r} that docker would show. `docker ps` lists them; "
            "give its name with --server-container, or leave the flag out."
        )
    tree = ProcessTree(int(text), "container, by its processes")
    usage = await tree.look()
    # With Docker in a virtual machine the number is there and means another process, or none.
    if usage is not None and usage.read_bytes is not None:
        return tree
    return Container(name)


async def image_of(name: str) -> str | None:
    """The image that the container `name` runs; None if docker does not tell."""
    text = await _docker("inspect", "--format", "{{.Config.Image}}", name)
    return (text or "").strip() or None


def process(pid: int) -> Watched:
    """The process `pid`. Raises `UsageError` if there is none."""
    if not psutil.pid_exists(pid):
        raise UsageError(
            f"There is no process {pid}. Give the server's with --server-pid, or leave the flag out."
        )
    return ProcessTree(pid, "process given with --server-pid")


def listener(url: str) -> tuple[Watched | None, str]:
    """The process behind a `url` on this machine, and how it was found or why it was not."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    hint = "give --server-pid or --server-container"
    if not _is_here(parts.hostname or ""):
        return (
            None,
            f"the server is on another machine, whose use is not seen from here; to have it, {hint} there",
        )
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None, f"this system does not show who listens on port {port}: {hint}"
    pids = {c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port}
    pids.discard(None)
    if not pids:
        return None, f"no process that this user may see listens on port {port}: {hint}"
    pid = min(pid for pid in pids if pid is not None)
    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        return None, f"the process on port {port} cannot be looked at: {hint}"
    if name.startswith(_PROXIES):
        return None, f"on port {port} listens {name}, which only hands on to the server: {hint}"
    return ProcessTree(pid, f"process that listens on port {port}"), f"found as the listener on port {port}"


def _is_here(host: str) -> bool:
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    return bool(addresses) and addresses <= own | {"127.0.0.1", "::1"}


async def _docker(*arguments: str) -> str | None:
    """What docker prints; None if it cannot, or not in time."""
    if shutil.which("docker") is None:
        return None
    child = await asyncio.create_subprocess_exec(
        "docker", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        out, _ = await asyncio.wait_for(child.communicate(), DOCKER_TIMEOUT_S)
    except TimeoutError:
        child.kill()
        await child.wait()
        return None
    return out.decode(errors="replace") if child.returncode == 0 else None


class _Disks(Protocol):
    """Counters of all disks together."""

    read_bytes: int
    write_bytes: int


class WholeMachine:
    """All processes together: how busy the machine is, what its disks and its network carry."""

    what = "machine"

    async def look(self) -> Usage | None:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests are part of user time already.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        disks, network = _disks(), _network()
        memory = psutil.virtual_memory()
        return Usage(
            cpu_s=sum(times) - idle - guests,
            rss_bytes=memory.total - memory.available,
            read_bytes=None if disks is None else disks.read_bytes,
            write_bytes=None if disks is None else disks.write_bytes,
            received_bytes=network,
        )


def _disks() -> _Disks | None:
    """What the disks did; None where the system does not tell (a container, a machine without a disk)."""
    try:
        return cast("_Disks | None", psutil.disk_io_counters())
    except (OSError, RuntimeError, psutil.Error):
        return None


def _network() -> int | None:
    """Bytes that came over all networks; None where the system does not tell, or has none."""
    try:
        counters = psutil.net_io_counters()
    except (OSError, RuntimeError, psutil.Error):
        return None
    # Typed as if it were always there.
    return counters.bytes_recv if counters else None
