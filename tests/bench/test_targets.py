"""What is loaded is clean, and what is asked of it is counted: a real engine, and a server on a bad day."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from nascar.bench.asking import Asking
from nascar.bench.resources import Watched
from nascar.bench.target import EngineTarget, RunningTarget, SinkTarget, numbered, refuse_dirty, version_of
from nascar.bench.trial import bytes_of
from nascar.errors import UsageError
from nascar.questions import load_questions
from nascar.stream.client import Client
from tests.stream.conftest import DATABASE, TOKEN, Server

ROW = ("engine_telemetry", 24, 1_790_000_000_000_000)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


async def nobody() -> tuple[Watched | None, str]:
    return None, "not looked for"


async def ask_until(asking: Asking, ages: int) -> None:
    """Ask round and round until the age of the newest row was looked for so often."""
    task = asyncio.create_task(asking.keep_asking())
    async with asyncio.timeout(30):
        while True:
            if len(asking.ages) >= ages:
                break
            await asyncio.sleep(0.01)
    task.cancel()


def running(server: Server, *, append: bool) -> RunningTarget:
    return RunningTarget(server.url, TOKEN, DATABASE, nobody, append)


async def test_a_database_with_rows_is_refused_and_taken_only_if_told_so(server: Server) -> None:
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        await refuse_dirty(client)
        server.rows.append(ROW)
        with pytest.raises(UsageError, match=r"rows of engine_telemetry already.*--append"):
            await refuse_dirty(client)
    async with running(server, append=True).serve(1, 1) as served:
        assert served.database == DATABASE


async def test_what_a_level_leaves_on_a_server_that_is_not_ours_is_known(server: Server) -> None:
    target = running(server, append=False)
    for _ in range(2):
        async with target.serve(1, 1):
            pass
    assert target.left == (f"{DATABASE}_1", f"{DATABASE}_2")
    assert running(server, append=True).left == ()


async def health(answer: web.StreamResponse) -> AsyncGenerator[str, None]:
    """The address of a server that gives `answer` when it is asked how it is."""

    async def respond(request: web.Request) -> web.StreamResponse:
        return answer

    app = web.Application()
    app.router.add_get("/health", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (lambda: web.json_response({"status": "ok", "version": "26.06.3"}), "26.06.3"),
        (lambda: web.json_response({"status": "ok"}), None),
        (lambda: web.json_response({"version": 5}), None),
        (lambda: web.json_response(["26.06.3"]), None),
        (lambda: web.Response(text="fine"), None),
        (lambda: web.Response(status=404), None),
    ],
)
async def test_a_server_has_the_version_that_it_tells_and_no_other(
    answer: Callable[[], web.StreamResponse], version: str | None
) -> None:
    async with contextlib.aclosing(health(answer())) as urls:
        async for url in urls:
            assert await version_of(url) == version


async def test_a_server_that_does_not_answer_has_no_version() -> None:
    assert await version_of("http://127.0.0.1:9") is None


async def test_rows_of_the_low_rate_tables_count_as_well(server: Server) -> None:
    server.rows.append(("lap_times", 24, 1_790_000_000_000_000))
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        with pytest.raises(UsageError, match="lap_times"):
            await refuse_dirty(client)


async def test_every_level_of_an_engine_of_our_own_is_new_and_empty(tmp_path: Path) -> None:
    target = EngineTarget(tmp_path / "data")
    async with target.serve(1_000, 1) as served:
        assert served.stores
        assert served.is_new
        assert served.server is not None
        assert await served.server.look() is not None
        assert TOKEN not in repr(served)
        assert served.token not in repr(served)
        assert served.data_dir is not None
        assert served.data_dir.is_relative_to(tmp_path)
    assert list((tmp_path / "data").iterdir()) == []


async def test_the_null_sink_stores_nothing_and_says_so() -> None:
    async with SinkTarget().serve(1_000, 1) as served:
        assert not served.stores
        assert served.server is not None


def test_each_level_has_a_database_of_its_own() -> None:
    assert [numbered("bench", number) for number in (1, 2)] == ["bench_1", "bench_2"]
    assert len(numbered("a" * 62, 1)) == 64
    with pytest.raises(UsageError, match="shorter --database"):
        numbered("a" * 62, 10)


async def test_questions_that_fail_are_counted_and_never_taken_for_fast(server: Server) -> None:
    server.rows.append(ROW)
    questions = load_questions()
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        asking = Asking(client, questions, ["engine_telemetry"], pause_s=0)
        server.unanswered = len(questions)
        await ask_until(asking, ages=1)
    first = asking.answered[: len(questions)]
    assert [one.ms for one in first] == [None] * len(questions)
    found = asking.as_json(0.0, questions, float("inf"))["questions"]
    for question in questions:
        asked = found[question.slug]
        assert asked["failed"] >= 1
        assert any("503" in message for message in asked["errors"])
        assert asked["asked"] == len(asked["each_ms"]) == len(asked["at_s"])
        assert asked["each_ms"][0] is None


async def test_what_was_asked_when_no_rows_flowed_any_more_is_in_no_number(server: Server) -> None:
    questions = load_questions()[:1]
    at_s = iter(range(100))
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        asking = Asking(client, questions, ["engine_telemetry"], 0, clock=lambda: float(next(at_s)))
        await ask_until(asking, ages=3)
    everything = asking.as_json(0.0, questions, 1e9)
    early = asking.as_json(0.0, questions, 2.0)
    assert everything["questions"]["leaderboard"]["asked"] > early["questions"]["leaderboard"]["asked"] == 2
    assert [age["at_s"] for age in early["ages"]] == [1.0]


async def test_the_newest_row_is_as_old_as_it_is(server: Server) -> None:
    server.rows.append(("engine_telemetry", 24, round((time.time() - 7) * 1e6)))
    async with Client(server.url, TOKEN, database=DATABASE) as client:
        asking = Asking(client, load_questions()[:1], ["engine_telemetry", "tire_telemetry"], pause_s=0)
        await ask_until(asking, ages=2)
    engine, tires = asking.ages[:2]
    assert engine.age_s == pytest.approx(7, abs=3)
    assert tires.age_s is None


def test_only_the_files_of_the_levels_own_database_count_as_its_bytes(tmp_path: Path) -> None:
    for name, size in (("night/laps", 5), ("night/laps/deep", 7), ("laps_warm_up", 100), ("laps", 11)):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "rows").write_bytes(b"x" * size)
    assert bytes_of("laps", tmp_path) == 5 + 7 + 11
    assert bytes_of("laps", tmp_path / "laps") == 0, "the folder itself is not one of its own"
