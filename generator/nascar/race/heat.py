"""How a temperature follows its load: a first-order lag, integrated tick by tick."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from nascar.race.frames import TICK_S, Floats


def follow_load(start_f: Floats, load_f: Floats, time_constant_s: float) -> Floats:
    """Temperatures that close in on `load_f` ``(ticks, …)``, the temperature each tick's load would end in.

    Returns ``(ticks + 1, …)``: row 0 is `start_f`, the last row the state after the last tick.
    """
    share = TICK_S / time_constant_s
    keep = np.full(start_f.shape, 1.0 - share)
    temps = np.empty((load_f.shape[0] + 1, *start_f.shape))
    temps[0] = start_f
    np.multiply(load_f, share, out=temps[1:])
    rows = list(temps)
    lasting = np.empty_like(start_f)
    for now, after in pairwise(rows):
        np.multiply(now, keep, lasting)
        np.add(after, lasting, after)
    return temps
