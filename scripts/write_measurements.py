#!/usr/bin/env python3
"""Write docs/measurements.md from records of `nascar bench`.

    nascar bench ceiling; nascar bench ladder; nascar bench ladder --sink; nascar bench knee
    scripts/write_measurements.py

Any number of ceilings, ladders and knees may be named; each is shown with its machine, command, date and target.
Without names it is the newest ceiling in bench-results/, and the newest ladder and knee of each target. The records are
copied into docs/measurements/, in the place of those that lie there; the document says nothing that is not in them.
`--profile FILE` puts the output of scripts/profile_encoding.py at its end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nascar.bench import measures, record
from nascar.bench.amounts import NOTHING, amount, rate
from nascar.bench.measures import Level, Measure
from nascar.bench.record import Record
from nascar.errors import NascarError, UsageError

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "docs" / "measurements.md"
FOLDER: Final = ROOT / "docs" / "measurements"
PROFILE: Final = "profile.txt"


Linked = tuple[Record, str]
"""A record, and the link that leads to it from the document."""


def document(records: Sequence[Linked], profile: str = "") -> str:
    """The text of docs/measurements.md."""
    return "\n".join(_lines(records, profile)) + "\n"


def _lines(records: Sequence[Linked], profile: str) -> Iterator[str]:
    yield "# Measurements"
    yield ""
    yield (
        "Written by `scripts/write_measurements.py` from records of `nascar bench`; "
        "[bench-format.md](bench-format.md) describes them. Client and server share the cores of one machine, and so "
        "does whatever else runs on it."
    )
    yield ""
    for made, link in records:
        yield f"## {_title(made)}"
        yield ""
        yield from _origin(made, link)
        yield from SECTIONS[made["kind"]](made[made["kind"]])
    if profile:
        yield "## Where the time goes"
        yield ""
        yield "Printed by `scripts/profile_encoding.py`:"
        yield ""
        yield "```"
        yield profile.rstrip()
        yield "```"


def _title(made: Record) -> str:
    if made["kind"] == "ceiling":
        return "The generator alone"
    what = "Load levels" if made["kind"] == "ladder" else "The highest rate that is sustained"
    # What a target's name says in brackets stands below it.
    return f"{what}: {made['target'].partition(' (')[0]}"


def _origin(made: Record, link: str) -> Iterator[str]:
    """Machine, command, date: without them a number says nothing."""
    on = made["machine"]
    version = f", version {made['server_version']}" if made.get("server_version") else ""
    target = f" Target: {made['target']}{version}." if "target" in made else ""
    yield (
        f"{made['date'][:10]}, `{made['command']}`, commit {made['commit'] or 'not known'}, seed {made['seed']}."
        f"{target} Machine: {on['cores']} cores ({on['cpu']}{', virtual' if on['is_virtual'] else ''}), "
        f"{amount(on['memory_bytes'], 'bytes')}, {on['system']} {on['kernel']}, Python "
        f"{made['versions']['python']}. Raw numbers: [{Path(link).name}]({link})."
    )
    yield ""


def _ceiling(ceiling: Mapping[str, Any]) -> Iterator[str]:
    yield f"Millions of messages (rows) a second, median (least to most), at {ceiling['rate']:,} messages/s of race time."
    yield ""
    yield f"| stage | a second of one core | {ceiling['cores']} cores, by the clock |"
    yield "|---|---|---|"
    for name, core in ceiling["per_core"].items():
        together = ceiling["all_cores"].get(name)
        yield f"| {ceiling['titles'].get(name, name)} | {_millions(core)} | {NOTHING if together is None else _millions(together)} |"
    yield ""
    yield f"* {_way_of_a_row(ceiling['per_core'])}"
    for note in ceiling["notes"]:
        yield f"* {note}"
    yield ""


def _way_of_a_row(per_core: Mapping[str, Mapping[str, float]]) -> str:
    """What eats the rest between a dry run and the wire."""
    made_ns, sent_ns = (1e9 / per_core[name]["median"] for name in ("dry_run", "http_sink"))
    return (
        f"A row that is sent costs {sent_ns:.0f} ns of CPU, of which {made_ns:.0f} ns are race, rendering and encoding (the "
        f"dry run). The rest, {sent_ns - made_ns:.0f} ns, is its share of a request: the copy of the body into the kernel, waking the "
        "reader, the turns of the event loop, and the books (due times, histograms, ledger)."
    )


def _millions(spread: Mapping[str, float]) -> str:
    median, least, most = (f"{spread[key] / 1e6:.3g}" for key in ("median", "least", "most"))
    return f"{median} ({least} to {most})"


def _ladder(ladder: Mapping[str, Any]) -> Iterator[str]:
    yield from _levels(ladder["levels"])
    if ladder["ended"]:
        yield f"It ended early: {ladder['ended']}."
        yield ""


def _knee(knee: Mapping[str, Any]) -> Iterator[str]:
    """The answer, every trial that led to it, and in full what it stands on."""
    if knee["rate"] is not None:
        above = (
            "Nothing above it was tried"
            if knee["missed_rate"] is None
            else f"{knee['missed_rate']:,} was not held"
        )
        yield f"**{knee['rate']:,} rows/s were sustained for {knee['sustained_s']:g} s.** {above}."
    else:
        why = "no rate was held" if knee["is_answered"] else f"the search was ended ({knee['ended']})"
        yield f"**No sustained rate was found**: {why}."
    yield ""
    yield (
        f"A trial lasts {knee['trial_s']:g} s, and the 99th percentile of the write latency from the due time may be "
        f"{knee['p99_limit_ms']:g} ms."
    )
    yield ""
    yield "| why it was tried | rows/s | seconds | acknowledged rows/s | P99 from the due time | held |"
    yield "|---|---|---|---|---|---|"
    by_key = {measure.key: measure for measure in measures.MEASURES}
    for trial in knee["trials"]:
        cells = [
            f"{trial['load']['rate']:,}",
            f"{trial['load']['seconds']:g}",
            *(_cell(by_key[key], [trial]) for key in ("acknowledged_rate", "latency_due_p99_ms")),
            "yes" if trial["counts_as_held"] else f"no: {_plain('; '.join(trial['misses']))}",
        ]
        yield _row(trial["phase"], cells)
    yield ""
    # A rate may have been tried before, for a shorter time, with another outcome.
    confirmed = [
        trial
        for trial in knee["trials"]
        if trial["load"]["rate"] == knee["rate"]
        and trial["load"]["seconds"] == knee["sustained_s"]
        and trial["counts_as_held"]
    ]
    if confirmed:
        yield from _levels(confirmed[-1:])


def _levels(levels: Sequence[Level]) -> Iterator[str]:
    """All numbers of levels, a column for each load, and what must be known beside them."""
    columns = measures.by_load(levels)
    heads = [f"{rate(column[0]['load']['rate'])}, {column[0]['load']['seconds']:g} s" for column in columns]
    yield "| | " + " | ".join(heads) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    yield _row("held", [_held(column) for column in columns])
    chosen = (
        *measures.RATES,
        *measures.LATENCIES,
        *measures.question_measures(levels),
        *measures.QUESTIONS,
        *measures.RESOURCES,
    )
    for measure in chosen:
        cells = [_cell(measure, column) for column in columns]
        if any(cell != NOTHING for cell in cells):
            yield _row(measure.label, cells)
    yield ""
    for column in columns:
        for level in column:
            said = [*measures.reasons(level), *measures.warnings(level)]
            if said:
                yield f"* {rate(level['load']['rate'])}: {'; '.join(sentence.rstrip('.') for sentence in said)}."
    yield ""


def _plain(text: str) -> str:
    """A bar or the end of a line would end the cell."""
    return " ".join(text.replace("|", "\\|").split())


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def _held(column: Sequence[Level]) -> str:
    held = sum(level["held"] for level in column)
    return f"{held} of {len(column)}" if len(column) > 1 else ("yes" if held else "**no**")


def _cell(measure: Measure, column: Sequence[Level]) -> str:
    return amount(measures.median(measure, column), measure.unit)


SECTIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]]] = {
    "ceiling": _ceiling,
    "ladder": _ladder,
    "knee": _knee,
}
"""How a record of each kind is shown, in the order of the document."""


def keep(records: Sequence[Path], profile: Path | None, folder: Path) -> None:
    """Put the files into `folder` in the place of what lies there. Raises `UsageError` for files that are no records."""
    texts: dict[str, str] = {}
    for file in records:
        record.read(file)
        if file.name in texts:
            raise UsageError(
                f"There are two records called {file.name}. Give each another name, or only one."
            )
        texts[file.name] = file.read_text(encoding="utf-8")
    if profile is not None:
        texts[PROFILE] = profile.read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.suffix == ".json" or (old.name == PROFILE and profile is not None):
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def document_of(folder: Path) -> str:
    """The document for the records in `folder`: ceilings, ladders, knees, of each kind the oldest first."""
    found = [(record.read(file), f"{folder.name}/{file.name}") for file in folder.glob("*.json")]
    kinds = list(SECTIONS)
    found.sort(key=lambda linked: (kinds.index(linked[0]["kind"]), linked[0]["date"], linked[1]))
    profile = folder / PROFILE
    return document(found, profile.read_text(encoding="utf-8") if profile.exists() else "")


def newest(folder: Path) -> list[Path]:
    """The newest record of each kind and target in `folder`. Raises `UsageError` if there is none."""
    found: dict[tuple[str, str], tuple[str, Path]] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            made = record.read(file)
        except UsageError:
            # Reports of streams may lie beside records, and records of older forms.
            continue
        key, dated = (made["kind"], made.get("target", "")), (made["date"], file)
        found[key] = max(found.get(key, dated), dated)
    if not found:
        raise UsageError(
            f"There is no record in {folder.name}. Run `nascar bench ceiling` or `nascar bench ladder`."
        )
    return [file for _, file in found.values()]


def main() -> int:
    """Write the document; exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "records",
        type=Path,
        nargs="*",
        help="records of `nascar bench` (default: the newest of each kind and target in bench-results)",
        metavar="RECORD.json",
    )
    parser.add_argument("--profile", type=Path, help="output of scripts/profile_encoding.py")
    args = parser.parse_args()
    try:
        keep(args.records or newest(ROOT / record.DEFAULT_FOLDER), args.profile, FOLDER)
        DOCUMENT.write_text(document_of(FOLDER), encoding="utf-8")
    except NascarError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    print("Next: read docs/measurements.md, then fill the README's figures: make readme")
    return 0


if __name__ == "__main__":
    sys.exit(main())
