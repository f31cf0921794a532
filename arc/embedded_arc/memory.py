"""What the C library does with memory that is freed: a second of rows comes and goes all the time, a peak does not."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Parameters of glibc's `mallopt`, from malloc.h."""

LARGEST_KEPT_BYTES: Final = 4 << 20
MOST_KEPT_BYTES: Final = 64 << 20


def keep_what_is_used_again() -> None:
    """Let large arrays go back to the system when they are freed, and keep what is used all the time.

    glibc raises the first threshold to 32 MB by itself, and its heap then keeps hundreds of megabytes of holes.
    With the first set by hand, the second is 128 kB, and every request asks for its memory anew.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, MOST_KEPT_BYTES)


def give_back_holes() -> None:
    """Give free pages between used ones back to the system: after a peak there are many. Some milliseconds."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(MOST_KEPT_BYTES)


def _glibc() -> ctypes.CDLL | None:
    """The C library, if it is the one with these functions."""
    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL(None)
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
