"""What processes have used of the machine: looked at from outside, by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """What something has used since it began, and the memory it holds now. None: not told."""

    cpu_s: float
    rss_bytes: int
    read_bytes: int | None
    """From the disk, not from its cache."""
    write_bytes: int | None
    received_bytes: int | None = None
    """Over the network; told of the machine and of containers, not of processes."""


@dataclass(slots=True)
class _Used:
    """What one process has used until it was last seen."""

    cpu_s: float = 0.0
    read_bytes: int = 0
    write_bytes: int = 0


class Processes:
    """Some processes, added up. What one of them has used stays counted when it has ended.

    `members` gives the processes of this moment; it may raise `psutil.Error` when there are none.
    """

    def __init__(self, members: Callable[[], Iterable[psutil.Process]]) -> None:
        self._members = members
        self._used: dict[tuple[int, float], _Used] = {}
        self._is_disk_told = True

    def look(self) -> Usage | None:
        """Their use until now; None if no process is there (any more)."""
        try:
            processes = list(self._members())
        except psutil.Error:
            return None
        rss_bytes, alive = 0, 0
        for process in processes:
            try:
                with process.oneshot():
                    used = self._used.setdefault((process.pid, process.create_time()), _Used())
                    times = process.cpu_times()
                    memory = process.memory_info().rss
                    used.cpu_s = times.user + times.system
            except psutil.Error:
                continue
            rss_bytes += memory
            alive += memory > 0
            self._look_at_disk(process, used)
        if not alive:
            # A zombie has a number and nothing else.
            return None
        all_of_them = self._used.values()
        return Usage(
            sum(used.cpu_s for used in all_of_them),
            rss_bytes,
            sum(used.read_bytes for used in all_of_them) if self._is_disk_told else None,
            sum(used.write_bytes for used in all_of_them) if self._is_disk_told else None,
        )

    def _look_at_disk(self, process: psutil.Process, used: _Used) -> None:
        if not hasattr(process, "io_counters"):
            self._is_disk_told = False
            return
        try:
            counters = process.io_counters()
        except psutil.AccessDenied:
            self._is_disk_told = False
        except psutil.Error:
            return
        else:
            used.read_bytes, used.write_bytes = counters.read_bytes, counters.write_bytes
