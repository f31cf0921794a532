"""Files and bytes of a folder in which files come and go."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from nascar.monitor.disk import Disk, DiskWatch, count_files
from tests.monitor.conftest import until


def fill(folder: Path, files: int, size: int = 100) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        (folder / f"{number}.parquet").write_bytes(b"x" * size)


def test_files_of_all_folders_count_and_links_lead_nowhere(tmp_path: Path) -> None:
    fill(tmp_path / "laps" / "2026" / "11", 3)
    fill(tmp_path / "laps", 2, 50)
    (tmp_path / "round").symlink_to(tmp_path)
    counted = count_files(tmp_path)
    assert counted is not None
    assert counted.files == 6
    assert counted.bytes == 400 + os.lstat(tmp_path / "round").st_size


def test_a_folder_that_is_not_there_is_unknown_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    assert count_files(tmp_path / "nowhere") is None
    assert count_files(tmp_path) == Disk(0, 0)


def test_a_folder_that_may_not_be_read_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "closed", 1)
    scan = os.scandir

    def refuse(path: str) -> object:
        # A superuser may read everything; the system's refusal is played to it.
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert count_files(tmp_path) is None


def test_files_and_folders_that_vanish_meanwhile_cost_nothing(tmp_path: Path) -> None:
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            fill(tmp_path / "hour", 20)
            for file in (tmp_path / "hour").iterdir():
                file.unlink()
            (tmp_path / "hour").rmdir()

    fill(tmp_path / "kept", 5)
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            counted = count_files(tmp_path)
            assert counted is not None
            assert 5 <= counted.files <= 25
            assert counted.bytes <= 100 * counted.files
    finally:
        ended.set()
        thread.join()


async def test_the_watch_has_counted_before_it_pauses(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    watch = DiskWatch(tmp_path)
    assert watch.now is None
    task = asyncio.create_task(watch.watch())
    await until(lambda: watch.now is not None)
    task.cancel()
    assert watch.now == Disk(4, 400)
