"""Questions asked beside a run: in turn, with pauses that leave the server its time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nascar.asking import QuestionRounds
from nascar.questions import load_questions
from nascar.stream.client import Client

ANSWER_S = 0.05


@dataclass(slots=True)
class SlowServer:
    """Answers every question with nothing, after a while, and notes when it was busy."""

    busy_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def query(self, request: web.Request) -> web.Response:
        began = time.monotonic()
        self.asked.append((await request.json())["sql"])
        await asyncio.sleep(ANSWER_S)
        self.busy_s += time.monotonic() - began
        return web.json_response({"success": True, "columns": [], "data": [], "row_count": 0})


@pytest.mark.parametrize("share", [0.2, 0.5])
async def test_questions_take_a_server_no_more_than_their_share_of_the_time(share: float) -> None:
    server = SlowServer()
    app = web.Application()
    app.router.add_post("/api/v1/query", server.query)
    async with TestServer(app) as served:
        url = f"http://127.0.0.1:{served.port}"
        async with Client(url, "a-token-of-thirty-two-characters-or-more", database="d") as client:
            rounds = QuestionRounds(load_questions(), client, "d")
            began = time.monotonic()
            asking = asyncio.create_task(rounds.keep_asking(0.0, most_share=share))
            await asyncio.sleep(1.5)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            elapsed_s = time.monotonic() - began
    # The first answer and the last have no pause on their outer side.
    assert 2 * ANSWER_S < server.busy_s <= share * elapsed_s + 2 * ANSWER_S
    assert len(set(server.asked)) == min(len(server.asked), 8)
