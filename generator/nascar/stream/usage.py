"""What this process has used of the machine."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import time
from pathlib import Path
from typing import Final

_MAXRSS_BYTES: Final = 1 if sys.platform == "darwin" else 1024
"""Unit of ``ru_maxrss``: getrusage(2) gives kibibytes on Linux and bytes on macOS."""


def cpu_s() -> float:
    """CPU seconds of this process, all threads, user and system."""
    return time.process_time()


def max_rss_bytes() -> int:
    """The most memory that was resident at one time since the program started."""
    # What getrusage says on Linux is never less than what the process that started this one had.
    with contextlib.suppress(OSError, ValueError), Path("/proc/self/status").open() as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
