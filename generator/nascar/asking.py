"""The eight questions, asked of a server, and what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
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


class QuestionRounds:
    """Asks one question after the other, round and round, and keeps each one's last answer."""

    def __init__(self, questions: Sequence[Question], client: Client, database: str) -> None:
        self.questions = tuple(questions)
        self.asked: dict[int, Asked] = {}
        """The last answers, by the question's number."""
        self._client = client
        self._database = database

    async def ask_all(self) -> tuple[Asked, ...]:
        """Ask each once, one after the other. A refused token is raised: `TokenRefused`."""
        for question in self.questions:
            await self._ask(question)
        return tuple(self.asked[question.number] for question in self.questions)

    async def keep_asking(self, pause_s: float, *, most_share: float = 1.0) -> None:
        """Ask without end; to be cancelled. A refused token ends it.

        There is a pause after each answer, longer than `pause_s` where the answers would otherwise take more than
        `most_share` of the time.
        """
        while True:
            for question in self.questions:
                asked_s = time.monotonic()
                await self._ask(question)
                took_s = time.monotonic() - asked_s
                await asyncio.sleep(max(pause_s, took_s * (1 / most_share - 1)))

    def times_ms(self) -> Mapping[int, float]:
        """How long the last answer to each question took; nothing of one that was not answered."""
        return {
            number: asked.answer.elapsed_s * 1000
            for number, asked in self.asked.items()
            if asked.answer is not None
        }

    async def _ask(self, question: Question) -> None:
        self.asked[question.number] = await ask(self._client, question, self._database)
