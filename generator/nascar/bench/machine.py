"""What a benchmark was measured on. Never who measured: no names of hosts or users, no addresses, no paths."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import psutil

from nascar.stream.usage import usable_cores

PACKAGES: Final = (
    "nascar-telemetry",
    "aiohttp",
    "duckdb",
    "hdrhistogram",
    "isal",
    "msgpack",
    "numba",
    "numpy",
    "plotly",
    "psutil",
    "pyarrow",
    "zstandard",
)
"""What has a part in a measured number, where it is installed."""

_CPUINFO: Final = Path("/proc/cpuinfo")
_CGROUP: Final = Path("/sys/fs/cgroup")
_BLOCK_DEVICES: Final = Path("/sys/dev/block")
_SOURCES: Final = Path(__file__).parent


def machine(folder: Path | None = None) -> dict[str, Any]:
    """The machine as it is now; `folder` is where a server's data will lie, None where none does.

    Bytes and cores as numbers; None for what this system does not tell.
    """
    limits = _limits(_CGROUP)
    return {
        "cpu": _cpu(_CPUINFO) or platform.machine(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": usable_cores(),
        "is_virtual": _is_virtual(_CPUINFO),
        "memory_bytes": psutil.virtual_memory().total,
        "cpu_limit_cores": limits[0],
        "memory_limit_bytes": limits[1],
        "disk": None if folder is None else disk_kind(folder),
        "system": platform.system(),
        # What stands behind the numbers names a distribution, or who built it.
        "kernel": platform.release().partition("-")[0],
        # Others' work on the machine is part of every number measured on it.
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Python and the installed packages that have a part in the numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit(folder: Path = _SOURCES) -> str | None:
    """The commit of the sources in `folder`, ``+changes`` behind it if they differ; None where there is no git."""
    # An installed copy may lie in the folder of somebody else's project.
    if not _git("ls-files", ".", folder=folder):
        return None
    head = _git("rev-parse", "--short=12", "HEAD", folder=folder)
    changed = _git("status", "--porcelain", "--untracked-files=no", folder=folder)
    return f"{head}+changes" if changed or changed is None else head


def disk_kind(folder: Path) -> str | None:
    """``ext4 on a disk that does not spin``: file system and device; None if it cannot be told."""
    try:
        at = folder.absolute()
        while not at.exists():
            at = at.parent
        device = at.stat().st_dev
        partition = max(
            (p for p in psutil.disk_partitions(all=True) if at.is_relative_to(p.mountpoint)),
            key=lambda p: len(p.mountpoint),
            default=None,
        )
    except OSError:
        return None
    if partition is None:
        return None
    # What a virtual disk says of itself is not what lies below it.
    spins = _spins(_BLOCK_DEVICES / f"{os.major(device)}:{os.minor(device)}")
    if _is_virtual(_CPUINFO):
        return f"{partition.fstype} on a virtual disk"
    kind = {None: "", True: " on a disk that spins", False: " on a disk that does not spin"}[spins]
    return f"{partition.fstype}{kind}"


def _spins(device: Path) -> bool | None:
    # A partition has no queue of its own; its disk, the folder above, has.
    for folder in (device, device.resolve().parent):
        try:
            return (folder / "queue" / "rotational").read_text().strip() == "1"
        except OSError:
            continue
    return None


def _cpu(cpuinfo: Path) -> str | None:
    return next((value for key, value in _entries(cpuinfo) if key == "model name"), None)


def _is_virtual(cpuinfo: Path) -> bool | None:
    flags = next((value for key, value in _entries(cpuinfo) if key == "flags"), None)
    return None if flags is None else "hypervisor" in flags.split()


def _entries(cpuinfo: Path) -> list[tuple[str, str]]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [
        (key.strip(), value.strip()) for key, colon, value in (line.partition(":") for line in lines) if colon
    ]


def _limits(cgroup: Path) -> tuple[float | None, int | None]:
    """Cores and bytes that the control group of a container allows; None without a limit."""
    cores = memory = None
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        cores = None if quota == "max" else round(int(quota) / int(period), 2)
    except (OSError, ValueError):
        pass
    try:
        text = (cgroup / "memory.max").read_text().strip()
        memory = None if text == "max" else int(text)
    except (OSError, ValueError):
        pass
    return cores, memory


def _git(*arguments: str, folder: Path) -> str | None:
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None
