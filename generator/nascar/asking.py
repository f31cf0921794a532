"""One of the eight questions, asked of a server, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nascar.errors import ServerError, TokenRefused
from nascar.questions import Question, for_database
from nascar.stream.client import Answer, Client, is_plain


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer, or with what went wrong."""

    question: Question
    sql: str
    answer: Answer | None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        answer = self.answer
        return {
            "number": self.question.number,
            "title": self.question.title,
            "shows": self.question.shows,
            "sql": self.sql,
            "elapsed_ms": None if answer is None else round(answer.elapsed_s * 1000, 1),
            "columns": [] if answer is None else list(answer.columns),
            "rows": [] if answer is None else [list(row) for row in answer.rows],
            "error": self.error,
        }


async def ask(client: Client, question: Question, database: str) -> Asked:
    """Ask one of the eight as its file has it, for `database`. A refused token is raised, all else is kept."""
    plain = is_plain(database)
    sql = for_database(question.sql, database if plain else "")
    try:
        return Asked(question, sql, await client.query(sql, database=None if plain else database))
    except TokenRefused:
        raise
    except ServerError as error:
        return Asked(question, sql, None, str(error))
