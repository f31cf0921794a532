"""Everything that is measured: runs alone, races, and frames compared, several processes at a time."""

from __future__ import annotations

import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil

from nascar.race.entries import Entry, field, load_entries
from nascar.race.rules import Rules
from nascar.race.track import Track, charlotte
from scripts.calibration import figures, sameness
from scripts.calibration.alone import FuelRun, fuel_run, opening_laps, qualify
from scripts.calibration.forces import Corners, compare, corner_samples
from scripts.calibration.sameness import ROOT
from scripts.calibration.survey import Survey, survey

CARS: Final = 40
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    seeds: range
    """One race each; the first also starts the runs alone."""
    laps: int
    """Of each race."""
    alone: int
    """Entries that run alone."""
    same_laps: int
    """Of the race whose frames are compared."""
    jobs: int
    """Processes at a time."""
    pythons: tuple[Path, ...] = ()
    """Other interpreters to compare frames with."""

    @property
    def command(self) -> str:
        """What measures the same again."""
        words = [f"--seeds {len(self.seeds)}", f"--first-seed {self.seeds[0]}", f"--laps {self.laps}"]
        words += [f"--alone {self.alone}", f"--same-laps {self.same_laps}", f"--jobs {self.jobs}"]
        # Where they lie is the machine's own business; the page names their versions.
        words += ["--python PATH"] * len(self.pythons)
        return " ".join(["python -m scripts.calibration", *words])


@dataclass(frozen=True, slots=True)
class Measured:
    figures: dict[str, Any]
    runs: list[FuelRun]
    races: list[Survey]
    """The first has a trace."""
    corners: Corners


@cache
def the_field() -> tuple[tuple[Entry, ...], Track]:
    """Who races, and where."""
    return field(load_entries(), CARS), charlotte()


def _alone(place: int, seed: int) -> tuple[float, FuelRun]:
    entries, track = the_field()
    return qualify(entries, track, place, seed), fuel_run(entries, track, place, seed)


def _race(seed: int, laps: int, keep_trace: bool) -> Survey:
    entries, track = the_field()
    return survey(entries, track, Rules(laps), seed, keep_trace)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def measure(extent: Extent) -> Measured:
    """Run everything."""
    entries, track = the_field()
    first = extent.seeds[0]
    say("Getting ready: compiling the race, unless that is done")
    opening_laps(entries, track, first, 1)
    # Fresh interpreters: what one run leaves behind cannot reach another.
    with ProcessPoolExecutor(extent.jobs, multiprocessing.get_context("spawn")) as pool:
        racing = [pool.submit(_race, seed, extent.laps, seed == first) for seed in extent.seeds]
        practising = [pool.submit(_alone, place, first + place) for place in range(extent.alone)]
        races = _collected(racing, _race_line)
        alone = _collected(
            practising, lambda one: f"alone: {one[0]:.3f} s, on a run {one[1].average_s:.3f} s"
        )
    trace = races[0].trace
    assert trace is not None
    corners = corner_samples(track, trace.distance_m, trace.speed_mps, trace.lateral_g, trace.vertical_g)
    runs = [run for _, run in alone]
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": extent.command,
        "machine": machine(),
        "track": track.name,
        "cars": len(entries),
        "laps": extent.laps,
        "alone": figures.of_one_car([pole_s for pole_s, _ in alone], runs),
        "races": [figures.of_one_race(race) for race in races],
        "together": figures.of_races(races),
        "forces": figures.of_forces(compare(corners)),
        "sameness": _compared(extent),
    }
    return Measured(found, runs, races, corners)


def _compared(extent: Extent) -> dict[str, Any]:
    seed, laps = extent.seeds[0], extent.same_laps
    say(f"Comparing frames of {laps} laps in one process and in {sameness.PROCESSES}")
    inside = sameness.run_at_once(1, seed, laps) + sameness.run_at_once(sameness.PROCESSES, seed, laps)
    others = []
    for python in extent.pythons:
        say("Comparing with another Python")
        others.append(sameness.run_on(python, seed, laps))
    return {
        "seed": seed,
        "laps": laps,
        "processes": sameness.PROCESSES,
        "python": inside[0].python,
        "digests": [run.digest for run in inside],
        "others": [asdict(run) for run in others],
    }


def _collected(futures: Sequence[Future[Result]], line: Callable[[Result], str]) -> list[Result]:
    """Results in order, told as they come."""
    for done, future in enumerate(as_completed(futures), start=1):
        say(f"{done} of {len(futures)}  {line(future.result())}")
    return [future.result() for future in futures]


def _race_line(race: Survey) -> str:
    box = race.box
    return (
        f"seed {race.seed}: {box.race_time_s / 60:.1f} min, {box.cautions} cautions, {box.lead_changes} lead "
        f"changes, margin {box.margin_s} s, {race.green_cpu_s + race.yellow_cpu_s:.1f} CPU-s"
    )


def machine() -> dict[str, Any]:
    """What this is measured on; no name, no address."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "commit": _commit(),
    }


def _commit() -> str:
    """With a word if the race is not that of the commit."""
    said = _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = _git("status", "--porcelain", "--", "generator/nascar/race")
    return f"{said}, with changes in the race that are not in it" if changed else said


def _git(*arguments: str) -> str:
    run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return run.stdout.strip()
