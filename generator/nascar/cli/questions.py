"""The eight questions asked in turn while the race runs, and what they answered last."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nascar.asking import Asked, ask
from nascar.questions import Question
from nascar.stream.client import Client

PAUSE_S: Final = 1.0
"""Between two questions: the stream has the machine first."""
_WIDEST: Final = 60


class QuestionBoard:
    """Asks one question after the other, round and round, and keeps each one's last answer."""

    def __init__(self, questions: tuple[Question, ...], client: Client, database: str) -> None:
        self._questions = questions
        self._client = client
        self._database = database
        self.asked: dict[int, Asked] = {}

    async def ask_all(self) -> tuple[Asked, ...]:
        """Ask all eight once, one after the other."""
        for question in self._questions:
            self.asked[question.number] = await ask(self._client, question, self._database)
        return tuple(self.asked[question.number] for question in self._questions)

    async def keep_asking(self) -> None:
        """Ask without end; to be cancelled."""
        while True:
            for question in self._questions:
                self.asked[question.number] = await ask(self._client, question, self._database)
                await asyncio.sleep(PAUSE_S)

    def picture(self) -> RenderableType | None:
        """The questions with their last answers; None before the first."""
        if not self.asked:
            return None
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        table.add_column("", justify="right", min_width=1)
        table.add_column("question", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("rows", justify="right", min_width=5)
        table.add_column("ms", justify="right", min_width=6)
        table.add_column("first row of the answer", no_wrap=True, overflow="ellipsis", ratio=1)
        for question in self._questions:
            asked = self.asked.get(question.number)
            if asked is None:
                table.add_row(str(question.number), question.title, "", "", "")
            elif asked.answer is None:
                table.add_row(
                    str(question.number), question.title, "", "", Text(asked.error or "", style="red")
                )
            else:
                table.add_row(
                    str(question.number),
                    question.title,
                    f"{len(asked.answer.rows):,}",
                    f"{asked.answer.elapsed_s * 1000:,.0f}",
                    _brief(asked.answer.rows),
                )
        return Panel(table, title="The eight questions, asked in SQL while the race runs", border_style="dim")


def _brief(rows: tuple[tuple[Any, ...], ...]) -> str:
    if not rows:
        return "no rows yet"
    cells = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in rows[0])
    return " · ".join(cells)[:_WIDEST]
