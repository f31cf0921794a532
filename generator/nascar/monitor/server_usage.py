"""What the server uses, as far as this machine lets it be seen: by its process, or by copies of its /proc files.

A server in another container has no process here. There its health check copies what /proc says of it into a folder
(``arc/health``), and that folder is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from nascar.monitor.use import Reading
from nascar.process_use import Processes, Usage

STALE_S: Final = 10.0
"""Copies that are older say nothing of now: the server is down, or its health check is."""
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")

ReadUsage = Callable[[], Reading | None]
"""Gives what something has used until now; None if that cannot be seen."""


def of_processes(members: Callable[[], list[psutil.Process]], clock_s: Callable[[], float]) -> ReadUsage:
    """The use of these processes together; `clock_s` gives seconds from any origin."""
    processes = Processes(members)

    def read() -> Reading | None:
        usage = processes.look()
        return None if usage is None else Reading(clock_s(), usage)

    return read


def of_process(pid: int, clock_s: Callable[[], float]) -> ReadUsage:
    """The use of one process, without its children."""
    process: psutil.Process | None = None

    def members() -> list[psutil.Process]:
        nonlocal process
        # Kept, because it tells when the number has gone to another process.
        process = process or psutil.Process(pid)
        return [process] if process.is_running() else []

    return of_processes(members, clock_s)


class ProcFolder:
    """Copies of ``/proc/PID/stat``, ``status`` and ``io``, and of ``/proc/uptime`` as ``uptime``.

    The uptime tells when the copies were made, on the same clock as the process's counts. Times of the files are
    compared with `wall_clock_s`, seconds since 1970.
    """

    def __init__(self, folder: Path, wall_clock_s: Callable[[], float]) -> None:
        self._folder = folder
        self._wall_clock_s = wall_clock_s

    def read(self) -> Reading | None:
        """What the copies say; None if they are missing, too old, or not whole."""
        try:
            uptime = self._folder / "uptime"
            if self._wall_clock_s() - uptime.stat().st_mtime > STALE_S:
                return None
            at_s = float(uptime.read_text().split()[0])
            cpu_s, began_ticks = _stat((self._folder / "stat").read_text())
            rss_bytes = _bytes_of(self._folder / "status", "VmRSS:", 1024)
        except (OSError, ValueError, IndexError):
            return None
        if rss_bytes is None:
            return None
        read_bytes = _bytes_of(self._folder / "io", "read_bytes:")
        write_bytes = _bytes_of(self._folder / "io", "write_bytes:")
        return Reading(at_s, Usage(cpu_s, rss_bytes, read_bytes, write_bytes), began_ticks)


def _stat(text: str) -> tuple[float, int]:
    """CPU seconds of a process, and when it began, in ticks since the machine did: see proc_pid_stat(5)."""
    # The name stands in brackets and may hold brackets and blanks itself; the field after it is the third.
    fields = text.rpartition(")")[2].split()
    user, system, began = int(fields[11]), int(fields[12]), int(fields[19])
    return (user + system) / _TICKS_PER_S, began


def _bytes_of(file: Path, key: str, unit_bytes: int = 1) -> int | None:
    """The number behind `key` in a file of /proc; None if it is not there."""
    try:
        for line in file.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * unit_bytes
    except (OSError, ValueError, IndexError):
        return None
    return None
