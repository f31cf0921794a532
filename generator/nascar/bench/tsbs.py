"""The generator of the Time Series Benchmark Suite (github.com/timescale/tsbs), where it is installed.

It is run as its users run it, its rows piped out as text. A row is a line of it. Its CPU time is what the
system says of the process when it has ended.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from subprocess import DEVNULL, PIPE, Popen
from typing import Final

from nascar.bench.stages import Taken

PROGRAM: Final = "tsbs_generate_data"
USE_CASES: Final = ("devops", "iot")
"""Servers, and lorries, which are nearest to cars. The faster one counts."""
MOST_POINTS: Final = 200_000
TIMEOUT_S: Final = 20.0
"""It is ended after this; what it had written by then counts."""
SCALE: Final = 40
"""Servers or lorries: as many as we have cars."""
_READ_BYTES: Final = 1 << 20


def find() -> str | None:
    """Where the program is; None if it is not on the PATH."""
    return shutil.which(PROGRAM)


def arguments(use_case: str, points: int) -> list[str]:
    """Every server or lorry once a second, until there are `points` rows."""
    return [
        f"--use-case={use_case}",
        "--seed=1",
        f"--scale={SCALE}",
        "--log-interval=1s",
        "--timestamp-start=2027-01-01T00:00:00Z",
        "--timestamp-end=2028-01-01T00:00:00Z",
        "--format=influx",
        f"--max-data-points={points}",
    ]


def generate(
    command: Sequence[str], timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.perf_counter
) -> Taken:
    """Run `command` to its end or for `timeout_s`, and count the lines that it writes."""
    start, lines = clock(), 0
    with Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as process:
        assert process.stdout is not None
        timer = threading.Timer(timeout_s, process.kill)
        timer.start()
        try:
            while data := os.read(process.stdout.fileno(), _READ_BYTES):
                lines += data.count(b"\n")
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
    return Taken(lines, used.ru_utime + used.ru_stime, clock() - start)


async def measure(program: str, points: int = MOST_POINTS, timeout_s: float = TIMEOUT_S) -> Taken | None:
    """The use case that it makes most rows of in a second of one core; None if it makes none of any."""
    taken = [
        await asyncio.to_thread(generate, [program, *arguments(use_case, points)], timeout_s)
        for use_case in USE_CASES
    ]
    return max((t for t in taken if t.rows), key=lambda t: t.per_cpu_s, default=None)
