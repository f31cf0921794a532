"""An engine from start to end: what survives a stop, a kill and a damaged file; what is dropped; how it refuses."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import msgpack
import pytest

from embedded_arc.__main__ import main, parser
from embedded_arc.errors import EngineError
from embedded_arc.run import data_folder
from embedded_arc.settings import Settings
from embedded_arc.store import open_duckdb

Cols = Callable[..., dict[str, Any]]
Engine = Callable[[Settings], AbstractAsyncContextManager[Any]]


async def eventually(check: Callable[[], Any], expected: object, within_s: float = 10.0) -> None:
    """Ask until the answer is the expected one."""
    deadline = time.monotonic() + within_s
    while (found := await check()) != expected:
        assert time.monotonic() < deadline, f"{found} instead of {expected} after {within_s} s"
        await asyncio.sleep(0.05)


async def test_rows_appear_by_themselves_after_the_flush_age(
    engine: Engine, settings: Settings, cols: Cols
) -> None:
    async with engine(replace(settings, flush_age_s=0.1)) as arc:
        await arc.write(cols("t", v=[1, 2]))
        await eventually(lambda: arc.rows("SELECT count(*) FROM db.t"), [[2]])


async def test_many_waiting_rows_are_flushed_before_their_age(
    engine: Engine, settings: Settings, cols: Cols
) -> None:
    async with engine(replace(settings, flush_rows=100)) as arc:
        await arc.write(cols("t", v=list(range(100))))
        await eventually(lambda: arc.rows("SELECT count(*) FROM db.t"), [[100]])


async def test_a_clean_stop_stores_what_waits(engine: Engine, settings: Settings, cols: Cols) -> None:
    async with engine(settings) as arc:
        await arc.stored(cols("t", v=[1], d=["a"]))
        await arc.write(cols("t", v=[2], d=["b"]))
        await arc.write(cols("u", v=[3.5]), database="other")
        await arc.send("POST", "/api/v1/databases", json={"name": "empty"})
    async with engine(settings) as arc:
        assert await arc.rows("SELECT v, d FROM db.t ORDER BY v") == [[1, "a"], [2, "b"]]
        assert await arc.rows("SELECT v FROM other.u") == [[3.5]]
        assert await arc.rows("SHOW DATABASES") == [["db"], ["empty"], ["other"]]
        await arc.stored(cols("t", v=[4.5], e=[True]))
    async with engine(settings) as arc:
        found = await arc.rows("SELECT v, d, e FROM db.t ORDER BY v")
        assert found == [[1, "a", None], [2, "b", None], [4.5, None, True]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_stop_the_process_with_everything_stored(
    launch: Any, client: Any, number: int, cols: Cols
) -> None:
    engine = launch("--flush-age-ms", "60000")
    async with client(engine.url) as arc:
        assert (await arc.write(cols("t", v=[1, 2])))[0] == 204
    assert engine.end(number) == 0
    again = launch()
    async with client(again.url) as arc:
        assert await arc.rows("SELECT v FROM db.t ORDER BY v") == [[1], [2]]


async def test_the_engine_stops_with_what_started_it(launch: Any, client: Any, cols: Cols) -> None:
    engine = launch("--flush-age-ms", "60000", "--until-stdin-closes")
    async with client(engine.url) as arc:
        assert (await arc.write(cols("t", v=[1, 2])))[0] == 204
    engine.process.stdin.close()
    assert engine.process.wait(30) == 0
    async with client(launch().url) as arc:
        assert await arc.rows("SELECT v FROM db.t ORDER BY v") == [[1], [2]]


async def test_after_a_kill_all_flushed_rows_are_there(launch: Any, client: Any, cols: Cols) -> None:
    engine = launch("--flush-age-ms", "20")
    flushed = 0
    async with client(engine.url) as arc:
        turn = 0
        while flushed < 20_000:
            turn += 1
            await arc.write(cols("t", turn=[turn] * 1000, d=[f"d{i % 40}" for i in range(1000)]))
            await arc.write(cols(f"t{turn % 3}", v=[turn]))
            _, stats = await arc.send("GET", "/api/v1/write/msgpack/stats")
            flushed = stats["buffer"]["total_records_written"]
        assert engine.end(signal.SIGKILL) == -signal.SIGKILL
    again = launch()
    async with client(again.url) as arc:
        counts = [await arc.rows(f"SELECT count(*) FROM db.{t}") for t in ("t", "t0", "t1", "t2")]
        assert flushed <= sum(rows[0][0] for rows in counts if rows) <= turn * 1001
        # Whole requests or nothing of them.
        assert await arc.rows("SELECT DISTINCT count(*) FROM db.t GROUP BY turn") == [[1000]]
        await arc.stored(cols("t", turn=[-1], d=["new"]))
        assert await arc.rows("SELECT d FROM db.t WHERE d = 'new'") == [["new"]]


async def test_a_damaged_file_costs_its_own_rows_only(engine: Engine, settings: Settings, cols: Cols) -> None:
    async with engine(settings) as arc:
        await arc.stored(cols("t", v=[1]))
        await arc.stored(cols("u", v=[2]))
    (path,) = (settings.data_dir / "segments" / "db" / "t").glob("*.duckdb")
    path.write_bytes(b"no database" * 1000)
    async with engine(settings) as arc:
        assert await arc.rows("SELECT v FROM db.u") == [[2]]
        assert await arc.rows("SELECT v FROM db.t") == []
        assert [p.suffix for p in path.parent.iterdir()] == [".unreadable"]
        await arc.stored(cols("t", v=[3]))
        assert await arc.rows("SELECT v FROM db.t") == [[3]]


async def test_old_rows_are_dropped_with_their_files(engine: Engine, settings: Settings, cols: Cols) -> None:
    short = replace(settings, keep_s=1.5, segment_s=0.2, flush_age_s=0.05, grace_s=0.2)
    folder = settings.data_dir / "segments" / "db" / "t"
    async with engine(short) as arc:
        most = 0
        for turn in range(30):
            await arc.write(cols("t", turn=[turn] * 10))
            await asyncio.sleep(0.1)
            most = max(most, len(await arc.rows("SELECT turn FROM db.t")))
            assert (await arc.query("SELECT count(*) FROM db.t"))[0] == 200
        # Never all of them, always the newest.
        assert 0 < most < 300
        assert [29] in await arc.rows("SELECT DISTINCT turn FROM db.t")
        await eventually(lambda: arc.rows("SELECT count(*) FROM db.t"), [])

        async def files() -> list[Path]:
            return list(folder.glob("*"))

        await eventually(files, [])
        await arc.write(cols("t", turn=[99]))
        await eventually(lambda: arc.rows("SELECT turn FROM db.t"), [[99]])


async def test_a_table_that_is_kept_outlives_the_minutes_of_the_others(
    launch: Any, client: Any, cols: Cols
) -> None:
    kept = ("--keep-all", "laps", "--keep-all", "events")
    async with client(launch("--keep-minutes", "0.02", *kept).url) as arc:
        for name in ("raw", "laps", "events"):
            await arc.stored(cols(name, v=[1, 2]))
        await eventually(lambda: arc.rows("SELECT count(*) FROM db.raw"), [])
        await arc.stored(cols("raw", v=[3]))
        for name in ("laps", "events"):
            assert await arc.rows(f"SELECT v FROM db.{name} ORDER BY v") == [[1], [2]]


async def test_queries_go_on_while_files_are_dropped(engine: Engine, settings: Settings, cols: Cols) -> None:
    short = replace(settings, keep_s=0.4, segment_s=0.1, flush_age_s=0.02, grace_s=0.2)
    async with engine(short) as arc:
        stop = asyncio.Event()

        async def ask() -> int:
            asked = 0
            while not stop.is_set():
                status, answer = await arc.query("SELECT count(*), sum(v) FROM db.t")
                assert status == 200, answer
                asked += 1
            return asked

        async with asyncio.TaskGroup() as group:
            askers = [group.create_task(ask()) for _ in range(3)]
            for turn in range(60):
                assert (await arc.write(cols("t", v=[turn] * 100)))[0] == 204
                await asyncio.sleep(0.02)
            stop.set()
        assert all(asker.result() > 10 for asker in askers)


async def test_writers_and_readers_side_by_side_lose_nothing(
    engine: Engine, settings: Settings, cols: Cols
) -> None:
    async with engine(replace(settings, flush_age_s=0.02)) as arc:

        async def write(writer: int) -> None:
            for turn in range(25):
                rows = cols(
                    f"t{turn % 2}", w=[writer] * 50, v=[float(turn)] * 50, d=[f"d{i % 7}" for i in range(50)]
                )
                assert (await arc.write(rows))[0] == 204

        seen: list[int] = []

        async def watch() -> None:
            for _ in range(20):
                rows = await arc.rows("SELECT count(*) FROM db.t0")
                seen.append(rows[0][0] if rows else 0)

        await asyncio.gather(*(write(w) for w in range(8)), watch())
        assert seen == sorted(seen)
        await arc.flush()
        assert await arc.rows("SELECT count(*) FROM db.t0") == [[8 * 13 * 50]]
        assert await arc.rows("SELECT DISTINCT count(*) FROM db.t1 GROUP BY w, v") == [[50]]


async def test_a_writer_waits_when_the_memory_for_rows_is_used_up(
    engine: Engine, settings: Settings, cols: Cols
) -> None:
    async with engine(replace(settings, buffered_limit_bytes=20_000, flush_age_s=0.2)) as arc:
        for _ in range(20):
            assert (await arc.write(cols("t", v=list(range(1000)))))[0] == 204
        await arc.flush()
        assert await arc.rows("SELECT count(*) FROM db.t") == [[20_000]]


async def test_bodies_wait_for_their_turn(engine: Engine, settings: Settings, cols: Cols) -> None:
    async with engine(replace(settings, bodies_limit_bytes=30_000)) as arc:
        bodies = [cols("t", v=list(range(100_000, 104_000)))] * 12
        assert {status for status, _ in await asyncio.gather(*map(arc.write, bodies))} == {204}
        await arc.flush()
        assert await arc.rows("SELECT count(*) FROM db.t") == [[48_000]]


async def test_a_body_without_a_length(arc: Any, cols: Cols) -> None:
    data = msgpack.packb(cols("t", v=list(range(100_000))))

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 10_000):
            yield data[at : at + 10_000]

    head = {"x-arc-database": "db"}
    assert (await arc.send("POST", "/api/v1/write/msgpack", head, data=chunks()))[0] == 204
    await arc.flush()
    assert await arc.rows("SELECT count(*) FROM db.t") == [[100_000]]


async def test_a_sender_that_goes_away_leaves_nothing_behind(arc: Any, cols: Cols) -> None:
    data = msgpack.packb(cols("t", v=list(range(1000))))
    host, port = arc.url.removeprefix("http://").split(":")
    for _ in range(5):
        _, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST /api/v1/write/msgpack HTTP/1.1\r\nHost: x\r\nAuthorization: {arc.token}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        writer.write(head.encode() + data[:-10])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    await arc.stored(cols("u", v=[1]))
    assert (await arc.query("SELECT * FROM default.t"))[1]["columns"] == []

    async def held() -> float:
        _, found = await arc.send("GET", "/metrics", {"Accept": "application/json"})
        return float(found["bodies_bytes"])

    await eventually(held, 0.0)


def start(*arguments: str, token: str | None = "0123456789abcdef0123456789abcdef") -> tuple[int, str]:
    """Exit status and message of an engine that does not start."""
    environment = {k: v for k, v in os.environ.items() if k != "ARC_AUTH_BOOTSTRAP_TOKEN"}
    if token is not None:
        environment["ARC_AUTH_BOOTSTRAP_TOKEN"] = token
    with subprocess.Popen(
        [sys.executable, "-m", "embedded_arc", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as engine:
        # Its standard input stays open, as that of one which another process keeps.
        assert engine.stdout is not None and engine.stderr is not None
        said = engine.stderr.read()
        assert engine.stdout.read() == ""
        assert "Traceback" not in said and "Fatal" not in said
        return engine.wait(30), said


@pytest.mark.parametrize("token", [None, "", "short", "0123456789abcdef 0123456789abcdef"])
def test_no_start_without_a_good_token(tmp_path: Path, token: str | None) -> None:
    status, message = start("--data-dir", str(tmp_path / "data"), token=token)
    assert status == 2
    assert "ARC_AUTH_BOOTSTRAP_TOKEN" in message
    assert not token or token not in message.replace("ARC_AUTH_BOOTSTRAP_TOKEN", "")
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, message = start("--data-dir", str(tmp_path), "--port", str(port))
    assert status == 1
    assert f"Port {port} on 127.0.0.1 is taken. Give another with --port" in message


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    status, message = start("--data-dir", str(file / "data"))
    assert status == 2
    assert "cannot be written" in message and "--data-dir" in message


def test_a_data_folder_belongs_to_one_engine(tmp_path: Path) -> None:
    with data_folder(tmp_path):
        status, message = start("--data-dir", str(tmp_path), "--port", "0")
        assert status == 1
        assert "is in use by another engine" in message and "--data-dir" in message
    with data_folder(tmp_path):
        pass


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "70000"],
        ["--port", "x"],
        ["--flush-age-ms", "0"],
        ["--keep-minutes", "-1"],
        ["--memory-limit", "much"],
        ["--threads", "0"],
    ],
)
def test_bad_options_are_refused_with_what_would_be_right(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--data-dir", str(tmp_path), *arguments])
    assert stopped.value.code == 2
    assert "give" in capsys.readouterr().err


def test_every_option_has_its_help() -> None:
    for action in parser()._actions:
        assert action.help


async def test_a_later_token_is_ignored_as_in_arc(engine: Engine, settings: Settings, caplog: Any) -> None:
    async with engine(settings):
        pass
    async with engine(replace(settings, bootstrap_token="x" * 32)) as arc:
        assert (await arc.query("SELECT 1"))[0] == 200
        assert (await arc.as_("x" * 32).query("SELECT 1"))[0] == 401
    assert "ARC_AUTH_BOOTSTRAP_TOKEN is ignored" in caplog.text


def test_a_bad_memory_limit_is_said_so(settings: Settings) -> None:
    with pytest.raises(EngineError, match="--memory-limit"):
        open_duckdb(replace(settings, memory_limit="lots"))


def test_the_token_is_in_no_repr(settings: Settings) -> None:
    assert settings.bootstrap_token not in repr(settings)


async def test_an_address_for_every_host(engine: Engine, settings: Settings) -> None:
    async with engine(replace(settings, host="localhost")) as arc, aiohttp.ClientSession() as session:
        assert arc.url.startswith("http://localhost:")
        async with session.get(f"{arc.url}/ready") as answer:
            assert answer.status == 200


async def test_prepared_questions_are_answered_as_any_other(
    launch: Any, client: Any, tmp_path: Path, cols: Cols
) -> None:
    folder = tmp_path / "questions" / "panels"
    folder.mkdir(parents=True)
    (folder / "a.sql").write_text("-- a: title\nSELECT d, sum(v) AS s FROM db.t GROUP BY d ORDER BY d;\n")
    async with client(launch("--prepare", str(folder.parent)).url) as arc:
        await arc.stored(cols("t", v=[1, 2, 4], d=["x", "y", "x"]))
        assert await arc.rows((folder / "a.sql").read_text()) == [["x", "5"], ["y", "2"]]


@pytest.mark.parametrize("text", [None, "DROP TABLE x", "SELECT 1; SELECT 2", "SELEC", ""])
def test_what_cannot_be_prepared_is_named(tmp_path: Path, text: str | None) -> None:
    folder = tmp_path / "questions"
    folder.mkdir()
    if text is not None:
        (folder / "a.sql").write_text(text)
    status, message = start(
        *("--data-dir", str(tmp_path / "data"), "--port", "0", "--prepare", str(folder)),
        "--until-stdin-closes",
    )
    assert status == 2
    assert "--prepare" in message
