"""What the runs come to: numbers only, as they are kept in JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nascar.race.box_score import RUNNING
from nascar.race.car import TANK_GAL
from scripts.calibration.alone import FuelRun
from scripts.calibration.forces import Force
from scripts.calibration.survey import Survey

FIRST_AGES: Final = (3, 8)
LAST_AGES: Final = (50, 60)
"""Ages of tires in laps, both included, that the fall-off of a race compares."""
_FEWEST_LAPS: Final = 50
_FEWEST_CHANGES: Final = 20
_MIDDLE_HALF: Final = 1.349
"""Width of a normal distribution's middle half in standard deviations."""


def spread(values: Iterable[float]) -> dict[str, float | int | None]:
    """Least, median, mean and most of some numbers."""
    numbers = np.array([float(value) for value in values])
    if not numbers.size:
        return {"least": None, "median": None, "mean": None, "most": None, "count": 0}
    found = {
        "least": numbers.min(),
        "median": np.median(numbers),
        "mean": numbers.mean(),
        "most": numbers.max(),
    }
    return {"count": int(numbers.size), **{name: round(float(value), 4) for name, value in found.items()}}


def of_one_car(pole_s: Sequence[float], runs: Sequence[FuelRun]) -> dict[str, Any]:
    """Of cars alone on the track."""
    average_s = np.array([run.average_s for run in runs])
    return {
        "qualifying_lap_s": spread(pole_s),
        "long_run_lap_s": spread(average_s),
        "driver_percent": spread(100.0 * (average_s / average_s.mean() - 1.0)),
        "fall_off_s": spread(run.fall_off_s for run in runs),
        "noise_s": spread(run.noise_s for run in runs),
        "window_laps": spread(run.window_laps for run in runs),
        "first_stint_laps": spread(run.lap_s.size for run in runs),
        "setup_s": setup_s(runs),
    }


