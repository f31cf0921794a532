"""The panels' own questions: one SQL file each in queries/dashboards/<dashboard>/.

A file begins with comment lines ``-- key: text``: ``title``, ``shows`` (what the panel shows) and ``look`` (what to
look for) have to be there; ``window`` is the panel's own range, such as 30s or 10m, where the dashboard's would be
too long. The SQL is in Grafana's form, with a variable as ``$car`` for a number and ``'$team'`` for a text.

What several panels of a page ask first stands once, in a file ``<name>.cte`` beside them: a WITH without the question. A
panel that says ``-- with: <name>`` asks on from there, and so may another such file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grafana.answers import AnswerColumn, answer_of

ROOT: Final = Path(__file__).parents[1]
QUERIES: Final = ROOT / "queries"

_HEADER_LINE: Final = re.compile(r"-- ([a-z]+): (\S.*)")
_KEYS: Final = frozenset({"title", "shows", "look", "window", "with"})
_WINDOW: Final = re.compile(r"[1-9]\d*[smh]")
_FORBIDDEN_IN_HEADER: Final = re.compile(r"['\"$;]")
"""Arc masks strings before it strips comments, and Grafana replaces variables in both."""

_TEXT_VARIABLE: Final = re.compile(r"'\$([a-z]\w*)'")
_NUMBER_VARIABLE: Final = re.compile(r"\$([a-z]\w*)")


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """What a panel asks, and what it says about it."""

    slug: str
    title: str
    shows: str
    """One sentence: what the panel shows."""
    look: str
    """One sentence: what to look for."""
    window: str | None
    """The panel's own range, such as 30s; None: the dashboard's."""
    sql: str
    """In Grafana's form, without the header."""
    file: str
    """Path from the repository's root."""
    columns: tuple[AnswerColumn, ...]
    """What it answers with."""

    @property
    def description(self) -> str:
        return f"{self.shows}\n\nLook for: {self.look}\n\nQuery: {self.file}"

    @property
    def target_sql(self) -> str:
        """The SQL that travels to the datasource: every variable says how its value is written.

        Versions of the datasource differ in whether they put quotes around a value by themselves; a format
        that the variable names itself is the same for all of them.
        """
        return _NUMBER_VARIABLE.sub(r"${\1:raw}", _TEXT_VARIABLE.sub(r"${\1:sqlstring}", self.sql))

    def column(self, name: str) -> AnswerColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(
            f"{self.file} answers with no column {name!r}, but with {[c.name for c in self.columns]}"
        )


def load_panels(dashboard: str, directory: Path = QUERIES / "dashboards") -> dict[str, PanelQuery]:
    """The questions of one dashboard by their slug: the name of the file without ``.sql``."""
    files = sorted((directory / dashboard).glob("*.sql"))
    if not files:
        raise ValueError(f"no .sql files in {directory / dashboard}")
    return {file.stem: _read(file) for file in files}


def _read(file: Path) -> PanelQuery:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    body = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header: dict[str, str] = {}
    for line in lines[:body]:
        named = _HEADER_LINE.fullmatch(line.rstrip())
        if named is None or named[1] not in _KEYS or named[1] in header:
            raise ValueError(f"{file}: not a header line: {line.rstrip()}")
        if _FORBIDDEN_IN_HEADER.search(line):
            raise ValueError(f"{file}: no quotes, dollar signs or semicolons in the header: {line.rstrip()}")
        header[named[1]] = named[2].strip()
    for key in ("title", "shows", "look"):
        if key not in header:
            raise ValueError(f"{file} has no '-- {key}: ...' line at its top")
    window = header.get("window")
    if window is not None and _WINDOW.fullmatch(window) is None:
        raise ValueError(f"{file}: {window!r} is no window such as 30s or 10m")
    sql = "".join(lines[body:]).strip()
    if "with" in header:
        sql = _after(file.with_name(f"{header['with']}.cte"), sql)
    return PanelQuery(
        slug=file.stem,
        title=header["title"],
        shows=header["shows"],
        look=header["look"],
        window=window,
        sql=sql,
        file=file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name,
        columns=answer_of(sql),
    )


def _after(part: Path, sql: str) -> str:
    """`sql` with the common table expressions of the file `part` in front of it."""
    if not part.is_file():
        raise ValueError(f"there is no {part.name} beside the panels of {part.parent.name}")
    lines = part.read_text(encoding="utf-8").splitlines()
    first = "\n".join(line for line in lines if not line.startswith("-- "))
    before = [named[2] for line in lines if (named := _HEADER_LINE.fullmatch(line)) and named[1] == "with"]
    if before:
        first = _after(part.with_name(f"{before[0]}.cte"), first)
    return f"{first}, {sql.removeprefix('WITH ')}" if sql.startswith("WITH ") else f"{first}\n{sql}"
