"""The server's use out of copies of its /proc files, made by the health check itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from nascar.monitor.server_usage import STALE_S, ProcFolder, of_process
from nascar.monitor.use import UseMeter

HEALTH = Path(__file__).parents[2] / "arc" / "health"


def check_health(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(HEALTH), *command],
        env={**os.environ, "USAGE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )


Copy = Callable[[], Path]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Copies what /proc says of this very process, as the health check does of the first one."""

    def make() -> Path:
        for name in ("stat", "status", "io"):
            (tmp_path / name).write_bytes(Path(f"/proc/self/{name}").read_bytes())
        (tmp_path / "uptime").write_bytes(Path("/proc/uptime").read_bytes())
        return tmp_path

    return make


def test_the_copies_say_what_the_system_says(copy: Copy) -> None:
    own = psutil.Process()
    before = own.cpu_times()
    reading = ProcFolder(copy(), time.time).read()
    after = own.cpu_times()
    assert reading is not None
    assert before.user + before.system <= reading.usage.cpu_s + 0.011
    assert reading.usage.cpu_s <= after.user + after.system + 0.011
    assert reading.usage.rss_bytes == pytest.approx(own.memory_info().rss, rel=0.2)
    assert reading.usage.write_bytes is not None
    assert reading.at_s == pytest.approx(time.time() - psutil.boot_time(), abs=5)


def test_two_copies_make_a_rate(copy: Copy) -> None:
    folder, meter = ProcFolder(copy(), time.time), UseMeter()
    meter.take(folder.read())
    until_s = time.process_time() + 0.3
    while time.process_time() < until_s:
        pass
    copy()
    use = meter.take(folder.read())
    assert use.cpu_cores is not None
    assert use.cpu_cores > 0.1


def test_the_health_check_copies_and_has_the_status_of_its_command(tmp_path: Path) -> None:
    folder = tmp_path / "usage"
    assert check_health(folder, "true").returncode == 0
    assert check_health(folder, "sh", "-c", "exit 7").returncode == 7
    names = {file.name for file in folder.iterdir()}
    assert {"stat", "status", "uptime"} <= names
    reading = ProcFolder(folder, time.time).read()
    assert reading is not None
    assert reading.usage.cpu_s == pytest.approx(sum(psutil.Process(1).cpu_times()[:2]), abs=1)


def test_an_old_copy_does_not_stay_where_no_new_one_can_be_made(tmp_path: Path) -> None:
    (tmp_path / ".stat.new").mkdir()
    (tmp_path / "stat").write_text("1 (arc) S old")
    assert check_health(tmp_path, "true").returncode == 0
    assert not (tmp_path / "stat").exists()
    assert ProcFolder(tmp_path, time.time).read() is None


def test_a_folder_that_cannot_be_written_leaves_the_server_as_healthy_as_it_is(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    ended = check_health(nowhere / "usage", "echo", "ready")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ready\n", "")
    assert check_health(nowhere / "usage", "false").returncode == 1


def test_a_health_check_of_nothing_is_refused(tmp_path: Path) -> None:
    ended = check_health(tmp_path)
    assert ended.returncode == 2
    assert "usage:" in ended.stderr


@pytest.mark.parametrize("name", ["stat", "status", "uptime"])
@pytest.mark.parametrize("content", [None, "", "(a b) c) S 1", "VmRSS:", "x y z"])
def test_a_file_that_is_missing_or_half_written_is_unknown(
    copy: Copy, name: str, content: str | None
) -> None:
    file = copy() / name
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    assert ProcFolder(file.parent, time.time).read() is None


@pytest.mark.parametrize("content", [None, "", "read_bytes: many"])
def test_a_server_whose_disk_counters_are_not_told_still_has_the_rest(
    copy: Copy, content: str | None
) -> None:
    file = copy() / "io"
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    reading = ProcFolder(file.parent, time.time).read()
    assert reading is not None
    assert (reading.usage.read_bytes, reading.usage.write_bytes) == (None, None)
    assert reading.usage.rss_bytes > 0


def test_no_folder_and_an_unreadable_one_are_unknown(tmp_path: Path) -> None:
    assert ProcFolder(tmp_path / "nowhere", time.time).read() is None
    file = tmp_path / "file"
    file.write_text("")
    assert ProcFolder(file, time.time).read() is None


def test_copies_that_nobody_makes_any_more_say_nothing_of_now(copy: Copy) -> None:
    folder = copy()
    assert ProcFolder(folder, lambda: time.time() + STALE_S - 2).read() is not None
    assert ProcFolder(folder, lambda: time.time() + STALE_S + 2).read() is None


def test_a_restarted_server_is_another_process(copy: Copy) -> None:
    folder = copy()
    first = ProcFolder(folder, time.time).read()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        (folder / "stat").write_bytes(Path(f"/proc/{child.pid}/stat").read_bytes())
        second = ProcFolder(folder, time.time).read()
        child.communicate(b"\n")
    assert first is not None
    assert second is not None
    assert first.origin != second.origin


def test_a_name_with_brackets_and_blanks_shifts_no_field(copy: Copy) -> None:
    file = copy() / "stat"
    first = ProcFolder(file.parent, time.time).read()
    number, _, rest = file.read_text().partition(" ")
    file.write_text(f"{number} (a) R 1 (b) {rest.rpartition(')')[2].strip()}")
    assert first is not None
    again = ProcFolder(file.parent, time.time).read()
    assert again is not None
    assert (again.usage.cpu_s, again.origin) == (first.usage.cpu_s, first.origin)


def test_a_process_is_seen_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    read = of_process(child.pid, time.monotonic)
    reading = read()
    child.communicate(b"\n")
    assert reading is not None
    assert reading.usage.rss_bytes > 0
    assert read() is None
