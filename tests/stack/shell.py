"""Commands as the stack's test runs them: their output is kept, and shown when they fail."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class StackFault(Exception):
    """The stack could not be brought up, or a command failed: says which, and what to do."""


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 600,
    input_text: str | None = None,
) -> str:
    """The standard output of `command`; a `StackFault` with all it said if it fails."""
    done = attempt(command, env=env, cwd=cwd, timeout_s=timeout_s, input_text=input_text)
    if done.returncode:
        raise StackFault(f"{shown(command)} ended with status {done.returncode}:\n{tail(done)}")
    return done.stdout


def attempt(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 600,
    input_text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """The same, whatever status it ends with."""
    return subprocess.run(
        [str(word) for word in command],
        env=None if env is None else dict(env),
        cwd=cwd,
        timeout=timeout_s,
        input=input_text,
        stdin=subprocess.DEVNULL if input_text is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def succeeds(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> bool:
    """Whether `command` is there and ends with status 0."""
    try:
        return attempt(command, env=env, timeout_s=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def tail(done: subprocess.CompletedProcess[str], lines: int = 40) -> str:
    """The last lines of what a command said."""
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-lines:])


def shown(command: Sequence[str | Path]) -> str:
    """A command for a message."""
    text = " ".join(str(word) for word in command)
    return text if len(text) < 200 else f"{text[:200]} …"


def say(text: str) -> None:
    """Tell whoever waits: what is done and what it took belongs to the output, captured or not."""
    print(f"stack: {text}", file=sys.__stdout__, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what a step took."""
    began = time.monotonic()
    try:
        yield
    finally:
        say(f"{name}: {time.monotonic() - began:.1f} s")
