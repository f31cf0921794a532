"""The pictures of the calibration: one message each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from nascar.race.car import MPH_MPS
from nascar.race.entries import Entry
from nascar.race.frames import TICK_S, TIRES, Frames
from scripts.calibration.alone import FuelRun
from scripts.calibration.figures import by_age
from scripts.calibration.forces import TURNS, WANTED, WITHIN, Corners
from scripts.calibration.survey import Survey

mpl.use("Agg")

_DPI: Final = 90
_WIDE: Final = (10.0, 4.6)
_FEWEST_LAPS: Final = 30
_TOP: Final = 10
_MOST_DOTS: Final = 1_500
_YELLOW: Final = "#f2c200"
_BAND: Final = "#9ecae1"
_TIRE_COLORS: Final = dict(zip(TIRES, ("#6baed6", "#cb181d", "#3182bd", "#fb6a4a"), strict=True))


def draw_all(
    folder: Path,
    entries: Sequence[Entry],
    runs: Sequence[FuelRun],
    opening: Frames,
    lap_m: float,
    races: Sequence[Survey],
    corners: Corners,
) -> None:
    """Write every picture into `folder`; the first of `races` has a trace."""
    plt.rcParams.update(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder, "lap_time_by_tire_age", tire_age(runs, races))
    _save(folder, "gaps", gaps(races[0]))
    _save(folder, "positions", positions(races[0], entries))
    _save(folder, "stint", stint(races[0], entries))
    _save(folder, "one_lap", one_lap(opening, lap_m))
    _save(folder, "forces", forces(corners))
    _save(folder, "races", distributions(races))


def tire_age(runs: Sequence[FuelRun], races: Sequence[Survey]) -> Any:
    figure, (left, right) = plt.subplots(1, 2, figsize=_WIDE, sharex=True)
    longest = min(run.lap_s.size for run in runs)
    alone = np.stack([run.lap_s[:longest] for run in runs])
    ages = np.arange(1, longest + 1)
    left.plot(ages[1:], np.median(alone, axis=0)[1:], color="#08519c", label="alone, median of the drivers")
    laps = np.concatenate([race.laps for race in races])
    flying = laps[laps["flying"]]
    known = [age for age in range(1, 70) if by_age(flying, age).size >= _FEWEST_LAPS]
    if known:
        low, middle, high = (
            [float(np.quantile(by_age(flying, age), share)) for age in known] for share in (0.25, 0.5, 0.75)
        )
        left.plot(known, middle, color="#cb181d", label="in races under green, median")
        left.fill_between(known, low, high, color="#cb181d", alpha=0.15, label="half of these laps")
    left.set(title="Laps get slower as tires wear", xlabel="laps on these tires", ylabel="lap time, s")
    left.legend(frameon=False)
    setup = np.array([run.long_run for run in runs])
    order = np.argsort(setup)
    third = max(1, order.size // 3)
    for cars, label, color in (
        (order[-third:], "set up for the long run", "#238b45"),
        (order[:third], "set up for the short run", "#88419d"),
    ):
        # Against its own average, so that the driver does not count.
        own = alone[cars] - alone[cars, 1:].mean(axis=1, keepdims=True)
        field = np.mean(alone - alone[:, 1:].mean(axis=1, keepdims=True), axis=0)
        right.plot(ages[1:], (own.mean(axis=0) - field)[1:], color=color, label=label)
    right.axhline(0.0, color="black", linewidth=0.6)
    right.set(
        title="Long-run cars come to the front late (alone, a third each)",
        xlabel="laps on these tires",
        ylabel="against the field's course, s",
    )
    right.legend(frameon=False)
    return figure


def gaps(race: Survey) -> Any:
    figure, axes = plt.subplots(figsize=_WIDE)
    last_s = max(60.0, 2.0 * float(np.median(race.laps["lap_s"])))
    for car in np.unique(race.laps["car"]):
        own = race.laps[race.laps["car"] == car]
        axes.plot(own["lap"], own["gap_s"], color="#08519c", linewidth=0.5, alpha=0.5)
    _shade_cautions(axes, race)
    axes.set(
        title=f"Gaps open under green and close up under caution (shaded), seed {race.seed}",
        xlabel="lap",
        ylabel="behind the first car to end the lap, s",
        ylim=(last_s, 0.0),
        xlim=(0, race.box.laps_completed),
    )
    return figure


def positions(race: Survey, entries: Sequence[Entry]) -> Any:
    figure, axes = plt.subplots(figsize=(10.0, 5.2))
    place = {entry.car_number: at for at, entry in enumerate(entries)}
    colors = plt.get_cmap("tab10").colors  # type: ignore[attr-defined]
    for rank, (finish, color) in enumerate(zip(race.box.finish_order[:_TOP], colors, strict=False)):
        own = race.laps[race.laps["car"] == place[finish.car]]
        axes.plot(own["lap"], own["position"], color=color, linewidth=1.0)
        # Apart enough to be read, in the order of the finish.
        label = (1.01, 0.98 - 0.05 * rank)
        axes.annotate(f"{rank + 1}. #{finish.car}", label, xycoords="axes fraction", color=color)
    _shade_cautions(axes, race)
    axes.set(
        title=f"The way of the first {_TOP} to their places: at the line of every lap, seed {race.seed}",
        xlabel="lap",
        ylabel="position",
        xlim=(0, race.box.laps_completed),
    )
    axes.invert_yaxis()
    return figure


def stint(race: Survey, entries: Sequence[Entry]) -> Any:
    """The winner from the longest run between two stops on, with the stop at its end."""
    trace = race.trace
    assert trace is not None
    car = next(at for at, entry in enumerate(entries) if entry.car_number == race.box.finish_order[0].car)
    filled = np.flatnonzero(np.diff(trace.fuel_gal[:, car]) > 0.5)
    edges = np.concatenate(([0], filled, [trace.fuel_gal.shape[0] - 1]))
    longest = int(np.argmax(np.diff(edges)))
    first, last = max(0, int(edges[longest]) - 60), min(int(edges[longest + 1]) + 240, edges[-1])
    minutes = np.arange(first, last) / 60.0
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(10.0, 5.6), sharex=True)
    upper.plot(minutes, trace.fuel_gal[first:last, car], color="#08519c")
    upper.set(
        title=f"Fuel burns down to a stop, and hardly under caution (shaded): car {entries[car].car_number}, "
        f"seed {race.seed}",
        ylabel="fuel, gal",
        ylim=(0, 21),
    )
    for number, name in enumerate(TIRES):
        temp = trace.tire_temp_f[first:last, car, number]
        lower.plot(minutes, temp, color=_TIRE_COLORS[name], linewidth=0.9, label=name.upper())
    lower.set(
        title="Tires are cold after a stop and under caution; the right front is the hottest",
        xlabel="race time, min",
        ylabel="tire surface, °F",
    )
    lower.legend(frameon=False, ncols=4)
    for axes in (upper, lower):
        for begin, end in race.cautions_s:
            if begin < last and end > first:
                axes.axvspan(
                    max(begin, first) / 60, min(end, last) / 60, color=_YELLOW, alpha=0.25, linewidth=0
                )
    return figure


def one_lap(opening: Frames, lap_m: float) -> Any:
    """The third lap: on warm tires, with nobody near."""
    chosen = np.flatnonzero(opening.lap[:, 0] == 3)
    place_m = opening.distance_m[chosen, 0] - 2 * lap_m
    figure, axes = plt.subplots(5, 1, figsize=(10.0, 7.6), sharex=True)
    rows = (
        (opening.speed_mps[chosen, 0] / MPH_MPS, "speed, mph", "#08519c"),
        (100 * opening.throttle[chosen, 0], "throttle, %", "#238b45"),
        (opening.brake_pressure_psi[chosen, 0], "brake, psi", "#cb181d"),
        (opening.lateral_g[chosen, 0], "lateral, g", "#88419d"),
        (opening.longitudinal_g[chosen, 0], "along, g", "#d94801"),
    )
    for row, (values, label, color) in zip(axes, rows, strict=True):
        row.plot(place_m, values, color=color, linewidth=1.0)
        row.set_ylabel(label)
    axes[0].set_title(
        f"A lap alone, {chosen.size * TICK_S:.1f} s: lift and a touch of brake into each turn, flat out on the straights"
    )
    axes[-1].set_xlabel("distance from the start line, m")
    return figure


def forces(corners: Corners) -> Any:
    figure, axes = plt.subplots(1, 2, figsize=_WIDE, sharex=True)
    for turn, (axis, name) in enumerate(zip(axes, TURNS, strict=True)):
        here = corners.at(corners.turn == turn)
        step = max(1, here.speed_mph.size // _MOST_DOTS)
        wanted = np.array([line[1:] for line in WANTED if line[0] == turn])
        for column, (values, label, color) in enumerate(
            ((here.lateral_g, "lateral", "#88419d"), (here.vertical_g, "vertical", "#08519c")), start=1
        ):
            axis.plot(here.speed_mph[::step], values[::step], ".", markersize=2, color=color, alpha=0.5)
            axis.errorbar(
                wanted[:, 0],
                wanted[:, column],
                yerr=WITHIN * wanted[:, column],
                fmt="o",
                color=color,
                markerfacecolor="white",
                capsize=3,
                label=f"{label}: table ±{100 * WITHIN:.0f} %",
            )
        axis.set(title=f"Cars in {name} (dots) against the table", xlabel="speed, mph", ylabel="g")
        axis.set_xlim(50, 190)
        axis.legend(frameon=False, loc="upper left")
    return figure


def distributions(races: Sequence[Survey]) -> Any:
    figure, axes = plt.subplots(1, 4, figsize=(10.0, 3.2))
    boxes = [race.box for race in races]
    shown = (
        ([box.race_time_s / 60 for box in boxes], "race time, min", (160, 220), 5.0),
        ([float(box.cautions) for box in boxes], "cautions", (4, 10), 1.0),
        ([float(box.lead_changes) for box in boxes], "lead changes", (15, 40), 2.0),
        ([box.margin_s for box in boxes if box.margin_s is not None], "winning margin, s", (0, 3), 0.25),
    )
    for axis, (values, label, band, step) in zip(axes, shown, strict=True):
        least, most = min([*values, band[0]]), max([*values, band[1]])
        # Whole numbers stand in the middle of their bars.
        shift = step / 2 if values and all(float(value).is_integer() for value in values) else 0.0
        axis.axvspan(band[0] - shift, band[1] + shift, color=_BAND, alpha=0.35, linewidth=0)
        axis.hist(values, bins=np.arange(least - shift, most + step + shift, step).tolist(), color="#08519c")
        axis.set_xlabel(label)
        axis.yaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("races")
    seeds = [race.seed for race in races]
    figure.suptitle(
        f"{len(races)} races, seeds {min(seeds)} to {max(seeds)}; shaded: where they should lie",
        x=0.01,
        ha="left",
    )
    return figure


def _shade_cautions(axes: Axes, race: Survey) -> None:
    for period in race.box.caution_periods:
        axes.axvspan(period.lap - 1, period.lap - 1 + period.laps, color=_YELLOW, alpha=0.3, linewidth=0)


def _save(folder: Path, name: str, figure: Any) -> None:
    figure.tight_layout()
    figure.savefig(folder / f"{name}.png", dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
