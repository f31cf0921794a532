from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest

from nascar.errors import ServerError, TokenRefused
from nascar.stream.client import Client, QueryError, Stored
from nascar.stream.connection import LARGE_CHUNK_BYTES
from nascar.stream.settings import StreamSettings
from tests.stream.conftest import DATABASE, TOKEN, Act, Server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with Client(server.url, TOKEN, database=DATABASE, request_timeout_s=1.0) as client:
        yield client


def body(rows: int = 3, padding: int = 0) -> memoryview:
    columns: dict[str, Any] = {"time": list(range(rows)), "car_number": list(range(rows))}
    if padding:
        columns["padding"] = [os.urandom(padding // 2 // rows).hex() for _ in range(rows)]
    return memoryview(msgpack.packb({"m": "pace", "columns": columns}))


async def test_a_body_arrives_whole_in_its_database(client: Client, server: Server) -> None:
    outcome = await client.post(body())
    assert outcome.acknowledged
    assert server.database == DATABASE
    assert server.stored("pace") == 3


async def test_a_heavy_body_is_sent_with_its_length_and_the_buffer_is_free_afterwards(
    client: Client, server: Server
) -> None:
    heavy = bytearray(body(rows=5, padding=5_000_000))
    outcome = await client.post(memoryview(heavy))
    assert outcome.acknowledged
    assert server.writes == [len(heavy)]
    # A bytearray with a view that somebody still holds cannot change its size.
    heavy.clear()
    assert server.stored("pace") == 5


async def test_a_heavy_body_does_not_keep_the_event_loop(client: Client) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    await client.post(body(rows=5, padding=20_000_000))
    beating.cancel()
    # One beat for each chunk is the least.
    assert beats >= 20_000_000 // LARGE_CHUNK_BYTES


@pytest.mark.parametrize("status", [400, 413, 429, 500, 503])
async def test_the_servers_own_words_are_kept(client: Client, server: Server, status: int) -> None:
    server.act = lambda number: Act(store=0, status=status, error="column  'rpm'\nhas 3 values, not 4")
    outcome = await client.post(body())
    assert (outcome.status, outcome.message) == (status, "column 'rpm' has 3 values, not 4")
    assert outcome.reached


async def test_a_reset_connection_is_an_unclear_end(client: Client, server: Server) -> None:
    server.act = lambda number: Act(store=1, status=None)
    outcome = await client.post(body())
    assert outcome.status is None
    assert outcome.unclear


async def test_a_connection_closed_without_an_answer_is_an_unclear_end(
    client: Client, server: Server
) -> None:
    server.act = lambda number: Act(store=0, close=True)
    outcome = await client.post(body())
    assert outcome.status is None
    assert outcome.unclear


async def test_a_post_is_never_repeated_behind_the_callers_back(client: Client, server: Server) -> None:
    await client.post(body())
    server.act = lambda number: Act(store=1, status=None)
    await client.post(body())
    assert len(server.writes) == 2


async def test_no_answer_in_time_is_an_unclear_end(server: Server) -> None:
    server.act = lambda number: Act(delay_s=5)
    async with Client(server.url, TOKEN, request_timeout_s=0.2) as client:
        outcome = await client.post(body())
    assert outcome.message == "no answer in 0.2 s"
    assert outcome.unclear


async def test_a_server_that_is_away_was_never_reached(dead_port: int) -> None:
    async with Client(f"http://127.0.0.1:{dead_port}", TOKEN) as client:
        outcome = await client.post(body())
    assert not outcome.reached
    assert not outcome.unclear
    assert outcome.message == "Connection refused"


async def test_a_name_that_is_not_found_was_never_reached() -> None:
    async with Client("http://nowhere.invalid:8000", TOKEN) as client:
        outcome = await client.post(body())
    assert not outcome.reached
    assert "nowhere.invalid" in outcome.message


async def test_a_server_without_tls_was_never_reached_by_https(server: Server) -> None:
    async with Client(server.url.replace("http:", "https:"), TOKEN) as client:
        outcome = await client.post(body())
    assert not outcome.reached
    assert outcome.message


@pytest.mark.parametrize("ends_by", ["time-out", "cancel"])
async def test_a_cut_request_sends_nothing_more_from_its_buffer(ends_by: str) -> None:
    """A buffer is filled anew after a failed request; a late reader must not get the new rows."""
    got = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        loop = asyncio.get_running_loop()
        data = bytearray(b"a" * 30_000_000)
        async with Client(f"http://127.0.0.1:{port}", TOKEN, request_timeout_s=0.5) as client:
            sending = asyncio.create_task(client.post(memoryview(data)))
            connection, _ = await loop.sock_accept(listener)
            with connection:
                if ends_by == "time-out":
                    outcome = await sending
                    assert outcome.unclear
                else:
                    await asyncio.sleep(0.2)
                    sending.cancel()
                    await asyncio.wait({sending})
                data[:] = b"b" * len(data)
                try:
                    while chunk := await asyncio.wait_for(loop.sock_recv(connection, 2**20), 5):
                        got += chunk
                except ConnectionResetError:
                    pass
    assert b"a" in got
    assert b"b" not in got[got.index(b"\r\n\r\n") :]
    assert len(got) < len(data)


async def test_ready_at_once_says_nothing(client: Client) -> None:
    told: list[str] = []
    await client.wait_ready(1.0, told.append)
    assert told == []


async def test_a_server_that_comes_up_late_is_waited_for(server: Server) -> None:
    told: list[str] = []
    url = server.url
    await server.stop()
    async with Client(url, TOKEN) as client:
        waiting = asyncio.create_task(client.wait_ready(5.0, told.append))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await server.start()
        await waiting
    assert len(told) == 1
    assert told[0].startswith(f"Waiting for {url} to be ready (5 s left): ")


async def test_a_server_that_is_up_but_not_ready_is_waited_for(client: Client, server: Server) -> None:
    server.ready_status = 503
    with pytest.raises(ServerError, match=r"No server is ready at .* after 0\.3 s \(503"):
        await client.wait_ready(0.3)
    server.ready_status = 200
    await client.wait_ready(0.3)


async def test_a_server_that_stays_away_names_the_next_action(dead_port: int) -> None:
    async with Client(f"http://127.0.0.1:{dead_port}", TOKEN) as client:
        with pytest.raises(ServerError, match=r"Start it, or give its address with --url"):
            await client.wait_ready(0.3)


async def test_a_server_that_accepts_and_never_answers_is_not_waited_for_longer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN) as client:
            start = time.monotonic()
            with pytest.raises(ServerError, match="no answer in"):
                await client.wait_ready(0.4)
            assert time.monotonic() - start < 5


async def test_access_is_proved_with_one_request_that_stores_nothing(client: Client, server: Server) -> None:
    await client.check_access()
    assert (server.empty_writes, server.writes, server.rows) == (1, [], [])
    assert server.requests == 1


@pytest.mark.parametrize(("status", "says"), [(401, "does not know"), (403, "may not write")])
async def test_a_refused_token_is_told_after_one_request(server: Server, status: int, says: str) -> None:
    other = "another-token-that-is-quite-long-enough"
    server.tokens[other] = status
    async with Client(server.url, other) as client:
        with pytest.raises(TokenRefused, match=says) as caught:
            await client.check_access()
    assert other not in str(caught.value)
    assert server.requests == 1


async def test_something_that_is_not_arc_is_told_apart() -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        async with Client(url, TOKEN) as client:
            with pytest.raises(ServerError, match=r"does not take rows \(404 hi\)"):
                await client.check_access()
            with pytest.raises(QueryError):
                await client.stats()


async def test_the_row_counters_are_read(client: Client, server: Server) -> None:
    server.backlog = lambda accepted: 2
    await client.post(body(rows=7))
    stored = await client.stats()
    assert stored == Stored(buffered=7, written=5)
    assert stored.backlog == 2


async def test_a_query_gives_columns_rows_and_times(client: Client) -> None:
    await client.post(body(rows=4))
    answer = await client.query(
        f"SELECT car_number, COUNT(*) AS n FROM {DATABASE}.pace GROUP BY 1 ORDER BY 1"
    )
    assert answer.columns == ("car_number", "n")
    assert answer.rows == ((0, 1), (1, 1), (2, 1), (3, 1))
    assert answer.server_s == 0.0015
    assert answer.elapsed_s > 0


async def test_a_database_in_the_header_takes_bare_names(client: Client) -> None:
    await client.post(body(rows=4))
    answer = await client.query("SELECT COUNT(*) FROM pace", database=DATABASE)
    assert answer.rows == ((4,),)


async def test_a_table_without_data_has_no_rows(client: Client) -> None:
    assert await client.count("pace") == 0
    await client.post(body(rows=4))
    assert await client.count("pace") == 4
    assert await client.count("pace", "car_number >= 1") == 3


async def test_a_database_with_a_hyphen_is_asked_by_header(server: Server) -> None:
    async with Client(server.url, TOKEN, database="race-day") as client:
        await client.post(body(rows=4))
        assert await client.count("pace") == 4
    assert server.queries == ["SELECT COUNT(*) FROM pace"]


async def test_a_question_that_the_server_cannot_answer_is_an_error(client: Client, server: Server) -> None:
    await client.post(body())
    with pytest.raises(ServerError, match="syntax error"):
        await client.query("SELEKT 1")
    with pytest.raises(QueryError, match=r"db\.table is not allowed"):
        await client.query(f"SELECT 1 FROM {DATABASE}.pace", database=DATABASE)


async def test_a_refused_flush_is_no_error(client: Client, server: Server) -> None:
    assert await client.flush()
    server.flush_status = 403
    assert not await client.flush()


def test_the_token_is_in_no_repr(server_settings: StreamSettings) -> None:
    client = Client.of(server_settings)
    for text in (repr(client), str(client), repr(server_settings)):
        assert TOKEN not in text


async def test_a_server_that_repeats_the_token_does_not_get_it_into_a_message(
    client: Client, server: Server
) -> None:
    server.act = lambda number: Act(store=0, status=500, error=f"no such token: {TOKEN}")
    outcome = await client.post(body())
    assert outcome.message == "no such token: ***"


@pytest.fixture
def server_settings() -> StreamSettings:
    return StreamSettings(
        url="http://127.0.0.1:1",
        database=DATABASE,
        rate=1,
        workers=1,
        pregenerate_batches=1,
        token=TOKEN,
    )
