#!/usr/bin/env python3
"""Close the line of a track file, and print the file with the numbers that do it.

    scripts/close_track.py DRAFT.toml > TRACK.toml
    scripts/close_track.py DRAFT.toml --lap-m 804.672 > TRACK.toml

In the draft, mark the numbers that may change with a comment: ``length_m = 90  # free``. Numbers marked with
the same word, ``# free a``, keep their ratio, as the two clothoids of a turn should. Three at least must be
free, four with --lap-m. They change as little as will do, each in proportion to what it is.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nascar.errors import TrackError
from nascar.race.course import gap_m, turned_rad
from nascar.race.frames import Floats
from nascar.race.track_file import (
    CLOSES_WITHIN_M,
    HEADING_WITHIN_RAD,
    LONGEST_LAP_M,
    SHORTEST_LAP_M,
    parse_course,
    parse_sections,
)

_FREE: Final = re.compile(
    r"^([ \t]*(?:length_m|curvature_per_m|radius_m|radius_ft)[ \t]*=[ \t]*)([0-9][0-9.eE+_-]*)"
    r"([ \t]*#[ \t]*free(?:[ \t]+(\w+))?.*)$",
    re.MULTILINE,
)
_LEVER_M: Final = 100.0
"""What an error in heading weighs against one in place."""
_STEPS: Final = 50
_NUDGE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a track file with free numbers."""

    name: str
    text: str
    lap_m: float | None

    @property
    def groups(self) -> list[str]:
        """What each free number moves with: its word, or nothing but itself."""
        return [match[4] or f"at {match.start()}" for match in _FREE.finditer(self.text)]

    def with_factors(self, factor_of: dict[str, float]) -> str:
        """The text with each free number times its group's factor."""

        def number(match: re.Match[str]) -> str:
            factor = factor_of[match[4] or f"at {match.start()}"]
            return f"{match[1]}{float(match[2].replace('_', '')) * factor!r}{match[3]}"

        return _FREE.sub(number, self.text)

    def misses(self, text: str) -> Floats:
        """How far the line of `text` is from closing: heading, x, y, and the lap's length if it is set, in m."""
        sections = parse_sections(self.name, text.encode())
        miss = [(turned_rad(sections) - 2 * math.pi) * _LEVER_M, *gap_m(sections)]
        if self.lap_m is not None:
            miss.append(math.fsum(section.length_m for section in sections) - self.lap_m)
        return np.array(miss)


def close(draft: Draft) -> str:
    """The text of the closed track, by Newton's method. Raises `TrackError` if it cannot be closed so."""
    groups = sorted(set(draft.groups))
    wanted = 3 if draft.lap_m is None else 4
    if len(groups) < wanted:
        raise TrackError(f"{draft.name}: {len(groups)} free numbers. Mark {wanted} or more with # free.")

    def text_at(factors: Floats) -> str:
        return draft.with_factors(dict(zip(groups, factors.tolist(), strict=True)))

    factors = np.ones(len(groups))
    miss = draft.misses(draft.text)
    for _ in range(_STEPS):
        nudges = np.eye(len(groups)) * _NUDGE
        slopes = np.array([(draft.misses(text_at(factors + nudge)) - miss) / _NUDGE for nudge in nudges]).T
        step = np.linalg.lstsq(slopes, -miss, rcond=1e-9)[0]
        # A long step may overshoot, or leave what a section may be: halve it until it is better.
        nearer = 1.0
        while nearer > 1e-4:
            tried = factors + nearer * step
            try:
                ahead = draft.misses(text_at(tried))
            except TrackError:
                ahead = np.full(wanted, np.inf)
            if np.abs(ahead).max() < np.abs(miss).max():
                factors, miss = tried, ahead
                break
            nearer /= 2
        else:
            break
    if not (abs(miss[0]) / _LEVER_M <= HEADING_WITHIN_RAD and np.abs(miss[1:]).max() <= CLOSES_WITHIN_M):
        raise TrackError(
            f"{draft.name}: does not close with these numbers free: {abs(miss[0]) / _LEVER_M:.3g} rad and "
            f"{np.abs(miss[1:]).max():.3g} m are left. Free others, or begin nearer to a closed line."
        )
    return text_at(factors)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("file", type=Path, help="track file in TOML with free numbers", metavar="DRAFT.toml")
    parser.add_argument("--lap-m", type=float, help="length that the lap is to have", metavar="M")
    args = parser.parse_args()
    if args.lap_m is not None and not SHORTEST_LAP_M <= args.lap_m <= LONGEST_LAP_M:
        parser.error(f"--lap-m: a lap is {SHORTEST_LAP_M:g} to {LONGEST_LAP_M:g} m long")
    try:
        text = args.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{args.file}: {error}. Give a track file that can be read.", file=sys.stderr)
        return TrackError.exit_code
    try:
        closed = close(Draft(str(args.file), text, args.lap_m))
    except TrackError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    sys.stdout.write(closed)
    try:
        parse_course(str(args.file), closed.encode())
    except TrackError as error:
        print(f"The line closes. What is left to do: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
