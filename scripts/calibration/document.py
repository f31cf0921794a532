"""docs/race-calibration.md, written from the figures and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scripts.calibration.alone import QUALIFYING_FUEL_GAL
from scripts.calibration.figures import FIRST_AGES, LAST_AGES
from scripts.calibration.forces import TURNS
from scripts.calibration.survey import TRAIN_LENGTHS
from scripts.calibration.targets import decimals, verdicts

FOLDER: Final = "race-calibration"
"""Beside the page: its pictures, and `figures.json`."""
_WORDS: Final = {True: "yes", False: "**no**", None: "–"}
_PICTURES: Final = (
    ("races", "Race time, cautions, lead changes and margins over the seeds"),
    ("lap_time_by_tire_age", "Lap time by the age of the tires"),
    ("gaps", "Gaps of the field over one race"),
    ("positions", "Positions of the first ten over one race"),
    ("stint", "Fuel and tire temperatures of one car over a stint"),
    ("one_lap", "Speed, throttle, brake and g over one lap"),
    ("forces", "Lateral and vertical g against the published table"),
)


def document(found: dict[str, Any]) -> str:
    """The page."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    on = found["machine"]
    yield "# How the race compares with real ones"
    yield ""
    yield (
        f"Written by `scripts/calibration` from [`{FOLDER}/figures.json`]({FOLDER}/figures.json), which the same run "
        "measured; nothing here is typed."
    )
    yield ""
    yield (
        f"Machine: {on['cores']} cores ({on['cpu']}), {on['memory_gb']} GB, Linux {on['kernel']}. Python {on['python']}, "
        f"numpy {on['numpy']}, numba {on['numba']}. Date: {found['date']}. Commit: {on['commit']}. Command: "
        f"`{found['command']}`. {len(found['races'])} races of {found['laps']} laps with {found['cars']} cars on "
        f"{found['track']}, seeds {found['races'][0]['seed']} to {found['races'][-1]['seed']}. CPU is that of one "
        "process, compilation not counted; other work shares the cores."
    )
    yield ""
    yield "| target | wanted | measured | met |"
    yield "|---|---|---|---|"
    lines = verdicts(found)
    for line in lines:
        yield f"| {line.target} | {line.wanted} | {line.measured} | {_WORDS[line.met]} |"
    yield ""
    judged = [line.met for line in lines if line.met is not None]
    yield (
        f"{sum(judged)} of {len(judged)} judged lines are met. A dash: these runs cannot say (too short a race, or not "
        "measured)."
    )
    yield ""
    yield from _meanings()
    yield from _alone(found["alone"])
    yield from _together(found["together"])
    yield from _forces(found["forces"])
    yield from _races(found["races"])
    yield "## Pictures"
    for name, title in _PICTURES:
        yield ""
        yield f"![{title}]({FOLDER}/{name}.png)"


def _meanings() -> Iterator[str]:
    yield "What the words mean:"
    yield ""
    yield (
        f"* **Alone**: one car on the track, every entry in turn, each with a seed of its own. The qualifying lap is "
        f"the best of the first three with {QUALIFYING_FUEL_GAL:g} gal of fuel, on new tires that pace laps have "
        "warmed. A long run begins with a full cell and ends before the lap into the pits; its first lap, "
        "on cold tires, does not count. A lone car is a late braker always, for a share of every field is."
    )
    yield (
        "* **Fall-off**: alone, the last three laps of the run against laps 3 to 5; in the races, the median lap on "
        f"tires of {LAST_AGES[0]} to {LAST_AGES[1]} laps against {FIRST_AGES[0]} to {FIRST_AGES[1]}."
    )
    yield (
        "* **Green laps**: no other flag was out and the car was not on pit road in this lap and in the one before "
        "it. Laps come from the timing beside the race."
    )
    yield (
        "* **Noise**: alone, the standard deviation of a run's laps about a cubic through them; in the races, that "
        "of a car's green laps as the middle half of the changes from lap to lap tells it."
    )
    yield (
        "* **A stop stands** from the box to the way out: the work, and the wait for a gap in the cars that go by."
    )
    yield (
        f"* **In a train**: under green, on the track, within {TRAIN_LENGTHS} car lengths of the car ahead, from "
        "nose to tail, in whatever lane."
    )
    yield (
        "* **Passes**: pairs of cars that changed order between two lines under green, neither of them on pit road; "
        "places: by how many a car moved among these."
    )
    yield "* **Fuel window**: the cell against what a lap burns; in the races, in green laps by car."
    yield ""


