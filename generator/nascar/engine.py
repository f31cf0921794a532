"""The embedded engine as a child process: started on a free port, stopped cleanly, its data removed."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Final, Self

import psutil

from nascar.child_server import ChildServer
from nascar.errors import NascarError, UsageError
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import queries_directory
from nascar.telemetry.schema import LOW_RATE_TABLES

_KEPT_WHOLE: Final = (*LOW_RATE_TABLES, PIPELINE_METRICS)

BYTES_PER_ROW: Final = 15
"""What a stored row may take on the disk, old files not yet dropped included: more than docs/measurements.md shows."""


class EngineProcess:
    """``python -m embedded_arc`` on loopback. Its data lies in a folder below `base_dir`, removed at the end."""

    def __init__(self, base_dir: Path, keep_minutes: int, rate: int, seconds: float | None) -> None:
        self.token = secrets.token_urlsafe(32)
        self.url = ""
        self._base_dir = base_dir
        self._data_dir = base_dir / f"run-{os.getpid()}"
        kept_s = keep_minutes * 60 * 1.5 if seconds is None else min(seconds, keep_minutes * 60 * 1.5)
        self._bytes_needed = int(rate * kept_s * BYTES_PER_ROW)
        self._child = ChildServer(
            "embedded_arc",
            *("--host", "127.0.0.1", "--port", "0", "--data-dir", str(self.data_dir)),
            *("--keep-minutes", str(keep_minutes)),
            # The minutes are for the raw rows; the story of the race is small and stays whole.
            *(flag for table in _KEPT_WHOLE for flag in ("--keep-all", table.name)),
            # The questions that will be asked: their first answer comes as soon as later ones.
            *("--prepare", str(queries_directory())),
        )

    @property
    def data_dir(self) -> Path:
        """Where its rows lie; only while it runs."""
        return self._data_dir / "data"

    @property
    def pid(self) -> int:
        """Process id of the engine; only while it runs."""
        return self._child.pid

    async def __aenter__(self) -> Self:
        self._make_room()
        log = self._data_dir / "engine.log"
        with log.open("wb") as stderr:
            env = {**os.environ, "ARC_AUTH_BOOTSTRAP_TOKEN": self.token}
            url = await self._child.start(env=env, stderr=stderr)
        if url is None:
            said = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
            raise NascarError("The embedded engine did not start: " + (" / ".join(said) or "it said nothing"))
        self.url = url
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._child.stop()
        shutil.rmtree(self._data_dir, ignore_errors=True)

    def _make_room(self) -> None:
        """A folder of this run's own on a disk with enough room, or a message that says what to do."""
        try:
            self._base_dir.mkdir(parents=True, exist_ok=True)
            for left in self._base_dir.glob("run-*"):
                if not _is_alive(left.name.removeprefix("run-")):
                    shutil.rmtree(left, ignore_errors=True)
            self._data_dir.mkdir()
            free = shutil.disk_usage(self._data_dir).free
        except OSError as error:
            raise UsageError(
                f"The engine cannot use the folder {self._base_dir} ({error.strerror}). Give another with --data-dir."
            ) from None
        if free < self._bytes_needed:
            self._data_dir.rmdir()
            raise UsageError(
                f"The disk of {self._base_dir} has {free / 1e9:.1f} GB free and this run may need "
                f"{self._bytes_needed / 1e9:.1f} GB. Give fewer --seconds, a lower --rate or another --data-dir."
            )


def _is_alive(pid: str) -> bool:
    """Whether a process still runs; a folder with another kind of name is not ours and counts as in use."""
    if not pid.isdecimal():
        return True
    return psutil.pid_exists(int(pid))
