"""Counting the rows of another generator: of a stand-in here, which is not TSBS and only writes lines as it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from nascar.bench import tsbs

STAND_IN = f"""#!{sys.executable}
import sys, time
given = dict(a.removeprefix("--").split("=", 1) for a in sys.argv[1:])
assert given["format"] == "influx" and int(given["scale"]) == {tsbs.SCALE}, given
print("a remark that is no row", file=sys.stderr)
points = int(given["max-data-points"]) // (1 if given["use-case"] == "devops" else 4)
spun = sum(range(200_000))
for n in range(points):
    print(f"cpu,hostname=host_{{n}} usage_user=58i,usage_system=2i 1451606400000000000")
"""


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, script: str) -> str:
    program = folder / tsbs.PROGRAM
    program.write_text(script)
    program.chmod(0o755)
    return str(program)


def test_what_is_not_on_the_path_is_not_found(on_path: Path) -> None:
    assert tsbs.find() is None


async def test_rows_are_the_lines_and_the_faster_use_case_counts(on_path: Path) -> None:
    install(on_path, STAND_IN)
    program = tsbs.find()
    assert program is not None
    taken = await tsbs.measure(program, points=4_000)
    assert taken is not None
    assert taken.rows == 4_000
    assert taken.cpu_s > 0
    assert taken.wall_s > 0


async def test_what_never_ends_is_ended_and_counts_until_then(on_path: Path) -> None:
    endless = f"#!{sys.executable}\nwhile True: print('cpu usage_user=58i 1451606400000000000')\n"
    taken = tsbs.generate([install(on_path, endless)], timeout_s=0.5)
    assert taken.rows > 0
    assert taken.cpu_s > 0
    assert 0.5 <= taken.wall_s < 10


async def test_what_writes_nothing_is_not_measured(on_path: Path) -> None:
    assert await tsbs.measure(install(on_path, f"#!{sys.executable}\nraise SystemExit(1)\n")) is None


def test_only_its_own_cpu_time_counts(on_path: Path) -> None:
    sleeper = f"#!{sys.executable}\nimport time\nprint('a row')\ntime.sleep(0.4)\n"
    before = os.times()
    taken = tsbs.generate([install(on_path, sleeper)])
    used = os.times()
    children = used.children_user + used.children_system - before.children_user - before.children_system
    assert taken.cpu_s == pytest.approx(children, abs=0.011)
    assert taken.cpu_s < taken.wall_s
