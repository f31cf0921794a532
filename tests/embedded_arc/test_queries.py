"""Queries: answers in Arc's shape and spelling, which database, and what is refused."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

Cols = Callable[..., dict[str, Any]]


async def test_the_shape_of_an_answer(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1, 2]))
    status, answer = await arc.query("SELECT v, 'x' AS s FROM db.t ORDER BY v")
    assert status == 200
    assert list(answer) == ["success", "columns", "data", "row_count", "execution_time_ms", "timestamp"]
    assert (answer["success"], answer["columns"], answer["data"], answer["row_count"]) == (
        True,
        ["v", "s"],
        [[1, "x"], [2, "x"]],
        2,
    )
    assert answer["timestamp"].endswith("Z")


SPELLINGS = {
    "9007199254740993::BIGINT": 9007199254740993,
    "18446744073709551615::UBIGINT": 18446744073709551615,
    "5::HUGEINT": "5",
    "sum(1)": "1",
    "1.50::DECIMAL(10,3)": "1.5",
    "100::DECIMAL(38,0)": "100",
    "-0.5": "-0.5",
    "0.1::DOUBLE + 0.2::DOUBLE": 0.30000000000000004,
    "0.1::FLOAT": 0.10000000149011612,
    "'nan'::DOUBLE": None,
    "'-inf'::DOUBLE": None,
    "NULL": None,
    "true": True,
    "chr(10) || 'q\"\\é😀'": '\nq"\\é😀',
    "DATE '1969-12-31'": "1969-12-31T00:00:00Z",
    "TIME '12:34:56.5'": "12:34:56.500000",
    "TIMESTAMP '2025-06-01 12:00:00'": "2025-06-01T12:00:00Z",
    "TIMESTAMP '2025-06-01 12:00:00.120'": "2025-06-01T12:00:00.12Z",
    "'2025-06-01 12:00:00.123456789'::TIMESTAMP_NS": "2025-06-01T12:00:00.123456789Z",
    "TIMESTAMPTZ '2025-06-01 12:00:00.25+02'": "2025-06-01T10:00:00.25Z",
    "INTERVAL '2 months 3 days'": '{"months":2,"days":3,"nanoseconds":0}',
    "'00000000-0000-0000-0000-000000000001'::UUID": "00000000-0000-0000-0000-000000000001",
    "[1, 2, NULL]": "[1,2,null]",
    "{'a': 1, 'b': 'x'}": '{"a":1,"b":"x"}',
    "MAP {'k': 1}": '[{"key":"k","value":1}]',
    "'a'::ENUM('a', 'b')": "a",
    "current_setting('TimeZone')": "UTC",
    "1/0": None,
}


@pytest.mark.parametrize("sql", SPELLINGS)
async def test_how_values_are_spelled(arc: Any, sql: str) -> None:
    assert await arc.rows(f"SELECT {sql} AS a") == [[SPELLINGS[sql]]]


async def test_floats_have_no_exponent(arc: Any) -> None:
    async with arc.session.post(
        f"{arc.url}/api/v1/query",
        json={"sql": "SELECT 1e20::DOUBLE AS a, 1e-7::DOUBLE AS b, 3.0::DOUBLE AS c, -0.0::DOUBLE AS d"},
        headers={"Authorization": f"Bearer {arc.token}"},
    ) as answer:
        assert '"data":[[100000000000000000000,0.0000001,3,-0]]' in await answer.text()


async def test_columns_of_one_name_and_of_none(arc: Any) -> None:
    _, answer = await arc.query("SELECT 1 AS a, 2 AS a, 1 + 1, count(*)")
    assert (answer["columns"], answer["data"]) == (["a", "a", "(1 + 1)", "count_star()"], [[1, 2, 2, 1]])


async def test_a_table_without_data_is_an_empty_success(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1]))
    for sql in (
        "SELECT count(*) FROM db.missing",
        "SELECT * FROM nodb.t",
        "SELECT * FROM t",
        "SELECT * FROM db.T",
    ):
        status, answer = await arc.query(sql)
        assert (status, answer["success"], answer["columns"], answer["data"], answer["row_count"]) == (
            200,
            True,
            [],
            [],
            0,
        )


async def test_which_database_a_name_belongs_to(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1]), "one")
    await arc.stored(cols("t", v=[2]), "two-b")
    await arc.stored(cols("t", v=[3]), "default")
    assert await arc.rows("SELECT v FROM t") == [[3]]
    assert await arc.rows("SELECT v FROM t", "one") == [[1]]
    assert await arc.rows("SELECT v FROM t", "two-b") == [[2]]
    assert await arc.rows("SELECT v FROM one.t") == [[1]]
    assert await arc.rows('SELECT v FROM "two-b".t') == [[2]]
    assert await arc.rows("SELECT a.v, b.v FROM one.t a INNER JOIN default.t b ON a.v < b.v") == [[1, 3]]
    for header in ("one", "default"):
        status, answer = await arc.query("SELECT v FROM one.t", header)
        assert (status, answer["success"], answer["data"]) == (400, False, None)
        assert answer["error"].startswith("Cross-database queries (db.table syntax) not allowed")
    assert await arc.rows("SELECT a.v FROM t a WHERE a.v = 1", "one") == [[1]]


@pytest.mark.parametrize("header", ["a b", "1abc", "../x", "x" * 129])
async def test_headers_that_name_no_database(arc: Any, header: str) -> None:
    status, answer = await arc.query("SELECT 1", header)
    assert status == 400
    assert answer["error"].startswith("invalid x-arc-database header: ")


DASHBOARD = {
    "WITH r AS (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY time DESC) AS n FROM t) "
    "SELECT k, v FROM r WHERE n = 1 ORDER BY k": [["x", 3], ["y", 2]],
    "WITH t AS (SELECT k FROM t WHERE v > 2) SELECT count(*) FROM t": [[1]],
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT count(*) FROM c, t": [
        [9]
    ],
    "SELECT k FROM t WHERE v = (SELECT max(v) FROM t)": [["x"]],
    "SELECT k FROM t QUALIFY row_number() OVER (ORDER BY v DESC) = 1": [["x"]],
    "SELECT a.k, b.v FROM t a JOIN t b USING (k) ORDER BY ALL": [
        ["x", 1],
        ["x", 1],
        ["x", 3],
        ["x", 3],
        ["y", 2],
    ],
    "SELECT to_timestamp(floor(epoch(time) / 10) * 10) AS b FROM t LIMIT 1": [["2025-06-01T12:00:00Z"]],
    "SELECT v -- a comment with FROM nowhere.x\n FROM t /* ; */ WHERE v = 1 ;": [[1]],
    "SELECT 'FROM db.x; DROP TABLE y' AS a": [["FROM db.x; DROP TABLE y"]],
    "SELECT v FROM t WHERE time >= '2025-06-01T12:00:00.000001Z' AND time < '2025-06-02' ORDER BY v": [
        [2],
        [3],
    ],
    "SELECT EXTRACT(MINUTE FROM time) FROM t LIMIT 1": [[0]],
    "FROM t SELECT max(v)": [[3]],
    "DESCRIBE SELECT v FROM t": [["v", "BIGINT", "YES", None, None, None]],
    "VALUES (1), (2)": [[1], [2]],
}


@pytest.mark.parametrize("sql", DASHBOARD)
async def test_sql_of_dashboards(arc: Any, cols: Cols, sql: str) -> None:
    await arc.stored(cols("t", k=["x", "y", "x"], v=[1, 2, 3]))
    assert await arc.rows(sql, "db") == DASHBOARD[sql]


async def test_explain_reads_and_does_no_more(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1]))
    assert (await arc.query("EXPLAIN SELECT v FROM db.t"))[0] == 200
    assert (await arc.query("EXPLAIN ANALYZE SELECT v FROM db.t"))[0] == 200
    for sql in ("EXPLAIN ANALYZE CREATE SCHEMA x", "EXPLAIN CHECKPOINT", "EXPLAIN EXPLAIN SELECT 1"):
        status, _ = await arc.query(sql)
        assert status in (400, 500)


REFUSED = {
    "": "SQL query is required",
    " \n ": "SQL query is required",
    "-- nothing": "SQL query is required",
    "SELECT 1 AS a" + " " * 9988: "SQL query exceeds maximum length (10000 characters)",
    "SELECT 1; SELECT 2": "Multiple SQL statements are not allowed",
    "DROP TABLE x": "Dangerous SQL operation not allowed",
    "drop /* x */ table x": "Dangerous SQL operation not allowed",
    "COPY (SELECT 1) TO 'x.csv'": "Dangerous SQL operation not allowed",
    "SELECT set FROM x": "Dangerous SQL operation not allowed",
    "PRAGMA version": "Dangerous SQL operation not allowed",
    "CREATE VIEW v AS SELECT 1": "Dangerous SQL operation not allowed",
    "CREATE OR REPLACE TABLE t AS SELECT 1": "Dangerous SQL operation not allowed",
    "CHECKPOINT": "Dangerous SQL operation not allowed",
    "VACUUM": "Dangerous SQL operation not allowed",
    "BEGIN": "Dangerous SQL operation not allowed",
    "USE memory": "Dangerous SQL operation not allowed",
    "EXECUTE x": "Dangerous SQL operation not allowed",
    "SELECT * FROM read_parquet('/etc/passwd')": "File I/O function not allowed in user SQL: read_parquet()",
    "SELECT * FROM READ_CSV ('/etc/passwd')": "File I/O function not allowed in user SQL: READ_CSV()",
    "SELECT * FROM \"read_text\"('x')": "File I/O function not allowed in user SQL: read_text()",
    "SELECT * FROM glob('*')": "File I/O function not allowed in user SQL: glob()",
    "SELECT * FROM query('SELECT 1')": "File I/O function not allowed in user SQL: query()",
    "SELECT e'\\'', * FROM read_text('x')--'": "File I/O function not allowed in user SQL: read_text()",
    "SELECT 1 FROM /* /* */ ' */ read_text/*'*/('x')": "File I/O function not allowed in user SQL: read_text()",
}


@pytest.mark.parametrize("sql", REFUSED)
async def test_refused_sql(arc: Any, sql: str) -> None:
    status, answer = await arc.query(sql)
    assert status == 400
    assert (answer["success"], answer["columns"], answer["data"], answer["row_count"]) == (
        False,
        None,
        None,
        0,
    )
    assert answer["error"] == REFUSED[sql]


ALLOWED = {
    "SELECT 1 AS a ; ; ": 1,
    "SELECT 'a;b' AS a": "a;b",
    "SELECT 1 AS a -- ; DROP TABLE x": 1,
    'SELECT 1 AS "set"': 1,
    "SELECT 1 AS offset_x": 1,
    "SELECT 'read_parquet(' AS a": "read_parquet(",
    "SELECT $$it's; SET$$ AS a": "it's; SET",
    "SELECT 1 AS a" + " " * 9987: 1,
}


@pytest.mark.parametrize("sql", ALLOWED)
async def test_words_that_only_look_dangerous(arc: Any, sql: str) -> None:
    assert await arc.rows(sql) == [[ALLOWED[sql]]]


HOSTILE = [
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '/etc/passwd.csv'",
    'SELECT * FROM "/etc/hosts.parquet"',
    "SELECT getenv('ARC_AUTH_BOOTSTRAP_TOKEN')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM force_checkpoint('#1')",
    "SELECT * FROM enable_logging(storage := 'file')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM query_table('t')",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM engine",
    "SELECT * FROM settings.store",
    "SELECT * FROM sqlite_scan('tokens.json', 'x')",
    "SELECT * FROM read_duckdb('x')",
    "SELECT write_log('x')",
    "SELECT " + "(" * 4000 + "1" + ")" * 4000,
    "SELECT " + "[" * 900 + "1" + "]" * 900,
    "SELECT " + "+".join(["1"] * 4900),
    "\0",
    "SELECT \ud800",
]


async def test_hostile_sql_reaches_nothing_and_the_engine_goes_on(arc: Any, settings: Any) -> None:
    secret = settings.bootstrap_token
    for sql in HOSTILE:
        status, answer = await arc.send(
            "POST",
            "/api/v1/query",
            {"Content-Type": "application/json"},
            data=json.dumps({"sql": sql}).encode(),
        )
        assert status in (200, 400, 500), sql
        text = json.dumps(answer)
        assert "root:" not in text and secret not in text, sql
        if status == 200:
            # Nothing but a number, or a table that has no data.
            assert answer["data"] in ([], [[4900]], [[1]]), sql
    assert await arc.rows("SELECT 1") == [[1]]


async def test_settings_and_files_are_out_of_reach(settings: Any) -> None:
    """What the text rules let through, DuckDB itself refuses."""
    from embedded_arc.store import Store, segments_root

    segments_root(settings.data_dir).mkdir(parents=True)
    store = Store(settings)
    cursor = store.cursor()
    (settings.data_dir / "secret.csv").write_text("a\n1\n")
    for sql in (
        f"SELECT * FROM '{settings.data_dir}/secret.csv'",
        f"SELECT * FROM read_text('{settings.data_dir}/secret.csv')",
        "SET enable_external_access = true",
        "SET GLOBAL memory_limit = '1TB'",
        "SET allowed_directories = ['/']",
        f"ATTACH '{settings.data_dir}/x.duckdb'",
        f"COPY (SELECT 1) TO '{settings.data_dir}/x.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM settings",
    ):
        with pytest.raises(
            Exception, match=r"Permission|locked|does not exist|disabled|not allowed|IO Error|HTTP"
        ):
            cursor.execute(sql).fetchall()
    cursor.close()
    store.close()


async def test_duckdbs_own_message_comes_with_500(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1]))
    for sql, text in {
        "SELEC 1": 'arrow query failed: Parser Error: syntax error at or near "SELEC"',
        "SELECT nope FROM db.t": 'arrow query failed: Binder Error: Referenced column "nope" not found',
        "SELECT CAST(s AS INT) FROM (VALUES ('1'), ('x')) t(s)": "arrow query failed: Conversion Error",
        "SELECT error('boom')": "arrow query failed: Invalid Input Error: boom",
    }.items():
        status, answer = await arc.query(sql)
        assert (status, answer["success"]) == (500, False)
        assert answer["error"].startswith(text)


JSON_BODIES = {
    b"SELECT 1": "Invalid request body: invalid character 'S' looking for beginning of value",
    b"": "Invalid request body: unexpected end of JSON input",
    b"{": "Invalid request body: unexpected end of JSON input",
    b"[]": "Invalid request body: json: cannot unmarshal array into Go value",
    b'{"sql":"SELECT 1"} x': "Invalid request body: invalid character 'x' after top-level value",
    b'{"sql":5}': "Invalid request body: json: cannot unmarshal number into Go struct field QueryRequest.sql "
    "of type string",
    b"{}": "SQL query is required",
    b'{"sql":null}': "SQL query is required",
}


@pytest.mark.parametrize("body", JSON_BODIES)
async def test_bodies_that_are_no_query(arc: Any, body: bytes) -> None:
    status, answer = await arc.send("POST", "/api/v1/query", {"Content-Type": "application/json"}, data=body)
    assert (status, answer["error"]) == (400, JSON_BODIES[body])


async def test_other_ways_to_bring_the_query(arc: Any) -> None:
    good = {"Content-Type": "application/json; charset=utf-8"}
    assert (await arc.send("POST", "/api/v1/query/", good, data=b'{"SQL":"SELECT 1 AS a"}'))[0] == 200
    assert (await arc.send("POST", "/api/v1/query", data={"sql": "SELECT 1 AS a"}))[0] == 200
    status, answer = await arc.send("POST", "/api/v1/query", {"Content-Type": "text/plain"}, data=b"{}")
    assert (status, answer["error"]) == (400, "Invalid request body: Unprocessable Entity")


async def test_show_databases_and_tables(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1]), "b")
    await arc.stored(cols("u", v=[1]), "a")
    assert await arc.rows("/* x */ show  databases ;") == [["a"], ["b"]]
    _, answer = await arc.query("SHOW TABLES FROM b")
    assert answer["columns"] == ["database", "table_name", "storage_path", "file_count", "total_size_mb"]
    assert [row[:2] for row in answer["data"]] == [["b", "t"]]
    assert [row[1] for row in await arc.rows("SHOW TABLES", "a")] == ["u"]
    assert await arc.rows("SHOW TABLES FROM missing") == []
    assert (await arc.query("SHOW TABLES FROM .."))[0] == 400


async def test_arrow_answers(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1, 2], d=["a", "b"]))
    status, body = await arc.send(
        "POST", "/api/v1/query/arrow", json={"sql": "SELECT v, d FROM db.t ORDER BY v"}
    )
    assert status == 200
    table = pa.ipc.open_stream(io.BytesIO(body)).read_all()
    assert table.to_pylist() == [{"v": 1, "d": "a"}, {"v": 2, "d": "b"}]
    status, answer = await arc.send("POST", "/api/v1/query/arrow", json={"sql": "SELECT v FROM db.missing"})
    assert (status, answer["success"]) == (500, False)


async def test_a_long_query_is_ended_and_others_go_on_beside_it(engine: Any, settings: Any) -> None:
    slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
    async with engine(replace(settings, query_timeout_s=1.0)) as arc:
        long = asyncio.create_task(arc.query(slow))
        await asyncio.sleep(0.2)
        assert await arc.rows("SELECT 1") == [[1]]
        assert not long.done()
        status, answer = await long
        assert (status, answer["success"], answer["error"]) == (504, False, "Query timed out")
        assert await arc.rows("SELECT 2") == [[2]]


async def test_an_answer_that_is_too_large_is_refused(engine: Any, settings: Any) -> None:
    async with engine(replace(settings, result_limit_bytes=100_000)) as arc:
        status, answer = await arc.query("SELECT i, repeat('x', 100) FROM range(1000000000) t(i)")
        assert status == 500
        assert answer["error"] == "The result is larger than 100,000 bytes. Add a LIMIT."
        assert len(await arc.rows("SELECT i FROM range(5000) t(i)")) == 5000


async def test_memory_of_a_query_is_bounded(engine: Any, settings: Any) -> None:
    async with engine(replace(settings, memory_limit="100MB")) as arc:
        status, answer = await arc.query(
            "SELECT max(len(s)) FROM (SELECT string_agg(repeat('x', 100000), '') s FROM range(100000))"
        )
        assert status == 500
        assert "Out of Memory" in answer["error"]
        assert await arc.rows("SELECT 1") == [[1]]
