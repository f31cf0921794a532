"""Compilation of inner loops to machine code, kept between runs.

Forty cars that watch each other at every tick are a loop over scalars, and a million rows a second are a loop
over cells: numpy would spend its time on the making of small arrays, or on the memory between two of its
passes. Numba compiles the same Python to the arithmetic it says, without reordering sums or contracting
products (no fast-math), so the bits stay those of the source.

Numba's cache looks at the file of a function, not at those of the functions it calls. The cache therefore
lies in a folder named after the content of the function's whole package: a change anywhere in it compiles
the package anew, and a change in another does not. So compiled code calls none of another package.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

CACHE_VARIABLE: Final = "NUMBA_CACHE_DIR"


def _fingerprint(package: Path) -> str:
    digest = hashlib.sha256(version("numba").encode())
    digest.update(Path(__file__).read_bytes())
    for source in sorted(package.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def cache_folder(package: Path) -> Path:
    """Where the code of the package in the folder `package` is kept: beside its sources, or where those may
    not be written (an image, another user's) in a temporary copy."""
    built_in = package / "__pycache__" / f"compiled-{_fingerprint(package)}"
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


_folder_of = cache(cache_folder)


def compiled(function: Function) -> Function:
    """`function` as machine code; its first call compiles it, or loads what an earlier run compiled."""
    if CACHE_VARIABLE not in os.environ:
        package = Path(function.__code__.co_filename).parent
        # Numba asks for the folder here, when the function is wrapped, and only here.
        numba.config.CACHE_DIR = str(_folder_of(package))  # type: ignore[attr-defined]
    done: Any = numba.njit(cache=True, error_model="numpy")(function)
    return cast(Function, done)
