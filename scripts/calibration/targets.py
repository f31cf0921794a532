"""What the race has to come to, and whether it does."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scripts.calibration.forces import WITHIN

FULL_LAPS: Final = 334
"""500 miles: the distance for which a race's length, cautions and lead changes are told."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of the table."""

    target: str
    wanted: str
    measured: str
    met: bool | None
    """None: these runs cannot say."""


def verdicts(found: dict[str, Any]) -> list[Verdict]:
    """All lines, from the figures."""
    alone, races, together = found["alone"], found["races"], found["together"]
    pole, run = alone["qualifying_lap_s"], alone["long_run_lap_s"]
    green, four = together["green_lap_s"], together["four_tires_s"]
    return [
        _single("Pole: the fastest car's qualifying lap in clean air", "29.532 ± 0.3 s", pole["least"], 29.232, 29.832, "s"),
        _single("Long run alone, average lap", "30.2 to 31.8 s", run["mean"], 30.2, 31.8, "s"),
        _single("Green laps of the races, average", "30.2 to 31.8 s", green["mean"], 30.2, 31.8, "s"),
        _single("Fall-off over a fuel run alone, median", "0.5 to 1.5 s", alone["fall_off_s"]["median"], 0.5, 1.5, "s"),
        _single("Fall-off in the races, by age of tires", "0.5 to 1.5 s", together["fall_off_s"], 0.5, 1.5, "s"),
        _single("Drivers alone: slowest against the average", "at most 0.5 %", alone["driver_percent"]["most"], 0.0, 0.5, "%"),
        _single("Drivers alone: fastest against the average", "at most 0.5 % faster", alone["driver_percent"]["least"], -0.5, 0.0, "%"),
        _single("Noise of a lap alone, median of the drivers", "0.05 to 0.1 s", alone["noise_s"]["median"], 0.05, 0.1, "s"),
        _single("Noise of a lap in the races, median of the cars", "0.05 to 0.1 s", together["noise_s"]["median"], 0.05, 0.1, "s"),
        _single(
            "Cornering g against the table, largest error", f"at most {100 * WITHIN:.0f} %",
            100 * max(force["error"] for force in found["forces"]), 0.0, 100 * WITHIN, "%",
        ),
        _single("Fuel window alone, median", "64 to 72 laps", alone["window_laps"]["median"], 64, 72, "laps"),
        _single("Fuel window in the races, median", "64 to 72 laps", together["window_laps"]["median"], 64, 72, "laps"),
        _single("Four-tire stops that stand 8 to 11 s", "all", _percent(four["within"]), 100.0, 100.0, "%"),
        _each("Race time", "2 h 40 to 3 h 40", [race["time_s"] / 60 for race in races], 160, 220, "min", found),
        _each("Cautions", "4 to 10", [race["cautions"] for race in races], 4, 10, "", found),
        _each("Lead changes", "15 to 40", [race["lead_changes"] for race in races], 15, 40, "", found),
        _margin(races, found),
        _cost(together, found),
        _single(
            "CPU that the race costs a stream, the worse of green and caution", "at most 0.05 core",
            max((cores for cores in (together["green_cores"], together["yellow_cores"]) if cores is not None), default=None),
            0.0, 0.05, "core",
        ),
        _single("The same with timing beside it", "at most 0.05 core", _with_timing(together), 0.0, 0.05, "core"),
        *_sameness(found["sameness"]),
    ]  # fmt: skip


def is_met(value: float | None, least: float, most: float) -> bool | None:
    return None if value is None else least <= value <= most


def _single(target: str, wanted: str, value: float | None, least: float, most: float, unit: str) -> Verdict:
    measured = "not measured" if value is None else f"{_number(value)} {unit}".strip()
    return Verdict(target, wanted, measured, is_met(value, least, most))


def _each(
    target: str,
    wanted: str,
    values: Sequence[float],
    least: float,
    most: float,
    unit: str,
    found: dict[str, Any],
) -> Verdict:
    """Every race has to keep within the bounds; how many do stands there."""
    within = sum(least <= value <= most for value in values)
    ordered = sorted(values)
    ends = " to ".join(_number(value) for value in (ordered[0], ordered[-1]))
    middle = _number(statistics.median(values))
    measured = f"{ends} {unit}".strip() + f", median {middle}; {within} of {len(values)} races within"
    return Verdict(
        f"{target}, each race", wanted, measured, within == len(values) if _is_full(found) else None
    )


def _margin(races: Sequence[dict[str, Any]], found: dict[str, Any]) -> Verdict:
    margins = [race["margin_s"] for race in races if race["margin_s"] is not None]
    median = statistics.median(margins) if margins else None
    verdict = _single("Winning margin, median", "under 3 s", median, 0.0, 2.9999, "s")
    return verdict if _is_full(found) else Verdict(verdict.target, verdict.wanted, verdict.measured, None)


def _cost(together: dict[str, Any], found: dict[str, Any]) -> Verdict:
    cpu_s = together["with_timing_cpu_s"]["most"]
    verdict = _single(
        "CPU of a whole race with timing, the dearest", "at most 60 s, goal 20 s", cpu_s, 0.0, 60.0, "s"
    )
    return verdict if _is_full(found) else Verdict(verdict.target, verdict.wanted, verdict.measured, None)


def _with_timing(together: dict[str, Any]) -> float | None:
    cores = [together[name] for name in ("green_cores", "yellow_cores") if together[name] is not None]
    return max(cores) + together["timing_cores"] if cores else None


def _sameness(same: dict[str, Any]) -> list[Verdict]:
    laps, digests = same["laps"], set(same["digests"])
    inside = f"Frames of seed {same['seed']} in one process and in {same['processes']} at once, {laps} laps"
    said = "one digest" if len(digests) == 1 else f"{len(digests)} digests"
    lines = [Verdict(inside, "identical", f"{said} on Python {same['python']}", len(digests) == 1)]
    for other in same["others"]:
        equal = digests == {other["digest"]}
        word = "identical" if equal else "different"
        measured = f"{word} on Python {other['python']} with numpy {other['numpy']}"
        lines.append(Verdict("The same on another Python", "identical", measured, equal))
    if not same["others"]:
        lines.append(Verdict("The same on another Python", "identical", "not measured: give --python", None))
    return lines


def _is_full(found: dict[str, Any]) -> bool:
    return bool(found["laps"] == FULL_LAPS)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _number(value: float) -> str:
    return f"{value:.{decimals(value)}f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def decimals(value: float) -> int:
    """Places after the point that a figure of this size is given with."""
    size = abs(value)
    return 1 if size >= 100 else 3 if size >= 0.01 else 5
