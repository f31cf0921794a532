"""What a process says of itself is its own, not that of who started it."""

from __future__ import annotations

import subprocess
import sys

from nascar.stream import usage


def test_the_memory_of_the_process_that_started_this_one_is_not_counted() -> None:
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert usage.max_rss_bytes() > len(ballast)
    program = "from nascar.stream import usage; print(usage.max_rss_bytes())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 1_000_000 < int(said.stdout) < len(ballast)


def test_time_that_was_computed_is_counted() -> None:
    before = usage.cpu_s()
    while usage.cpu_s() == before:
        sum(range(10_000))
    assert usage.cpu_s() > before


def test_there_is_a_core_to_use() -> None:
    assert usage.usable_cores() >= 1
