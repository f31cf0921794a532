"""How a driver keeps clear of the car ahead.

He lets the gap close as fast as he could still brake off with `BRAKES_MPS2` before it is gone: the closing
speed allowed is ``√(2b(x + x₀)) − √(2b·x₀)`` over the gap left, x. Near the car ahead that is a straight line
whose slope damps the answer critically; far away it is the braking distance. What the car ahead does to its
own speed he does at once.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from nascar.race.car import LENGTH_M
from nascar.race.frames import Floats

FOLLOWING_M: Final = LENGTH_M + 1.6
"""Centre to centre, nose to tail."""
BRAKES_MPS2: Final = 4.5
ANSWER_PER_S: Final = 2.4
"""How fast the closing speed is brought to the one allowed."""
SOFT_M: Final = 6.0
"""x₀: makes the slope at the gap's end a quarter of `ANSWER_PER_S`."""
ROOT: Final = (2.0 * BRAKES_MPS2) ** 0.5
OFFSET_MPS: Final = (2.0 * BRAKES_MPS2 * SOFT_M) ** 0.5


def closing_allowed_mps(distance_m: Floats) -> Floats:
    """Closing speed allowed at a centre-to-centre distance; negative where the gap is too small already."""
    return np.asarray(ROOT * np.sqrt(np.maximum(distance_m + (SOFT_M - FOLLOWING_M), 0.0)) - OFFSET_MPS)
