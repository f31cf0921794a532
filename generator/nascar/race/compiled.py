"""Compilation of the race's inner loops to machine code, kept between runs.

Forty cars that watch each other at every tick are a loop over scalars: numpy would spend its time on the
making of small arrays. Numba compiles the same Python to the arithmetic it says, without reordering sums
or contracting products (no fast-math), so the bits stay those of the source.

Numba's cache looks at the file of a function, not at those of the functions it calls. The cache therefore
lies in a folder named after the content of the whole package: a change anywhere in it compiles anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

CACHE_VARIABLE: Final = "NUMBA_CACHE_DIR"
_HERE: Final = Path(__file__).parent


def _fingerprint() -> str:
    digest = hashlib.sha256(version("numba").encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cache_folder() -> Path:
    """Beside the sources, or where those may not be written (an image, another user's) a temporary copy."""
    built_in = _HERE / "__pycache__" / f"compiled-{_fingerprint()}"
    if _is_writable(built_in):
        return built_in
    folder = Path(tempfile.gettempdir()) / f"nascar-{os.getuid()}-{built_in.name}"
    if not folder.exists() and built_in.is_dir():
        shutil.copytree(built_in, folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        # What somebody else has put there is not run: this process compiles for itself.
        return Path(tempfile.mkdtemp(prefix="nascar-"))
    return folder


if CACHE_VARIABLE not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """`function` as machine code; its first call compiles it, or loads what an earlier run compiled."""
    done: Any = numba.njit(cache=True, error_model="numpy")(function)
    return cast(Function, done)
