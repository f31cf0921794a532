"""The eight questions asked round and round while rows flow, as somebody at a dashboard would.

Each time is kept with its second, each failure with its message. After every round it is asked how old the
newest row is that a query sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nascar.asking import ask
from nascar.errors import NascarError, ServerError
from nascar.freshness import newest_row_us
from nascar.questions import Question
from nascar.stream.client import Client

RECENT_S: Final = 60
"""Older rows are not looked for: the search must not cost more than the questions."""
_VISIBLE_POLL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Answered:
    """One question asked once."""

    at_s: float
    """When it was asked, in seconds from any origin."""
    slug: str
    ms: float | None
    """By this machine's clock, to the last byte of the answer; None if it was not answered."""
    rows: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Age:
    """How old the newest visible row of a table was."""

    at_s: float
    table: str
    age_s: float | None
    """None: no row was visible, or the newest was older than a minute, or no answer came."""


@dataclass(slots=True)
class Asking:
    """Asks `client`'s database until cancelled, with a pause of `pause_s` after each question."""

    client: Client
    questions: Sequence[Question]
    tables: Sequence[str]
    """Those whose newest row is looked for."""
    pause_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    answered: list[Answered] = field(default_factory=list)
    ages: list[Age] = field(default_factory=list)
    trouble: str = "no row was visible while the stream ran"
    """Why nothing was asked, or not to the end; empty if all went well."""

    async def ask_for(self, seconds: float) -> None:
        """Ask for `seconds` from when the first rows are visible; sooner, an answer would cost nothing."""
        try:
            await self._wait_for_rows()
            self.trouble = ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.keep_asking()
        except NascarError as error:
            self.trouble = f"the asking ended: {error}"

    async def _wait_for_rows(self) -> None:
        while True:
            with contextlib.suppress(ServerError):
                if await self._newest_us(self.tables[0]) is not None:
                    return
            await asyncio.sleep(_VISIBLE_POLL_S)

    async def keep_asking(self) -> None:
        """Ask without end. A refused token ends it: `TokenRefused`."""
        while True:
            for question in self.questions:
                await self._ask(question)
                await asyncio.sleep(self.pause_s)
            for table in self.tables:
                self.ages.append(Age(self.clock(), table, await self._age_s(table)))

    async def _ask(self, question: Question) -> None:
        at_s = self.clock()
        asked = await ask(self.client, question, self.client.database)
        answer = asked.answer
        self.answered.append(
            Answered(
                at_s,
                question.slug,
                None if answer is None else answer.elapsed_s * 1000,
                0 if answer is None else len(answer.rows),
                asked.error,
            )
        )

    async def _age_s(self, table: str) -> float | None:
        try:
            newest_us = await self._newest_us(table)
        except ServerError:
            return None
        return None if newest_us is None else self.wall_clock() - newest_us / 1e6

    async def _newest_us(self, table: str) -> int | None:
        return await newest_row_us(self.client, table, round((self.wall_clock() - RECENT_S) * 1e6))

    def as_json(self, origin_s: float, questions: Sequence[Question], until_s: float) -> dict[str, Any]:
        """For the record: the questions in order, each with all its times, and the ages.

        Seconds count from `origin_s`; what was asked after `until_s`, when no row flows any more, is left out.
        """
        return {
            "pause_s": self.pause_s,
            "questions": {question.slug: self._times(question, origin_s, until_s) for question in questions},
            "newest_row_age_s": _spread([age.age_s for age in self.ages if age.at_s <= until_s]),
            "ages": [
                {"at_s": round(age.at_s - origin_s, 2), "table": age.table, "age_s": _rounded(age.age_s)}
                for age in self.ages
                if age.at_s <= until_s
            ],
        }

    def _times(self, question: Question, origin_s: float, until_s: float) -> dict[str, Any]:
        asked = [one for one in self.answered if one.slug == question.slug and one.at_s <= until_s]
        return {
            "title": question.title,
            "asked": len(asked),
            "failed": sum(one.error is not None for one in asked),
            "errors": sorted({one.error for one in asked if one.error is not None}),
            "ms": _spread([one.ms for one in asked]),
            "at_s": [round(one.at_s - origin_s, 2) for one in asked],
            "each_ms": [_rounded(one.ms) for one in asked],
            "rows": [one.rows for one in asked],
        }


def _spread(measured: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in measured if value is not None]
    if not known:
        return {"median": None, "max": None}
    return {"median": _rounded(statistics.median(known)), "max": _rounded(max(known))}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