def _alone(alone: dict[str, Any]) -> Iterator[str]:
    yield "## Alone on the track"
    yield ""
    yield from _spreads(
        (
            ("qualifying lap, s", alone["qualifying_lap_s"]),
            ("average lap of a long run, s", alone["long_run_lap_s"]),
            ("the same against the field, %", alone["driver_percent"]),
            ("fall-off, s", alone["fall_off_s"]),
            ("noise of a lap, s", alone["noise_s"]),
            ("fuel window, laps", alone["window_laps"]),
            ("laps before the first stop", alone["first_stint_laps"]),
        )
    )
    setup_s = alone["setup_s"]
    yield (
        "Against cars set up for the short run, those set up for the long run take "
        f"{setup_s['early']:+.3f} s a lap in the first ten laps of a run and {setup_s['late']:+.3f} s in the last ten, "
        "each car against its own average."
    )
    yield ""


def _together(together: dict[str, Any]) -> Iterator[str]:
    yield "## In the races"
    yield ""
    yield from _spreads(
        (
            ("green lap, s", together["green_lap_s"]),
            ("fuel window of a car, laps", together["window_laps"]),
            ("noise of a car's laps, s", together["noise_s"]),
            ("four-tire stop stands, s", together["four_tires_s"]),
            ("the same under green, s", together["four_tires_green_s"]),
            ("two-tire stop stands, s", together["two_tires_s"]),
            ("fuel-only stop stands, s", together["fuel_only_s"]),
            ("stops of a car that finished", together["stops_per_car"]),
            ("caution, laps", together["caution_laps"]),
            ("caution, s", together["caution_s"]),
            ("retired from a race", together["retired"]),
            ("cars that led a race", together["leaders"]),
            ("share of time in a train", together["train_share"]),
            ("passes per green lap", together["passes_per_lap"]),
            ("places per car and green lap", together["places_per_lap"]),
            ("CPU of a race, s", together["race_cpu_s"]),
            ("CPU of a race with timing, s", together["with_timing_cpu_s"]),
        )
    )
    led = ", ".join(f"#{car} {100 * laps / together['led_laps']:.1f} %" for car, laps in together["most_led"])
    reasons = ", ".join(f"{reason} {count}" for reason, count in together["retired_for"].items()) or "none"
    cores = [
        f"{name} {_cell(together[key])}"
        for name, key in (
            ("green", "green_cores"),
            ("caution", "yellow_cores"),
            ("timing beside it", "timing_cores"),
        )
    ]
    yield f"* {together['winners']} cars won, the most successful {together['most_wins']} times; laps led: {led}."
    yield f"* Retired for: {reasons}."
    if together["green_stops_share"] is not None:
        yield f"* {100 * together['green_stops_share']:.0f} % of the stops were under green."
    yield f"* CPU-seconds for a second of race: {', '.join(cores)}."
    yield ""


def _forces(forces: list[dict[str, Any]]) -> Iterator[str]:
    yield "## Cornering forces"
    yield ""
    yield "| turn | mph | lateral: table / race | vertical: table / race | samples |"
    yield "|---|---|---|---|---|"
    for force in forces:
        samples = force["samples"] or "none; from the line through v²"
        yield (
            f"| {TURNS[force['turn']]} | {force['speed_mph']:g} "
            f"| {force['wanted_lateral_g']:.2f} / {force['lateral_g']:.2f} "
            f"| {force['wanted_vertical_g']:.2f} / {force['vertical_g']:.2f} | {samples} |"
        )
    yield ""


def _races(races: list[dict[str, Any]]) -> Iterator[str]:
    yield "## The races one by one"
    yield ""
    yield (
        "| seed | laps | time, min | mph | cautions | caution laps | lead changes | leaders | margin, s | winner "
        "| retired | on the lead lap |"
    )
    yield "|---" * 12 + "|"
    for race in races:
        note = " (stalled)" if race["stalled"] else ""
        yield (
            f"| {race['seed']}{note} | {race['laps']} | {race['time_s'] / 60:.1f} | {race['average_mph']:.1f} "
            f"| {race['cautions']} | {race['caution_laps']} | {race['lead_changes']} | {race['leaders']} "
            f"| {_cell(race['margin_s'])} | #{race['winner']} | {race['retired']} | {race['on_the_lead_lap']} |"
        )
    yield ""


def _spreads(rows: tuple[tuple[str, dict[str, Any]], ...]) -> Iterator[str]:
    yield "| | least | median | mean | most | of |"
    yield "|---|---|---|---|---|---|"
    for title, values in rows:
        cells = " | ".join(_cell(values[name]) for name in ("least", "median", "mean", "most"))
        yield f"| {title} | {cells} | {values['count']:,} |"
    yield ""


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:z.{max(3, decimals(value))}f}".rstrip("0").rstrip(".")
