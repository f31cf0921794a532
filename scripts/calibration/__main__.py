"""Compare the race with real ones, and write docs/race-calibration.md with its pictures.

make calibrate                          all of it: 20 races of 334 laps
python -m scripts.calibration --quick   a few short races, printed only
... --python PATH                       and the same frames on another Python (repeatable)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from scripts.calibration.alone import opening_laps
from scripts.calibration.document import FOLDER, document
from scripts.calibration.measurement import CARS, Extent, Measured, measure, say, the_field
from scripts.calibration.plots import draw_all
from scripts.calibration.sameness import ROOT
from scripts.calibration.targets import FULL_LAPS, verdicts

_OPENING_S: Final = 120


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.calibration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=_count, help="races (20; 2 with --quick)", metavar="N")
    add("--first-seed", type=_count, default=1, help="of the races (default: %(default)s)", metavar="N")
    add("--laps", type=_count, help=f"of a race ({FULL_LAPS}; 80 with --quick)", metavar="N")
    add("--alone", type=_count, help=f"entries to run alone ({CARS}; 4 with --quick)", metavar="N")
    add(
        "--same-laps",
        type=_count,
        help="of the race whose frames are compared (as --laps; 5 with --quick)",
        metavar="N",
    )
    add(
        "--jobs",
        type=_count,
        default=os.cpu_count() or 1,
        help="processes at a time (default: %(default)s)",
        metavar="N",
    )
    add(
        "--python",
        type=_interpreter,
        action="append",
        default=[],
        help="compare frames with this one, too",
        metavar="PATH",
    )
    add("--quick", action="store_true", help="few and short runs, printed only")
    add(
        "--write",
        type=Path,
        help="folder for page, figures and pictures (docs; none with --quick)",
        metavar="FOLDER",
    )
    return parser


def extent_of(args: argparse.Namespace) -> Extent:
    """With what was not said filled in."""
    seeds = args.seeds or (2 if args.quick else 20)
    laps = args.laps or (80 if args.quick else FULL_LAPS)
    return Extent(
        seeds=range(args.first_seed, args.first_seed + seeds),
        laps=laps,
        alone=min(args.alone or (4 if args.quick else CARS), CARS),
        same_laps=args.same_laps or (5 if args.quick else laps),
        jobs=args.jobs,
        pythons=tuple(args.python),
    )


def write(docs: Path, measured: Measured) -> None:
    """Page, figures and pictures."""
    folder = docs / FOLDER
    entries, track = the_field()
    opening = opening_laps(entries, track, measured.races[0].seed, _OPENING_S)
    draw_all(folder, entries, measured.runs, opening, track.length_m, measured.races, measured.corners)
    (folder / "figures.json").write_text(json.dumps(measured.figures, indent=1) + "\n", encoding="utf-8")
    (docs / f"{FOLDER}.md").write_text(document(measured.figures), encoding="utf-8")


def show(found: dict[str, Any]) -> None:
    print(json.dumps({key: found[key] for key in ("alone", "together")}, indent=1))
    for verdict in verdicts(found):
        met = {True: "yes", False: "NO", None: "–"}[verdict.met]
        print(f"{met:>4}  {verdict.target}: {verdict.measured} (wanted: {verdict.wanted})")


def main(words: Sequence[str] | None = None) -> int:
    args = arguments().parse_args(words)
    began_s = time.monotonic()
    measured = measure(extent_of(args))
    show(measured.figures)
    docs = args.write or (None if args.quick else ROOT / "docs")
    if docs is not None:
        write(docs, measured)
    say(f"Done in {time.monotonic() - began_s:.0f} s")
    return 0


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _interpreter(text: str) -> Path:
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no program; name a Python by its path")
    return Path(found)


if __name__ == "__main__":
    sys.exit(main())
