#!/usr/bin/env python3
"""Write docs/measurements.md from the records of a ceiling and a ladder.

    nascar bench ceiling; nascar bench ladder --levels 612000 --seconds 480; scripts/write_measurements.py

Without names the newest records in bench-results/ are taken. The records are copied into docs/measurements/, in the place of those that lie there; the document says nothing that
is not in them. `--profile FILE` puts the output of scripts/profile_encoding.py at its end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
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


def document(ceiling: Record, ladder: Record, links: tuple[str, str], profile: str = "") -> str:
    """The text of docs/measurements.md; `links` lead from it to the two records."""
    return "\n".join(_lines(ceiling, ladder, links, profile)) + "\n"


def _lines(ceiling: Record, ladder: Record, links: tuple[str, str], profile: str) -> Iterator[str]:
    yield "# Measurements"
    yield ""
    yield (
        "Written by `scripts/write_measurements.py` from two records of `nascar bench`; "
        "[bench-format.md](bench-format.md) describes them. Client and server share the cores of one machine, and so "
        "does whatever else runs on it."
    )
    yield ""
    yield "## The generator alone"
    yield ""
    yield from _origin(ceiling, links[0])
    yield from _ceiling(ceiling["ceiling"])
    yield "## A server under load"
    yield ""
    yield from _origin(ladder, links[1])
    yield from _ladder(ladder["ladder"])
    if profile:
        yield "## Where the time goes"
        yield ""
        yield "Printed by `scripts/profile_encoding.py`:"
        yield ""
        yield "```"
        yield profile.rstrip()
        yield "```"


def _origin(made: Record, link: str) -> Iterator[str]:
    """Machine, command, date: without them a number says nothing."""
    on = made["machine"]
    target = f" Target: {made['target']}." if "target" in made else ""
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
    for note in ceiling["notes"]:
        yield f"* {note}"
    yield ""


def _millions(spread: Mapping[str, float]) -> str:
    median, least, most = (f"{spread[key] / 1e6:.3g}" for key in ("median", "least", "most"))
    return f"{median} ({least} to {most})"


def _ladder(ladder: Mapping[str, Any]) -> Iterator[str]:
    columns = measures.by_load(ladder["levels"])
    heads = [f"{rate(column[0]['load']['rate'])}, {column[0]['load']['seconds']:g} s" for column in columns]
    yield "| | " + " | ".join(heads) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    yield _row("held", [_held(column) for column in columns])
    chosen = (
        *measures.RATES,
        *measures.LATENCIES,
        *measures.question_measures(ladder["levels"]),
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


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def _held(column: Sequence[Level]) -> str:
    held = sum(level["held"] for level in column)
    return f"{held} of {len(column)}" if len(column) > 1 else ("yes" if held else "**no**")


def _cell(measure: Measure, column: Sequence[Level]) -> str:
    return amount(measures.median(measure, column), measure.unit)


def keep(ceiling: Path, ladder: Path, profile: Path | None, folder: Path) -> None:
    """Put the files into `folder` in the place of what lies there. Raises `UsageError` for files that are not theirs."""
    for file, kind in ((ceiling, "ceiling"), (ladder, "ladder")):
        if record.read(file)["kind"] != kind:
            raise UsageError(
                f"{file} is not the record of a {kind}. Give the ceiling first, then the ladder."
            )
    texts = {file.name: file.read_text(encoding="utf-8") for file in (ceiling, ladder)}
    if profile is not None:
        texts[PROFILE] = profile.read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.suffix == ".json" or (old.name == PROFILE and profile is not None):
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def document_of(folder: Path) -> str:
    """The document for the records in `folder`."""
    ceiling, ladder = (max(folder.glob(f"{kind}-*.json")) for kind in ("ceiling", "ladder"))
    profile = folder / PROFILE
    return document(
        record.read(ceiling),
        record.read(ladder),
        (f"{folder.name}/{ceiling.name}", f"{folder.name}/{ladder.name}"),
        profile.read_text(encoding="utf-8") if profile.exists() else "",
    )


def _newest(kind: str) -> Path:
    files = sorted((ROOT / record.DEFAULT_FOLDER).glob(f"{kind}-*.json"))
    if not files:
        raise UsageError(
            f"There is no record of a {kind} in {record.DEFAULT_FOLDER}. Run `nascar bench {kind}`."
        )
    return files[-1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for kind in ("ceiling", "ladder"):
        parser.add_argument(
            kind,
            type=Path,
            nargs="?",
            help=f"record of `nascar bench {kind}` (default: the newest in bench-results)",
        )
    parser.add_argument("--profile", type=Path, help="output of scripts/profile_encoding.py")
    args = parser.parse_args()
    try:
        ceiling, ladder = args.ceiling or _newest("ceiling"), args.ladder or _newest("ladder")
        keep(ceiling, ladder, args.profile, FOLDER)
        DOCUMENT.write_text(document_of(FOLDER), encoding="utf-8")
    except NascarError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    print("Next: read docs/measurements.md, then fill the README's figures: make readme")
    return 0


if __name__ == "__main__":
    sys.exit(main())
