"""The retention script, run as the container runs it, on real files with real ages."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nascar.telemetry.schema import TABLES

SCRIPT = Path(__file__).parents[2] / "arc" / "retention"


def environment(folder: Path, keep_minutes: str = "20") -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "KEEP_MINUTES": keep_minutes,
        "DATA_DIR": str(folder / "arc"),
        "DATABASE": "nascar_telemetry",
        "HEARTBEAT": str(folder / "heartbeat"),
        "EVERY_S": "0.05",
    }


def stored(folder: Path, table: str, name: str, minutes: float, database: str = "nascar_telemetry") -> Path:
    """A file as Arc lays it, last written `minutes` ago."""
    path = folder / "arc" / database / table / "2026" / "11" / "24" / "03" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PAR1")
    when = time.time() - minutes * 60
    os.utime(path, (when, when))
    return path


@contextmanager
def running(folder: Path, keep_minutes: str = "20") -> Iterator[subprocess.Popen[bytes]]:
    """The script's loop, past its first pass."""
    process = subprocess.Popen(["sh", SCRIPT, "run"], env=environment(folder, keep_minutes))
    try:
        eventually((folder / "heartbeat").exists)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def eventually(holds: object, seconds: float = 10) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def check(folder: Path, keep_minutes: str = "20") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", SCRIPT, "check"],
        env=environment(folder, keep_minutes),
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_old_parquet_files_of_the_raw_tables_go(tmp_path: Path) -> None:
    old = [stored(tmp_path, table.name, f"{table.name}_old.parquet", 21) for table in TABLES]
    kept = [
        *(stored(tmp_path, table.name, f"{table.name}_new.parquet", 19) for table in TABLES),
        stored(tmp_path, "lap_times", "lap_times_old.parquet", 500),
        stored(tmp_path, "engine_telemetry", "other_database.parquet", 500, database="daytona"),
        stored(tmp_path, "engine_telemetry", "not_data.tmp", 500),
    ]
    with running(tmp_path):
        eventually(lambda: not any(path.exists() for path in old))
        assert all(path.exists() for path in kept)


def test_it_goes_on_and_stops_at_once_when_told(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        late = stored(tmp_path, "tire_telemetry", "late.parquet", 30)
        eventually(lambda: not late.exists())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_start_before_the_first_row_is_healthy(tmp_path: Path) -> None:
    with running(tmp_path):
        assert check(tmp_path).returncode == 0


def test_it_is_not_healthy_before_its_first_pass(tmp_path: Path) -> None:
    answer = check(tmp_path)
    assert answer.returncode == 1
    assert "no pass without an error" in answer.stderr


def test_it_is_not_healthy_when_its_heart_stopped(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    heartbeat.touch()
    assert check(tmp_path).returncode == 0
    os.utime(heartbeat, (time.time() - 120, time.time() - 120))
    assert check(tmp_path).returncode == 1


def test_it_is_not_healthy_while_a_file_outstays(tmp_path: Path) -> None:
    (tmp_path / "heartbeat").touch()
    stored(tmp_path, "chassis_telemetry", "stuck.parquet", 21)
    assert check(tmp_path).returncode == 0
    path = stored(tmp_path, "chassis_telemetry", "stuck.parquet", 23)
    answer = check(tmp_path)
    assert answer.returncode == 1
    assert str(path) in answer.stderr


@pytest.mark.parametrize("minutes", ["0", "61", "-5", "1.5", "soon"])
def test_minutes_that_cannot_be_are_refused(tmp_path: Path, minutes: str) -> None:
    answer = subprocess.run(
        ["sh", SCRIPT, "run"],
        env={**environment(tmp_path), "KEEP_MINUTES": minutes},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert answer.returncode == 2
    assert "give 1 to 60" in answer.stderr


def test_a_command_that_is_not_there_is_refused(tmp_path: Path) -> None:
    answer = subprocess.run(
        ["sh", SCRIPT, "stop"], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "run or check" in answer.stderr
