"""A server of our own as a child process: on a free port of this machine, and gone when we are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import IO, Final

START_S: Final = 30.0
STOP_S: Final = 60.0
"""It may have rows to store."""


class ChildServer:
    """``python -m MODULE …``, which prints ``… at URL`` when it listens, and ends when its input closes."""

    def __init__(self, module: str, *arguments: str) -> None:
        # However this process ends, the pipe closes, and the server with it.
        self._command = (sys.executable, "-m", module, *arguments, "--until-stdin-closes")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its process id; only after it was started."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.pid

    async def start(
        self, *, env: Mapping[str, str] | None = None, stderr: IO[bytes] | None = None
    ) -> str | None:
        """Start it. Gives its address; None if it said none within `START_S`, and then it is ended."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            # Ctrl-C is for the command alone: the server has to take what is still in flight.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = b""
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_S)
        except TimeoutError:
            pass
        except BaseException:
            await self.stop()
            raise
        address = line.decode().rpartition(" at ")[2].strip()
        if address.startswith("http://"):
            return address
        await self.stop()
        return None

    async def stop(self) -> None:
        """Let it end, for `STOP_S` at most."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
