"""Databases, deleting rows, metrics, and the client library from PyPI, which knows nothing of this engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from arc_client import AsyncArcClient
from arc_client.exceptions import ArcAuthenticationError, ArcError, ArcQueryError

Cols = Callable[..., dict[str, Any]]


async def test_databases_come_and_go(arc: Any, cols: Cols) -> None:
    path = "/api/v1/databases"
    assert await arc.send("GET", path) == (200, {"databases": [], "count": 0})
    status, made = await arc.send("POST", path, json={"name": "made"})
    assert (status, made["name"], made["measurement_count"]) == (201, "made", 0)
    assert await arc.send("POST", path, json={"name": "made"}) == (
        409,
        {"error": "Database 'made' already exists"},
    )
    assert await arc.send("POST", path, json={}) == (400, {"error": "Database name is required"})
    assert await arc.send("POST", path, json={"name": "system"}) == (
        400,
        {"error": "Database name 'system' is reserved"},
    )
    assert (await arc.send("POST", path, json={"name": "1x"}))[0] == 400
    assert (await arc.send("POST", path, json={"name": "MADE"}))[0] == 400
    await arc.stored(cols("t", v=[1]), "made")
    assert await arc.send("GET", f"{path}/made") == (200, {"name": "made", "measurement_count": 1})
    assert await arc.send("GET", f"{path}/made/measurements") == (
        200,
        {"database": "made", "measurements": [{"name": "t"}], "count": 1},
    )
    assert (await arc.send("DELETE", f"{path}/made"))[0] == 400
    await arc.write(cols("t", v=[2]), "made")
    status, gone = await arc.send("DELETE", f"{path}/made?confirm=true")
    assert (status, gone["files_deleted"]) == (200, 1)
    assert await arc.send("GET", f"{path}/made") == (404, {"error": "Database 'made' not found"})
    await arc.flush()
    assert (await arc.query("SELECT * FROM made.t"))[1]["columns"] == []


async def test_deleting_rows(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1, 2, 3, 4], d=["a", "b", "a", None]))
    await arc.stored(cols("t", w=[9]))

    async def delete(where: object, **given: Any) -> tuple[int, Any]:
        wanted = {"database": "db", "measurement": "t", "where": where, **given}
        status, answer = await arc.send("POST", "/api/v1/delete", json=wanted)
        return status, answer

    assert (await delete("v = 1"))[1]["error"].startswith("Confirmation required")
    assert (await delete("1=1"))[1]["error"].startswith("Full table delete detected")
    for where in (
        None,
        "",
        "v = 1; DROP TABLE t",
        "v = 1 -- x",
        "v = 1) OR (1 = 1",
        "v =",
        "v = 1 UNION SELECT 1",
    ):
        status, answer = await delete(where, confirm=True)
        assert (status, answer["success"], answer["deleted_count"]) == (400, False, 0), where
    status, answer = await delete("nope = 1", confirm=True)
    assert (status, answer["success"]) == (400, False)
    status, answer = await delete("d = 'a'", dry_run=True)
    assert (status, answer["deleted_count"], answer["affected_files"], answer["rewritten_files"]) == (
        200,
        2,
        1,
        0,
    )
    assert len(await arc.rows("SELECT * FROM db.t")) == 5
    status, answer = await delete("d = 'a'", confirm=True)
    assert (status, answer["deleted_count"], answer["affected_files"], answer["rewritten_files"]) == (
        200,
        2,
        1,
        1,
    )
    assert await arc.rows("SELECT v, w FROM db.t ORDER BY v NULLS LAST") == [[2, None], [4, None], [None, 9]]
    assert (await delete("WHERE w IS NULL", confirm=True))[1]["deleted_count"] == 2
    assert (await delete("1=1", confirm=True))[1]["deleted_count"] == 1
    assert await arc.rows("SELECT * FROM db.t") == []
    await arc.stored(cols("t", v=[7]))
    assert await arc.rows("SELECT v FROM db.t") == [[7]]
    assert (
        await arc.send(
            "POST", "/api/v1/delete", json={"database": "../x", "measurement": "t", "where": "1=1"}
        )
    )[0] == 400


async def test_metrics_are_prometheus_text_and_count_what_happened(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1, 2]))
    await arc.write(b"\xc1")
    await arc.query("SELECT 1")
    await arc.query("SELEC")
    status, text = await arc.as_(None).send("GET", "/metrics")
    values = dict(line.split(" ") for line in text.decode().splitlines() if not line.startswith("#"))
    assert status == 200
    for name, value in {
        "arc_ingest_records_total": 1,
        "arc_ingest_errors_total": 1,
        "arc_rows_written_total": 2,
        "arc_buffer_flush_failures_total": 0,
        "arc_storage_writes_total": 1,
        "arc_query_requests_total": 2,
        "arc_query_errors_total": 1,
    }.items():
        assert float(values[name]) == value, name
    assert float(values["arc_ingest_bytes_total"]) > 30
    _, found = await arc.as_(None).send("GET", "/metrics", {"Accept": "application/json"})
    assert found["rows_written_total"] == 2


@pytest.fixture
async def library(arc: Any) -> Any:
    port = int(arc.url.rsplit(":", 1)[1])
    async with AsyncArcClient(host="127.0.0.1", port=port, token=arc.token, database="race") as made:
        yield made


async def test_the_client_library_writes_and_reads(arc: Any, library: Any) -> None:
    await library.write.write_columnar(
        measurement="cpu",
        columns={
            "time": [1_748_779_200_000_000, 1_748_779_200_000_001],
            "host": ["a", "b"],
            "usage": [45.2, 67.8],
        },
    )
    await library.write.write_records(
        [
            {"measurement": "rows", "time": 1_748_779_200_000, "fields": {"v": 1.5}, "tags": {"host": "a"}},
            {"measurement": "rows", "time": 1_748_779_201_000, "fields": {"v": 2.5}, "tags": {"host": "b"}},
        ]
    )
    await arc.flush()
    found = await library.query.query("SELECT host, usage FROM cpu ORDER BY time")
    assert (found.success, found.columns, found.data) == (True, ["host", "usage"], [["a", 45.2], ["b", 67.8]])
    assert (await library.query.query("SELECT v FROM rows ORDER BY time")).data == [[1.5], [2.5]]
    table = await library.query.query_arrow("SELECT host, usage FROM cpu ORDER BY time")
    assert table.to_pydict() == {"host": ["a", "b"], "usage": [45.2, 67.8]}
    assert await library.query.list_databases() == ["race"]
    assert [row[1] for row in (await library.query.show_tables("race")).data] == ["cpu", "rows"]
    assert sorted(m.measurement for m in await library.query.list_measurements("race")) == ["cpu", "rows"]
    estimate = await library.query.estimate("SELECT * FROM cpu")
    assert (estimate.success, estimate.estimated_rows, estimate.warning_level) == (True, 2, "none")
    with pytest.raises(ArcQueryError, match="Dangerous SQL operation not allowed"):
        await library.query.query("DROP TABLE cpu")


async def test_the_client_library_buffers(arc: Any, library: Any) -> None:
    async with library.write.buffered(batch_size=3, flush_interval=60) as buffer:
        for i in range(10):
            await buffer.write(
                {"measurement": "m", "time": 1_748_779_200_000_000 + i, "fields": {"v": float(i)}}
            )
    await arc.flush()
    assert (await library.query.query("SELECT count(*), sum(v) FROM m")).data == [[10, 45]]


async def test_the_client_library_manages(arc: Any, library: Any) -> None:
    seen = await library.auth.verify()
    assert (seen.valid, seen.permissions) == (True, ["read", "write", "delete", "admin"])
    made = await library.auth.create_token(
        "panel", description="for a panel", permissions=["read"], expires_in="7d"
    )
    assert made.success and made.token
    listed = {token.name: token for token in await library.auth.list_tokens()}
    panel = listed["panel"]
    assert (panel.permissions, panel.enabled, panel.description) == (["read"], True, "for a panel")
    assert panel.expires_at is not None
    await library.auth.update_token(panel.id, permissions=["read", "write"])
    assert (await library.auth.get_token(panel.id)).permissions == ["read", "write"]
    assert await library.auth.rotate_token(panel.id) != made.token
    await library.auth.revoke_token(panel.id)
    assert not (await library.auth.get_token(panel.id)).enabled
    await library.auth.delete_token(panel.id)
    with pytest.raises((ArcAuthenticationError, ArcError)):
        await library.auth.get_token(panel.id)


async def test_the_client_library_deletes(arc: Any, library: Any) -> None:
    await library.write.write_columnar(measurement="m", columns={"time": [1, 2], "v": [1, 2]})
    await arc.flush()
    assert (await library.delete.get_config()).enabled
    assert (await library.delete.delete("race", "m", "v = 1")).deleted_count == 1
    assert (await library.query.query("SELECT count(*) FROM m")).data == [[2]]
    assert (await library.delete.delete("race", "m", "v = 1", dry_run=False, confirm=True)).deleted_count == 1
    assert (await library.query.query("SELECT v FROM m")).data == [[2]]
