"""``nascar stream`` as a child process, as a person would start it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

END_S: Final = 10.0
"""A child that nobody waits for has so long to end after Ctrl-C."""
_LAST_WORDS: Final = 3
"""Lines of a failed child's complaint that are kept."""


class StreamProcess:
    """``nascar stream`` as a child. However the ``async with`` ends, the child has ended, too."""

    def __init__(self, arguments: Sequence[str], token: str, folder: Path) -> None:
        self._arguments = arguments
        self._token = token
        self._log = folder / "stderr.txt"
        self._process: asyncio.subprocess.Process | None = None
        self._is_interrupted = False

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "nascar", "stream", *self._arguments),
                env={**os.environ, "ARC_TOKEN": self._token},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                # Ctrl-C is for the benchmark, which hands it on once and waits for the report.
                start_new_session=True,
            )
        if self._is_interrupted:
            self.interrupt()
        return self

    async def __aexit__(self, *exc: object) -> None:
        process = self._child
        if process.returncode is None:
            self.interrupt()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), END_S)
        if process.returncode is None:
            process.kill()
            await process.wait()

    @property
    def _child(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._child.returncode is not None

    def interrupt(self) -> None:
        """Ctrl-C for the child: it drains, counts, and writes its report. One that is not there yet gets it then."""
        self._is_interrupted = True
        if self._process is not None and not self.is_over:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGINT)

    async def wait(self, most_s: float) -> int:
        """Its exit status. One that does not end in `most_s` is killed."""
        try:
            return await asyncio.wait_for(self._child.wait(), most_s)
        except TimeoutError:
            self._child.kill()
            return await self._child.wait()

    def last_words(self) -> str:
        """The end of what it said on stderr, on one line, without the token."""
        lines = self._log.read_text(errors="replace").replace(self._token, "***").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-_LAST_WORDS:]) or "it said nothing"
