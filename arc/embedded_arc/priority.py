"""Who waits when the processor has too little for all: questions stand behind the rows.

A flush that comes late makes every answer old, a question that takes longer only its own. Without this, four
questions at once leave the flush too little, and rows are seen late.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Final

NICE: Final = 5
"""Against a thread of the usual kind, one of these gets a third of the time (the kernel's weight of 5), and all of what nobody else wants."""


def give_way() -> None:
    """Let the calling thread stand behind the others of this process, where the system can tell threads apart."""
    if sys.platform == "linux":
        me = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + NICE)
