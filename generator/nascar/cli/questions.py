"""The eight questions that are asked while the race runs, and what they answered last, for a screen."""

from __future__ import annotations

from typing import Any, Final

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nascar.asking import QuestionRounds

_WIDEST: Final = 60


class QuestionBoard:
    """The questions of `rounds` on a screen."""

    def __init__(self, rounds: QuestionRounds) -> None:
        self._rounds = rounds

    def picture(self) -> RenderableType | None:
        """The questions with their last answers; None before the first."""
        if not self._rounds.asked:
            return None
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        table.add_column("", justify="right", min_width=1)
        table.add_column("question", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("rows", justify="right", min_width=5)
        table.add_column("ms", justify="right", min_width=6)
        table.add_column("first row of the answer", no_wrap=True, overflow="ellipsis", ratio=1)
        for question in self._rounds.questions:
            asked = self._rounds.asked.get(question.number)
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
