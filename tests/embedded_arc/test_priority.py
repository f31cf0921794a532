"""Questions stand behind the rows, also for the processor."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from embedded_arc.priority import NICE, give_way


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id() if sys.platform == "linux" else 0)


def test_a_thread_that_gives_way_changes_no_other() -> None:
    before = niceness()
    with ThreadPoolExecutor(1, initializer=give_way) as pool:
        behind = pool.submit(niceness).result()
    assert behind == (min(19, before + NICE) if sys.platform == "linux" else before)
    assert niceness() == before
