"""Aggregate subqueries in a FROM, answered from what is kept of the files."""

from __future__ import annotations

import duckdb
import pytest

from embedded_arc.nested import unnested
from embedded_arc.sql_tree import parse
from tests.embedded_arc.sealed import SINCE, Bench, answer

NESTED = [
    f"SELECT a.car, max(a.v) FROM (SELECT car, lap, avg(speed) AS v FROM db.t WHERE {SINCE} GROUP BY 1, 2) AS a GROUP BY a.car ORDER BY 1",
    f"SELECT a.car, a.s, b.s FROM (SELECT car, sum(rpm) AS s FROM db.t WHERE {SINCE} GROUP BY car) AS a INNER JOIN (SELECT car, count(*) AS s FROM db.t GROUP BY car) AS b ON a.car = b.car ORDER BY 1",
    f"SELECT p.time, p.car, a.m FROM db.t AS p INNER JOIN (SELECT car, max(rpm) AS m FROM db.t WHERE {SINCE} GROUP BY car) AS a ON a.car = p.car AND a.m = p.rpm ORDER BY 1, 2",
    f"WITH x AS (SELECT driver, n FROM (SELECT driver, count(*) AS n FROM db.t WHERE {SINCE} GROUP BY driver)) SELECT n, count(*) FROM x GROUP BY n ORDER BY n",
    f"SELECT step, n * 100.0 / sum(n) OVER () FROM (SELECT rpm // 1000 AS step, count(*) AS n FROM db.t WHERE {SINCE} GROUP BY 1) AS steps ORDER BY step",
    f"SELECT unnamed_subquery.m FROM (SELECT max(time) AS m FROM db.t WHERE {SINCE}) ORDER BY 1",
    f"SELECT q, w FROM (SELECT car, sum(lap) FROM db.t WHERE {SINCE} GROUP BY car ORDER BY car LIMIT 2) AS a(q, w) ORDER BY q",
    f"SELECT count(*) FROM db.t WHERE rpm > (SELECT max(m) - 9 FROM (SELECT max(rpm) AS m FROM db.t WHERE {SINCE}) AS a)",
    f"SELECT car, m FROM (SELECT car, max(rpm) AS m FROM db.t WHERE {SINCE} GROUP BY car) AS a UNION ALL SELECT 0, min(m) FROM (SELECT min(rpm) AS m FROM db.t) AS b ORDER BY 1, 2",
]


def unnested_sql(bench: Bench, cursor: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    find = bench.store.catalog.find
    return unnested(cursor, bench.partials, parse(cursor, sql), lambda own, name: find(own or "db", name))


@pytest.mark.parametrize("sql", NESTED)
def test_a_subquery_is_answered_from_kept_pieces(shared: Bench, sql: str) -> None:
    for _ in range(2):
        cursor = shared.store.cursor()
        shorter = unnested_sql(shared, cursor, sql)
        assert shorter is not None and "nested_0" in shorter
        assert answer(cursor.execute(shorter)) == shared.plain(sql)


@pytest.mark.parametrize(
    "sql",
    [
        # A name of a WITH is no table.
        "WITH t AS (SELECT 1 AS car, 2 AS rpm) SELECT m FROM (SELECT max(rpm) AS m FROM t) AS a",
        "SELECT m FROM (SELECT max(rpm) AS m FROM db.other) AS a",
        "SELECT a.speed FROM (SELECT speed FROM db.t) AS a",
        "SELECT b.m FROM db.t AS o, LATERAL (SELECT max(rpm) AS m FROM db.t WHERE car = o.car) AS b",
        "SELECT count(*) FROM db.t",
    ],
)
def test_other_subqueries_are_left_alone(shared: Bench, sql: str) -> None:
    assert unnested_sql(shared, shared.store.cursor(), sql) is None
