"""The eight questions of the demo, read from their .sql files.

A file is named ``NN_slug.sql`` and is runnable as it stands. It begins with comment lines ``-- key: text``;
``title`` and ``shows`` (one line on what the answer shows) must be there, ``look`` (what to look for in it) may. The header holds no quotes, dollar
signs or semicolons: Arc masks strings before it strips comments, so an apostrophe there would open one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nascar.errors import UsageError

PUBLISHED_DATABASE: Final = "nascar_telemetry"
"""The database that the published SQL names in front of its tables."""

RELATIVE_WINDOW: Final = re.compile(r"\btime\s*>=?\s*now\(\)\s*-\s*INTERVAL\s*'(\d+) (second|minute|hour)s?'")
"""How a question says over which last stretch of time it asks."""

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_FILE_NAME: Final = re.compile(r"(\d{2})_([a-z0-9_]+)\.sql")
_HEADER_LINE: Final = re.compile(r"-- ([a-z]+): (\S.*)")


@dataclass(frozen=True, slots=True)
class Question:
    """One question and its SQL."""

    number: int
    slug: str
    title: str
    shows: str
    """One line on what the answer shows."""
    sql: str
    """The statement without its comment header, as published, closing semicolon included."""
    window_s: int
    """Length of the stretch of time, ending now, that it asks about."""
    look: str = ""
    """One line on what to look for in the answer."""


def queries_directory() -> Path:
    """The folder with the published files: packaged with an installed copy, else the repository's."""
    packaged = Path(__file__).with_name("queries")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "queries"


def load_questions(directory: Path | None = None) -> tuple[Question, ...]:
    """The questions in `directory` (None: the published ones), in order of their numbers."""
    directory = queries_directory() if directory is None else directory
    try:
        files = sorted(directory.glob("*.sql"))
        questions = tuple(_read(file) for file in files)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the questions in {directory}: {error}. Check the folder.") from error
    if not questions:
        raise UsageError(f"No questions (NN_slug.sql) in {directory}. Name the folder that holds them.")
    numbers = [question.number for question in questions]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise UsageError(
            f"Question {twice[0]:02d} is there twice in {directory}. Remove or renumber one file."
        )
    return questions


def for_database(sql: str, database: str) -> str:
    """`sql` asked of `database` instead of the published one; "" leaves bare table names."""
    prefix = f"{database}." if database else ""
    return re.sub(rf"\b{PUBLISHED_DATABASE}\.(?=\w)", prefix, sql)


def _read(file: Path) -> Question:
    named = _FILE_NAME.fullmatch(file.name)
    if named is None:
        raise UsageError(f"{file} is not named NN_slug.sql. Rename it, for example 01_leaderboard.sql.")
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    body = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = {m[1]: m[2] for line in lines[:body] if (m := _HEADER_LINE.fullmatch(line.rstrip()))}
    for key in ("title", "shows"):
        if key not in header:
            raise UsageError(f"{file} has no '-- {key}: ...' line at its top. Add one.")
    sql = "".join(lines[body:]).strip()
    window = RELATIVE_WINDOW.search(sql)
    if window is None:
        raise UsageError(f"{file} names no window. Add: WHERE time >= now() - INTERVAL '1 minute'.")
    return Question(
        number=int(named[1]),
        slug=named[2],
        title=header["title"],
        shows=header["shows"],
        sql=sql,
        window_s=int(window[1]) * _SECONDS[window[2]],
        look=header.get("look", ""),
    )
