"""Two records of one kind beside each other: numbers, ratios, and what else was not the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nascar.bench import measures
from nascar.bench.amounts import rate
from nascar.bench.measures import Better, Level
from nascar.bench.record import Record
from nascar.errors import UsageError

_MACHINE: Final = (
    "cpu",
    "architecture",
    "cores",
    "cores_usable",
    "memory_bytes",
    "cpu_limit_cores",
    "memory_limit_bytes",
    "disk",
    "system",
    "kernel",
)
_LOAD: Final = (
    "seconds",
    "workers",
    "batch_size",
    "seed",
    "cars",
    "processes",
    "compression",
    "max_backlog_s",
)
_KNEE: Final = ("sustained_s", "trial_s", "p99_limit_ms", "precision")


@dataclass(frozen=True, slots=True)
class Line:
    """One number of both records."""

    part: str
    """What of the record it belongs to: a level, or the whole."""
    key: str
    label: str
    unit: str
    better: Better
    a: float
    b: float

    @property
    def ratio(self) -> float | None:
        """B over A; None if A is nothing."""
        return self.b / self.a if self.a else None


@dataclass(slots=True)
class Comparison:
    """What two records have in common, and what not."""

    lines: list[Line] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    """Why a ratio may say something else than it seems to."""
    only_in_one: list[str] = field(default_factory=list)


def compare(a: Record, b: Record) -> Comparison:
    """Compare two records. Raises `UsageError` if they are of different kinds, or have nothing in common."""
    if a["kind"] != b["kind"]:
        raise UsageError(
            f"A {a['kind']} and a {b['kind']} measure different things. Give two records of one kind."
        )
    found = Comparison(differences=list(_settings(a, b)))
    if a["kind"] == "ceiling":
        _compare_ceilings(found, a["ceiling"], b["ceiling"])
    elif a["kind"] == "knee":
        _compare_knees(found, a["knee"], b["knee"])
    else:
        _compare_ladders(found, a["ladder"]["levels"], b["ladder"]["levels"])
    if not found.lines and a["kind"] == "knee":
        without = [name for name, one in (("first", a), ("second", b)) if one["knee"]["rate"] is None]
        raise UsageError(
            f"The search of the {' and of the '.join(without)} record found no sustained rate: there is nothing to "
            "compare. Search again, from a lower rate (--from), or let it come to its end."
        )
    if not found.lines:
        raise UsageError(
            "These records have no number in common: they measured different levels. Give two with one level in common."
        )
    return found


def _settings(a: Record, b: Record) -> Iterator[str]:
    for name in _MACHINE:
        yield from _difference(f"machine, {name}", a["machine"].get(name), b["machine"].get(name))
    for name in sorted({*a["versions"], *b["versions"]}):
        yield from _difference(f"version of {name}", a["versions"].get(name), b["versions"].get(name))
    for name in ("target", "seed", "commit"):
        yield from _difference(name, a.get(name), b.get(name))


def _difference(name: str, a: Any, b: Any) -> Iterator[str]:
    if a != b:
        yield f"{name}: {_said(a)} and {_said(b)}"


def _said(value: Any) -> str:
    return "not known" if value is None else str(value)


def _compare_ceilings(found: Comparison, a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    found.differences += _difference("rate of the race", a.get("rate"), b.get("rate"))
    ours, theirs = a["messages_per_s"], b["messages_per_s"]
    for name in dict.fromkeys((*ours, *theirs)):
        label = name.replace("_", " ")
        _add(
            found, "messages a second", name, label, "rows/s", Better.HIGHER, ours.get(name), theirs.get(name)
        )


def _compare_knees(found: Comparison, a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    for name in _KNEE:
        found.differences += _difference(name.replace("_", " "), a.get(name), b.get(name))
    _add(found, "knee", "rate", "highest sustained rate", "rows/s", Better.HIGHER, a["rate"], b["rate"])
    confirmed = [_confirmed(one) for one in (a, b)]
    if all(confirmed):
        _compare_levels(found, "at the knee of each", *confirmed)


def _confirmed(knee: Mapping[str, Any]) -> list[Level]:
    """The trials that the answer stands on."""
    return [
        one
        for one in knee["trials"]
        if one["phase"] == "confirm" and one["counts_as_held"] and one["load"]["rate"] == knee["rate"]
    ]


def _compare_ladders(found: Comparison, a: Sequence[Level], b: Sequence[Level]) -> None:
    ours, theirs = _by_rate(a), _by_rate(b)
    for wanted in dict.fromkeys((*ours, *theirs)):
        name = f"level of {rate(wanted)}"
        if wanted in ours and wanted in theirs:
            _compare_levels(found, name, ours[wanted], theirs[wanted])
        else:
            found.only_in_one.append(name)


def _by_rate(levels: Sequence[Level]) -> dict[int, list[Level]]:
    found: dict[int, list[Level]] = {}
    for level in levels:
        found.setdefault(level["load"]["rate"], []).append(level)
    return found


def _compare_levels(found: Comparison, part: str, a: Sequence[Level], b: Sequence[Level]) -> None:
    for name in _LOAD:
        found.differences += _difference(f"{part}, {name}", a[0]["load"].get(name), b[0]["load"].get(name))
    found.differences += _difference(f"{part}, warm-up", a[0]["warm_up_s"], b[0]["warm_up_s"])
    found.differences += _difference(f"{part}, held", _all_held(a), _all_held(b))
    for measure in (*measures.MEASURES, *measures.question_measures([*a, *b])):
        _add(
            found,
            part,
            measure.key,
            measure.label,
            measure.unit,
            measure.better,
            measures.median(measure, a),
            measures.median(measure, b),
        )


def _all_held(levels: Sequence[Level]) -> str:
    return "yes" if all(level["held"] for level in levels) else "no"


def _add(
    found: Comparison,
    part: str,
    key: str,
    label: str,
    unit: str,
    better: Better,
    a: float | None,
    b: float | None,
) -> None:
    if a is not None and b is not None:
        found.lines.append(Line(part, key, label, unit, better, a, b))
    elif a is not None or b is not None:
        found.only_in_one.append(f"{part}, {label}")
