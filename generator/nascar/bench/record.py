"""The dated record of a benchmark: one JSON file, and one page beside it. docs/bench-format.md describes the JSON.

A record holds no token and no credentials, and nothing of the machine that is not a property of it: `privacy` sees
to that.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from nascar.bench import machine
from nascar.bench.privacy import Curtain
from nascar.errors import UsageError
from nascar.whole_file import write_whole

FORMAT: Final = 1
"""Goes up when a reader of the old form would read the new one wrongly."""
KINDS: Final = ("ceiling", "ladder", "knee")
DEFAULT_FOLDER: Final = Path("bench-results")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """Where a benchmark's results lie."""

    json: Path
    page: Path


def surroundings(data_dir: Path | None = None) -> Record:
    """Sources, machine and versions, to be asked for before a benchmark: afterwards the load is its own.

    `data_dir` is where a server's data will lie, if on this machine.
    """
    return {
        "commit": machine.commit(),
        "machine": machine.machine(data_dir),
        "versions": machine.versions(),
    }


def _afterwards() -> Record:
    found = surroundings()
    return {**found, "machine": {**found["machine"], "load_before": None}}


def build(
    kind: str,
    body: Mapping[str, Any],
    *,
    arguments: Sequence[str],
    seed: int | None,
    token: str = "",
    on: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Record:
    """The record of a benchmark that ended now.

    `arguments` are the command line behind ``nascar``; `on` is what `surroundings` said before it began.
    """
    curtain = Curtain(arguments, token)
    record = {
        "format": FORMAT,
        "kind": kind,
        "date": (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": shlex.join(["nascar", *curtain.command]),
        "seed": seed,
        **(_afterwards() if on is None else on),
        **body,
    }
    hidden: Record = curtain.hide(record)
    return hidden


def check_folder(folder: Path) -> None:
    """Find out before a benchmark that its results could not be written. Raises `UsageError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, probe = tempfile.mkstemp(prefix=".probe-", dir=folder)
    except OSError as error:
        raise UsageError(
            f"The results cannot be written into {folder} ({error.strerror}). Give another folder with --out."
        ) from None
    os.close(handle)
    Path(probe).unlink()


def write(record: Record, page: str, folder: Path) -> Written:
    """Write both files, each whole or not at all, under the record's kind and date. Nothing is overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{record['kind']}-{record['date'].replace(':', '').replace('-', '')}"
    text = encoded(record) + "\n"
    for number in range(1, 1000):
        name = stem if number == 1 else f"{stem}-{number}"
        json_file, page_file = folder / f"{name}.json", folder / f"{name}.html"
        # Two benchmarks may end in one second.
        if json_file.exists() or page_file.exists():
            continue
        write_whole(text, json_file)
        write_whole(page, page_file)
        return Written(json_file, page_file)
    raise UsageError(f"{folder} holds a thousand results of this second. Give another folder with --out.")


def read(file: Path) -> Record:
    """Read a record back. Raises `UsageError` if it is none, or of another format."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"The record {file} cannot be read ({error.strerror}). Give a file of `nascar bench`."
        ) from None
    except ValueError as error:
        raise UsageError(f"The record {file} is not JSON ({error}). Give a file of `nascar bench`.") from None
    if not isinstance(record, dict) or record.get("kind") not in KINDS:
        raise UsageError(f"{file} is no record of a benchmark. Give a .json file that `nascar bench` wrote.")
    if record.get("format") != FORMAT:
        raise UsageError(
            f"{file} has format {record.get('format')}, and this version reads {FORMAT}. Measure again."
        )
    missing = [key for key in ("date", "machine", "versions", record["kind"]) if key not in record]
    if missing:
        raise UsageError(
            f"{file} has no {missing[0]!r}: it is not whole. Give a file that `nascar bench` wrote."
        )
    return record


def encoded(value: Any, indent: str = "") -> str:
    """As JSON: indented, but a list of plain values on one line, for there are many of a hundred numbers."""
    inner = f"{indent} "
    if isinstance(value, Mapping) and value:
        lines = [f"{inner}{json.dumps(str(key))}: {encoded(one, inner)}" for key, one in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in value):
        lines = [f"{inner}{encoded(one, inner)}" for one in value]
    else:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    return opening + "\n" + ",\n".join(lines) + f"\n{indent}{closing}"
