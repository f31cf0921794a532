"""The same seed gives the same frames: in one process, in four at once, and on another Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PROCESSES: Final = 4


@dataclass(frozen=True, slots=True)
class Run:
    """What one process says of the race."""

    python: str
    """Version."""
    numpy: str
    digest: str
    """SHA-256 of all frames."""


def run_at_once(count: int, seed: int, laps: int, python: Path = Path(sys.executable)) -> list[Run]:
    """The race in `count` processes side by side, each from nothing."""
    command = [str(python), "-m", "nascar", "race", "--json", "--seed", str(seed), "--laps", str(laps)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    runs = []
    for process in processes:
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"`nascar race` ended with status {process.returncode} on {python.name}.")
        said: dict[str, Any] = json.loads(output)
        runs.append(Run(said["versions"]["python"], said["versions"]["numpy"], said["frames_sha256"]))
    return runs


def run_on(python: Path, seed: int, laps: int) -> Run:
    """The race on another Python, with the locked packages in a virtual environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([str(python), "-m", "venv", folder], check=True)
        inner = Path(folder) / "bin" / "python"
        pip = [str(inner), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        locked = str(ROOT / "requirements" / "stream.txt")
        subprocess.run([*pip, "--require-hashes", "-r", locked], check=True)
        return run_at_once(1, seed, laps, inner)[0]
