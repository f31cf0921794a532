"""What processes use, seen from outside: real processes, real files."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.bench.resources import Samples, Watcher
from nascar.bench.watched import ProcessTree, WholeMachine
from nascar.process_use import Usage

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


@contextmanager
def python(program: str) -> Iterator[subprocess.Popen[str]]:
    """A process that says ``ready`` when it is, and ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


async def used(tree: ProcessTree) -> Usage:
    usage = await tree.look()
    assert usage is not None
    return usage


async def test_what_a_child_used_stays_counted_when_it_has_ended() -> None:
    program = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {BURN + "print('done', flush=True); input()"!r}],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print("ready", flush=True)
input()
child.communicate(b"\\n")
print("ended", flush=True)
input()
"""
    with python(program) as process:
        tree = ProcessTree(process.pid)
        with_child = await used(tree)
        assert with_child.cpu_s >= 0.3
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ended\n"
        alone = await used(tree)
        assert alone.cpu_s >= with_child.cpu_s
        assert alone.rss_bytes < with_child.rss_bytes
        process.stdin.write("\n")


async def test_bytes_written_to_the_disk_are_seen(tmp_path: Path) -> None:
    program = f"""
import os
print("ready", flush=True)
input()
with open({str(tmp_path / "rows")!r}, "wb") as file:
    file.write(os.urandom(4 << 20)); file.flush(); os.fsync(file.fileno())
print("written", flush=True)
input()
"""
    with python(program) as process:
        tree = ProcessTree(process.pid)
        before = await used(tree)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        process.stdout.readline()
        after = await used(tree)
        assert before.write_bytes is not None
        assert after.write_bytes is not None
        assert after.write_bytes - before.write_bytes >= 4 << 20
        process.stdin.write("\n")


def test_a_process_that_has_ended_is_not_there() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert asyncio.run(ProcessTree(process.pid).look()) is None, "a zombie has a number and nothing else"
    process.wait()
    assert asyncio.run(ProcessTree(process.pid).look()) is None


async def test_a_watcher_looks_at_all_until_it_is_cancelled_and_loses_nothing_it_saw() -> None:
    watcher = Watcher({"me": ProcessTree(os.getpid()), "machine": WholeMachine()}, every_s=0.05)
    task = asyncio.create_task(watcher.watch())
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for name in ("me", "machine"):
        samples = watcher.samples[name]
        assert len(samples.at_s) == len(samples.usage) >= 3
        assert samples.at_s == sorted(samples.at_s)
        cpu_s = [usage.cpu_s for usage in samples.usage]
        # Sums of many counters: their last bits are nobody's time.
        assert all(later >= earlier - 1e-6 for earlier, later in pairwise(cpu_s))
    assert all(usage.received_bytes is not None for usage in watcher.samples["machine"].usage)


def nothing() -> None:
    """As a container without disks and networks tells it."""


def refuse() -> None:
    raise RuntimeError("/proc/diskstats is not understood")


@pytest.mark.parametrize("told", [nothing, refuse])
async def test_a_machine_that_does_not_tell_of_disk_and_network_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch, told: Callable[[], None]
) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", told)
    monkeypatch.setattr(psutil, "net_io_counters", told)
    usage = await WholeMachine().look()
    assert usage is not None
    assert usage.cpu_s > 0
    assert (usage.read_bytes, usage.write_bytes, usage.received_bytes) == (None, None, None)


class Broken:
    """What cannot be looked at."""

    what = "broken"

    async def look(self) -> Usage | None:
        raise OSError("no such thing")


async def test_what_cannot_be_looked_at_costs_its_own_numbers_alone() -> None:
    watcher = Watcher({"server": Broken(), "machine": WholeMachine()})
    await watcher.look()
    await watcher.look()
    assert len(watcher.samples["machine"].at_s) == 2
    assert watcher.samples["server"].at_s == []
    assert watcher.troubles == {"server": "OSError: no such thing"}


LOOKS = st.lists(
    st.tuples(st.floats(0.01, 5), st.floats(0, 4), st.integers(0, 10**9), st.integers(0, 10**9)),
    min_size=2,
    max_size=20,
)


@given(LOOKS, st.floats(-1e6, 1e6))
def test_the_series_adds_up_to_what_was_used(
    looks: list[tuple[float, float, int, int]], origin_s: float
) -> None:
    samples, at_s, cpu_s, written = Samples(), origin_s, 0.0, 0
    for dt_s, more_cpu_s, rss, more_written in looks:
        at_s, cpu_s, written = at_s + dt_s, cpu_s + more_cpu_s, written + more_written
        samples.add(at_s, Usage(cpu_s, rss, None, written))
    series = samples.series(origin_s)
    assert len({len(values) for values in series.values()}) == 1
    assert series["rss_bytes"] == [rss for _, _, rss, _ in looks[1:]]
    assert set(series["read_bytes_per_s"]) == {None}
    used_s = sum(cores * look[0] for cores, look in zip(series["cores"], looks[1:], strict=True))
    assert used_s == pytest.approx(sum(look[1] for look in looks[1:]), abs=0.001 * len(looks) * 5)
    mean = samples.cores(samples.at_s[0], at_s)
    assert mean is not None
    span_s = at_s - samples.at_s[0]
    assert mean * span_s == pytest.approx(sum(look[1] for look in looks[1:]), rel=1e-6, abs=1e-6)
    assert samples.most_rss_bytes(samples.at_s[0], at_s) == max(look[2] for look in looks)
    assert samples.grown(lambda usage: usage.write_bytes, samples.at_s[0], at_s) == sum(
        look[3] for look in looks[1:]
    )


def test_what_was_looked_at_once_has_no_rate() -> None:
    samples = Samples()
    samples.add(1.0, Usage(1.0, 5, 0, 0))
    assert samples.cores(0, 2) is None
    assert samples.grown(lambda usage: usage.write_bytes, 0, 2) is None
    assert samples.most_rss_bytes(0, 2) == 5
    assert samples.series(0)["at_s"] == []