def setup_s(runs: Sequence[FuelRun]) -> dict[str, float]:
    """By how much a third of the cars, those set up for the long run, are slower than the third set up for the
    short run: in the first ten laps of a run and in the last ten, each car against its own average."""
    ordered = sorted(runs, key=lambda run: run.long_run)
    third = max(1, len(ordered) // 3)
    longest = min(run.lap_s.size for run in runs)
    course_s = [
        np.mean([run.lap_s[1:longest] - run.lap_s[1:longest].mean() for run in part], axis=0)
        for part in (ordered[-third:], ordered[:third])
    ]
    slower_s = course_s[0] - course_s[1]
    return {"early": round(float(slower_s[:10].mean()), 3), "late": round(float(slower_s[-10:].mean()), 3)}


def of_one_race(race: Survey) -> dict[str, Any]:
    """A line for each race."""
    box = race.box
    return {
        "seed": race.seed,
        "stalled": race.stalled,
        "laps": box.laps_completed,
        "time_s": box.race_time_s,
        "average_mph": box.average_speed_mph,
        "cautions": box.cautions,
        "caution_laps": box.caution_laps,
        "lead_changes": box.lead_changes,
        "leaders": box.leaders,
        "margin_s": box.margin_s,
        "winner": box.finish_order[0].car,
        "retired": sum(finish.status != RUNNING for finish in box.finish_order),
        "on_the_lead_lap": sum(finish.laps_down == 0 for finish in box.finish_order),
        "race_cpu_s": round(race.green_cpu_s + race.yellow_cpu_s, 2),
        "timing_cpu_s": round(race.timing_cpu_s, 2),
    }


def of_races(races: Sequence[Survey]) -> dict[str, Any]:
    """Of all races together."""
    laps = np.concatenate([race.laps for race in races])
    flying = laps[laps["flying"]]
    stops = np.concatenate([race.stops for race in races])
    standing = {tires: stops["standing_s"][stops["tires"] == tires] for tires in (0, 2, 4)}
    full = standing[4]
    moves = [passes_per_lap(race.laps) for race in races]
    finishes = [finish for race in races for finish in race.box.finish_order]
    green_s, yellow_s = sum(r.green_s for r in races), sum(r.race_s - r.green_s for r in races)
    wins = Counter(race.box.finish_order[0].car for race in races)
    led = Counter({finish.car: 0 for finish in finishes})
    for finish in finishes:
        led[finish.car] += finish.laps_led
    return {
        "green_lap_s": spread(flying["lap_s"]),
        "fall_off_s": _fall_off_s(flying),
        "noise_s": spread(np.concatenate([noises_s(race.laps) for race in races])),
        "window_laps": spread(np.concatenate([windows_laps(race.laps) for race in races])),
        "four_tires_s": spread(full) | {"within": _share((full >= 8.0) & (full <= 11.0))},
        "four_tires_green_s": spread(stops["standing_s"][(stops["tires"] == 4) & ~stops["yellow"]]),
        "two_tires_s": spread(standing[2]),
        "fuel_only_s": spread(standing[0]),
        "stops_per_car": spread(finish.stops for finish in finishes if finish.status == RUNNING),
        "green_stops_share": _share(~stops["yellow"]),
        "caution_laps": spread(period.laps for race in races for period in race.box.caution_periods),
        "caution_s": spread(end - begin for race in races for begin, end in race.cautions_s),
        "retired": spread(sum(f.status != RUNNING for f in race.box.finish_order) for race in races),
        "retired_for": dict(Counter(f.status for f in finishes if f.status != RUNNING).most_common()),
        "leaders": spread(race.box.leaders for race in races),
        "winners": len(wins),
        "most_wins": max(wins.values()),
        "most_led": [[car, count] for car, count in led.most_common(5)],
        "led_laps": sum(led.values()),
        "train_share": spread(race.train_share for race in races),
        "passes_per_lap": spread(passes for passes, _ in moves),
        "places_per_lap": spread(places for _, places in moves),
        "race_cpu_s": spread(race.green_cpu_s + race.yellow_cpu_s for race in races),
        "with_timing_cpu_s": spread(
            race.green_cpu_s + race.yellow_cpu_s + race.timing_cpu_s for race in races
        ),
        "green_cores": _ratio(sum(race.green_cpu_s for race in races), green_s),
        "yellow_cores": _ratio(sum(race.yellow_cpu_s for race in races), yellow_s),
        "timing_cores": _ratio(sum(race.timing_cpu_s for race in races), green_s + yellow_s),
    }


def of_forces(forces: Sequence[Force]) -> list[dict[str, Any]]:
    return [asdict(force) | {"error": force.error} for force in forces]


def noises_s(laps: NDArray[Any]) -> NDArray[np.float64]:
    """By how much each car's flying laps scatter: the middle half of the changes from lap to lap, as a
    standard deviation of one lap. A pass or a lap in new air changes it less than a plain one."""
    found = []
    for car in np.unique(laps["car"]):
        own = laps[laps["car"] == car]
        change_s = np.diff(own["lap_s"])[own["flying"][1:] & own["flying"][:-1]]
        if change_s.size >= _FEWEST_CHANGES:
            low, high = np.quantile(change_s, (0.25, 0.75))
            found.append((high - low) / _MIDDLE_HALF / 2**0.5)
    return np.array(found)


def windows_laps(laps: NDArray[Any]) -> NDArray[np.float64]:
    """Laps that a full cell lasts at what each car burnt in its flying laps of a race."""
    found = []
    for car in np.unique(laps["car"]):
        own = laps[laps["car"] == car]
        burnt = own["fuel_gal"][:-1] - own["fuel_gal"][1:]
        burnt = burnt[own["flying"][1:]]
        if burnt.size:
            found.append(TANK_GAL / burnt.mean())
    return np.array(found)


def passes_per_lap(laps: NDArray[Any]) -> tuple[float, float]:
    """From line to line in flying laps: pairs of cars that have changed order, and places changed by a car."""
    rows = {
        number: laps[(laps["lap"] == number) & laps["flying"]] for number in np.unique(laps["lap"]).tolist()
    }
    pairs, places, compared, cars = 0, 0, 0, 0
    for number, now in rows.items():
        before = rows.get(number - 1)
        if before is None:
            continue
        both, at_before, at_now = np.intersect1d(before["car"], now["car"], return_indices=True)
        if both.size < 2:
            continue
        first, second = before["position"][at_before], now["position"][at_now]
        ahead, later = np.sign(first[:, None] - first), np.sign(second[:, None] - second)
        pairs += int(np.count_nonzero(ahead * later < 0)) // 2
        # Among these cars alone: a stop of another one is no place won.
        rank = [np.argsort(np.argsort(order)) for order in (first, second)]
        places += int(np.abs(rank[0] - rank[1]).sum())
        compared += 1
        cars += both.size
    return (pairs / compared, places / cars) if compared else (0.0, 0.0)


def by_age(laps: NDArray[Any], age: int) -> NDArray[np.float64]:
    """Times of the laps on tires so old."""
    return np.asarray(laps["lap_s"][laps["tire_age"] == age])


def _fall_off_s(flying: NDArray[Any]) -> float | None:
    ages = flying["tire_age"]
    means = []
    for first, last in (FIRST_AGES, LAST_AGES):
        part = flying["lap_s"][(ages >= first) & (ages <= last)]
        if part.size < _FEWEST_LAPS:
            return None
        means.append(float(np.median(part)))
    return round(means[1] - means[0], 3)


def _share(marks: NDArray[Any]) -> float | None:
    return round(float(np.mean(marks)), 4) if marks.size else None


def _ratio(cpu_s: float, race_s: float) -> float | None:
    return round(cpu_s / race_s, 5) if race_s > 0 else None
