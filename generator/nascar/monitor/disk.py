"""How much lies in the server's data folder, counted while files come and go."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COUNT_EVERY_S: Final = 5.0
_MOST_SHARE: Final = 0.01
"""Of a core that the counting may take: a folder of many files is counted less often."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Files below a folder, and their bytes."""

    files: int
    bytes: int


def count_files(folder: Path) -> Disk | None:
    """Count what lies below `folder`. None if the folder, or a part of it, may not be read."""
    files, total_bytes = 0, 0
    left = [os.fspath(folder)]
    while left:
        inner = left.pop()
        try:
            with os.scandir(inner) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            left.append(entry.path)
                        else:
                            total_bytes += entry.stat(follow_symlinks=False).st_size
                            files += 1
                    except FileNotFoundError:
                        # Removed since the folder was listed: retention is at work.
                        continue
        except OSError as error:
            if isinstance(error, FileNotFoundError) and inner != os.fspath(folder):
                continue
            return None
    return Disk(files, total_bytes)


class DiskWatch:
    """Counts again and again beside everything else. `now` is the newest count, None while it is unknown."""

    def __init__(self, folder: Path) -> None:
        self.now: Disk | None = None
        self._folder = folder

    async def watch(self) -> None:
        """Count until cancelled."""
        while True:
            self.now, cpu_s = await asyncio.to_thread(self._count)
            await asyncio.sleep(max(COUNT_EVERY_S, cpu_s / _MOST_SHARE))

    def _count(self) -> tuple[Disk | None, float]:
        start_s = time.thread_time()
        return count_files(self._folder), time.thread_time() - start_s
