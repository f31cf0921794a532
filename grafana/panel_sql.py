"""A question's SQL in the form that a panel can send, and what its answer's columns mean.

The panel form is derived, never written twice. Three things change, and only these:

* the window ``now() - INTERVAL ...`` becomes literal bounds, because Arc answers the relative form with
  nothing for a minute after each full hour; the panel's own time range (`timeFrom`) carries its length;
* the database in front of the tables goes, because the datasource sends it as a header;
* car 24, where a question is about one car, becomes the dashboard's variable.

Where the question itself cannot serve a panel as published, queries/panels/ holds the same question in
another form, which goes through the same steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from grafana.answers import AnswerColumn, answer_of
from grafana.panel_files import PanelQuery
from nascar.questions import RELATIVE_WINDOW, Question, for_database, load_questions, queries_directory
from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.schema import TABLES

PUBLISHED_CAR: Final = 24
"""The car that the published questions about one car ask for."""

_ONE_CAR: Final = re.compile(rf"\bcar_number = {PUBLISHED_CAR}\b")
_ITEM: Final = re.compile(r"(?:(?P<expression>.+?)\s+as\s+)?(?P<name>\w+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TracedColumn:
    """One column of an answer and the table column that it is made from."""

    name: str
    source: Column | None
    """None for a count of rows; for a value made of several columns, the first of them."""
    is_count: bool
    is_mean: bool


def question_panels(directory: Path | None = None) -> dict[int, PanelQuery]:
    """The eight questions as panels ask them, by number."""
    return {question.number: _panel_query(question) for question in panel_questions(directory)}


def panel_questions(directory: Path | None = None) -> tuple[Question, ...]:
    """The eight questions, each in the form that serves a panel, still in published spelling."""
    directory = queries_directory() if directory is None else directory
    instead = {question.number: question for question in load_questions(directory / "panels")}
    return tuple(instead.get(question.number, question) for question in load_questions(directory))


def panel_sql(question: Question) -> str:
    """The SQL that the panel sends: bare tables, literal bounds, ``$car``."""
    sql, windows = RELATIVE_WINDOW.subn("time >= $__timeFrom() AND time < $__timeTo()", question.sql)
    if windows != 1:
        raise ValueError(f"question {question.number} has {windows} windows; a panel has one")
    return _ONE_CAR.sub("car_number = $car", for_database(sql, "")).rstrip().removesuffix(";")


def _panel_query(question: Question) -> PanelQuery:
    sql = panel_sql(question)
    traced = {column.name: column for column in traced_columns(question.sql)}
    return PanelQuery(
        slug=question.slug,
        title=panel_text(question.title),
        shows=panel_text(question.shows),
        look=panel_text(question.look),
        window=_duration(question.window_s),
        sql=sql,
        file=f"queries/{question.number:02d}_{question.slug}.sql",
        columns=tuple(_traced(column, traced[column.name]) for column in answer_of(sql)),
    )


def _traced(column: AnswerColumn, traced: TracedColumn) -> AnswerColumn:
    """`column` with the unit and the range of the sensor that it is made from."""
    if traced.is_count:
        return replace(column, unit="rows")
    source = traced.source
    if source is None or source.kind in (Kind.TEXT, Kind.TIME):
        return column
    whole = source.kind is Kind.INT and not traced.is_mean
    return replace(column, kind=Kind.INT if whole else Kind.FLOAT, unit=source.unit, range=source.range)


def _duration(seconds: int) -> str:
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def panel_text(text: str) -> str:
    """A title or a description, naming the chosen car where it names the published one."""
    return re.sub(rf"\b(car) {PUBLISHED_CAR}\b", r"\1 $car", text, flags=re.IGNORECASE)


def asked_table(sql: str) -> Table:
    """The table that `sql` reads."""
    for table in TABLES:
        if re.search(rf"\bFROM (?:\w+\.)?{table.name}\b", sql):
            return table
    raise ValueError(f"no known table in: {sql}")


def traced_columns(sql: str) -> tuple[TracedColumn, ...]:
    """What `sql` answers with, in order: each item of its SELECT list traced to the schema."""
    table = asked_table(sql)
    known = {column.name: column for column in table.columns}
    selected = re.fullmatch(r"SELECT\s(.*?)\sFROM\s.*", sql, re.DOTALL)
    if selected is None:
        raise ValueError(f"not a plain SELECT: {sql}")
    answers = []
    for item in _split(selected[1]):
        named = _ITEM.fullmatch(item)
        if named is None:
            raise ValueError(f"no name for {item!r}; give it one with: as name")
        expression = named["expression"] or named["name"]
        is_count = expression.startswith("COUNT(")
        sources = [known[word] for word in re.findall(r"\w+", expression) if word in known]
        source = None if is_count or not sources else sources[0]
        answers.append(TracedColumn(named["name"], source, is_count, is_mean="AVG(" in expression))
    return tuple(answers)


def _split(items: str) -> list[str]:
    """`items` cut at its commas, but not at those inside parentheses."""
    depth, cut = 0, [""]
    for char in items:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            cut.append("")
        else:
            cut[-1] += char
    return [item.strip() for item in cut]
