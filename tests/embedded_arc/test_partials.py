"""Aggregates kept file by file: the same answers as DuckDB gives to the query as it stands, and less work."""

from __future__ import annotations

import time

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_arc.payload import PayloadReader
from embedded_arc.prepared import prepared
from tests.embedded_arc.sealed import FILES, ROWS, SINCE, T0_S, Bench

TAKEN_APART = [
    "SELECT car, count(*), count(speed), sum(rpm), sum(speed), avg(speed), avg(rpm), min(speed), max(rpm) FROM db.t GROUP BY car ORDER BY car",
    f"SELECT car, driver, AVG(speed) AS a FROM db.t WHERE {SINCE} GROUP BY car, driver ORDER BY a DESC LIMIT 3",
    f"SELECT car, ANY_VALUE(driver) AS driver, lap, ROUND(AVG((speed + rpm) / 2.0), 1) AS m FROM db.t WHERE car = 2 AND {SINCE} GROUP BY car, lap ORDER BY lap DESC LIMIT 50",
    f"SELECT driver, MAX(ABS(speed)) AS m, ROUND(AVG(ABS(speed)), 2) FROM db.t WHERE {SINCE} AND rpm > 5000 GROUP BY driver ORDER BY m DESC NULLS LAST",
    f"SELECT count(*) AS n, max(speed) FROM db.t WHERE {SINCE}",
    f"SELECT to_timestamp(floor(epoch(time) / 5) * 5) AS bucket, avg(speed) AS v FROM db.t WHERE {SINCE} GROUP BY bucket ORDER BY bucket",
    f"SELECT time_bucket(INTERVAL '7 seconds', time) AS bucket, car, max(rpm) FROM db.t WHERE {SINCE} GROUP BY 1, 2 ORDER BY 1, 2",
    f"SELECT lap, pit, count(*) FILTER (WHERE speed > 180) AS fast, count(*) FROM db.t WHERE {SINCE} GROUP BY ALL ORDER BY ALL",
    f"SELECT car % 2 AS odd, sum(rpm) / count(*) AS r FROM db.t WHERE {SINCE} GROUP BY odd HAVING count(*) > 10 ORDER BY count(*), odd",
    f"SELECT t.car AS car, MAX(db_t.rpm) FROM db.t AS db_t WHERE db_t.time > to_timestamp({T0_S + 11}) GROUP BY db_t.car ORDER BY 1".replace(
        "t.car AS", "db_t.car AS"
    ),
    "SELECT max(rpm) FROM db.t WHERE time BETWEEN '2025-06-01T12:00:05Z' AND '2025-06-01 12:00:45'",
    f"SELECT max(rpm), min(rpm) FROM db.t WHERE to_timestamp({T0_S + 9}) < time AND time <= to_timestamp({T0_S + 45})",
    "SELECT CASE WHEN speed > 180 THEN 'fast' WHEN speed IS NULL THEN 'none' ELSE 'slow' END AS s, count(*) FROM db.t GROUP BY s ORDER BY s",
    "SELECT coalesce(driver, 'nobody') AS d, mean(speed) FROM db.t WHERE driver IN ('Driver 1', 'Driver 2') OR driver IS NULL GROUP BY d ORDER BY d",
    "SELECT CAR, Max(RPM) AS MAX_RPM FROM db.t GROUP BY car ORDER BY max_rpm DESC, car",
    "SELECT max(rpm) - min(rpm) AS span, 1 AS one FROM db.t",
    "SELECT car, max(time), min(time) FROM db.t GROUP BY car ORDER BY car",
    f"SELECT count(*) FROM db.t WHERE {SINCE} AND speed > 1000",
    f"SELECT car, count(*) FROM db.t WHERE {SINCE} AND speed > 1000 GROUP BY car",
    "SELECT count(*) FROM db.t WHERE time > now() - INTERVAL '36500 days'",
    "SELECT car, count(DISTINCT lap), count(*) FROM db.t GROUP BY car ORDER BY car",
    f"SELECT driver, COUNT(DISTINCT car) AS cars, ROUND(AVG(speed), 1), COUNT(*) FROM db.t WHERE {SINCE} GROUP BY driver ORDER BY driver",
    f"SELECT count(DISTINCT driver), count(DISTINCT rpm % 7), count(DISTINCT driver) + 1 FROM db.t WHERE {SINCE}",
    "SELECT driver, max(rpm), count(DISTINCT lap) FROM db.t WHERE driver > 'Driver 1' GROUP BY driver ORDER BY driver",
    "SELECT driver, max(speed) AS m FROM db.t WHERE time >= '2025-06-01T12:00:55Z' GROUP BY driver ORDER BY m",
    "SELECT lower(driver) AS d, driver, count(*) FROM db.t WHERE time >= '2025-06-01T12:00:55Z' GROUP BY ALL ORDER BY ALL",
    # Only a part of one file is read.
    "SELECT car, max(speed) FROM db.t WHERE time >= '2025-06-01T12:00:55Z' GROUP BY car ORDER BY car",
    f"SELECT rpm // 1000 AS k, count(*) AS n FROM db.t WHERE {SINCE} GROUP BY k ORDER BY n DESC, k LIMIT 3 OFFSET 1",
]


@pytest.mark.parametrize("sql", TAKEN_APART)
def test_kept_pieces_give_the_answer_of_the_query_as_it_stands(shared: Bench, sql: str) -> None:
    expected = shared.plain(sql)
    assert shared.kept(sql) == expected
    assert shared.kept(sql) == expected


LEFT_ALONE = [
    "SELECT car, speed FROM db.t ORDER BY time DESC LIMIT 5",
    "SELECT car, quantile_cont(speed, 0.5) FROM db.t GROUP BY car",
    "SELECT car, count(DISTINCT lap) FILTER (WHERE pit) FROM db.t GROUP BY car",
    "SELECT car, sum(DISTINCT lap) FROM db.t GROUP BY car",
    "SELECT car, sum(speed ORDER BY time) FROM db.t GROUP BY car",
    "SELECT car, max(speed, 2) FROM db.t GROUP BY car",
    "SELECT DISTINCT car, max(speed) FROM db.t GROUP BY car",
    "SELECT car, max(speed) OVER () FROM db.t",
    "SELECT car, max(speed) FROM db.t GROUP BY car QUALIFY row_number() OVER () = 1",
    "SELECT car, lap, max(speed) FROM db.t GROUP BY ROLLUP (car, lap)",
    "SELECT car, max(rpm) FROM db.t GROUP BY car, lap HAVING lap > 1 AND random() < 2",
    "SELECT max(epoch(now()) - epoch(time)) FROM db.t",
    "SELECT max(speed) FROM db.t WHERE random() < 0.5",
    "SELECT max(speed) FROM db.t WHERE speed < (SELECT avg(speed) FROM db.t)",
    "SELECT max(a.speed) FROM db.t a JOIN db.t b ON a.time = b.time",
    "WITH x AS (SELECT * FROM db.t) SELECT max(speed) FROM x",
    "SELECT max(speed) FROM db.t TABLESAMPLE 10%",
    "SELECT max(speed) AS m, m + 1 FROM db.t",
    "SELECT max(x) FROM db.t AS y(time, x)",
    "SELECT max(COLUMNS('rpm|lap')) FROM db.t",
    "SELECT max(list_transform([speed], x -> x + 1)[1]) FROM db.t",
    "SELECT max(speed) FROM db.t WHERE time >= '2030-01-01'",
    "DESCRIBE SELECT max(speed) FROM db.t",
    "SELECT max(speed) FROM db.t UNION ALL SELECT min(speed) FROM db.t",
]


@pytest.mark.parametrize("sql", LEFT_ALONE)
def test_other_queries_are_left_alone(shared: Bench, sql: str) -> None:
    assert shared.shorter(sql) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(
        st.sampled_from(["car", "driver", "lap", "pit", "rpm // 2000", "floor(epoch(time) / 4)"]),
        max_size=3,
        unique=True,
    ),
    values=st.lists(
        st.tuples(
            st.sampled_from(["sum", "avg", "min", "max", "count", "count_distinct"]),
            st.sampled_from(["speed", "rpm", "abs(speed - 180)", "time", "lap"]),
        ).filter(lambda pair: pair[1] != "time" or pair[0] not in ("sum", "avg")),
        min_size=1,
        max_size=4,
    ),
    low=st.floats(-5, 65),
    length=st.floats(0, 70),
    condition=st.sampled_from(
        ["", " AND speed > 190", " AND driver = 'Driver 3'", " AND pit", " AND NOT (rpm < 4000 OR lap = 2)"]
    ),
)
def test_any_window_groups_and_aggregates(
    shared: Bench, groups: list[str], values: list[tuple[str, str]], low: float, length: float, condition: str
) -> None:
    calls = [
        (name.replace("count_distinct", "count"), "DISTINCT " * (name == "count_distinct"), column)
        for name, column in values
    ]
    cells = [*groups, *(f"{name}({distinct}{column})" for name, distinct, column in calls)]
    window = f"time >= to_timestamp({T0_S + low:.3f}) AND time < to_timestamp({T0_S + low + length:.3f})"
    by = (
        f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(str(i + 1) for i in range(len(groups)))}"
        if groups
        else ""
    )
    sql = f"SELECT {', '.join(cells)} FROM db.t WHERE {window}{condition}{by}"
    if shared.shorter(sql) is not None:
        assert shared.kept(sql) == shared.plain(sql)


def test_a_file_is_read_once_for_all_windows(bench: Bench) -> None:
    sql = "SELECT car, max(rpm) FROM db.t WHERE time >= to_timestamp({}) GROUP BY car"
    bench.kept(sql.format(T0_S))
    assert bench.partials.hits == 0
    bench.kept(sql.format(T0_S + 15))
    # Of the five sealed files the last three lie in the window whole; what they gave is used again.
    assert bench.partials.hits == 3


def test_a_file_is_read_as_it_is_sealed_for_queries_asked_lately(bench: Bench) -> None:
    sql = "SELECT car, max(rpm) FROM db.t GROUP BY car ORDER BY car"
    bench.kept(sql)
    bench.store.tidy()  # seals the last file
    bench.write(FILES)
    before = bench.partials.hits
    assert bench.kept(sql) == bench.plain(sql)
    assert bench.partials.hits == before + FILES


def test_a_window_shorter_than_a_file_computes_nothing_in_files(bench: Bench) -> None:
    sql = f"SELECT driver, max(rpm) FROM db.t WHERE time >= to_timestamp({T0_S + 12}) AND time < to_timestamp({T0_S + 18}) GROUP BY driver ORDER BY driver"
    assert bench.kept(sql) == bench.plain(sql)
    bench.store.tidy()  # seals the last file
    bench.write(FILES)
    assert bench.kept(sql) == bench.plain(sql)
    assert bench.partials.kept == 0


def test_names_of_columns_are_those_of_the_query_that_asks(bench: Bench) -> None:
    for sql in (
        "SELECT car, max(rpm) FROM db.t GROUP BY car ORDER BY 1",
        "SELECT CAR, MAX(RPM) FROM db.t GROUP BY CAR ORDER BY 1",
    ):
        assert bench.kept(sql) == bench.plain(sql)


def test_new_rows_are_in_the_answer_at_once(bench: Bench) -> None:
    sql = "SELECT count(*) FROM db.t"
    assert bench.kept(sql)[1] == [(FILES * ROWS,)]
    bench.write(FILES)
    assert bench.kept(sql)[1] == [((FILES + 1) * ROWS,)]


def test_deleted_rows_are_not(bench: Bench) -> None:
    sql = "SELECT car, count(*) FROM db.t GROUP BY car ORDER BY car"
    bench.kept(sql)
    deleted, files = bench.store.delete_where("db", "t", "car = 2 AND lap < 3")
    assert (deleted, files) == (4 * ROWS // 5, 4)
    assert bench.kept(sql) == bench.plain(sql)


def test_a_new_column_type_voids_what_was_kept(bench: Bench) -> None:
    sql = "SELECT car, max(rpm) FROM db.t GROUP BY car ORDER BY car"
    bench.kept(sql)
    body = {"m": "t", "columns": {"time": [(T0_S + 99) * 10**6], "car": [1], "rpm": [9999.5]}}
    bench.store.take("db", PayloadReader(lambda: 0).read(msgpack.packb(body)))
    bench.store.flush()
    assert bench.kept(sql) == bench.plain(sql)
    assert (1, 9999.5) in bench.kept(sql)[1]


def test_too_many_groups_are_not_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_arc.partials.MOST_PIECE_ROWS", 100)
    sql = "SELECT time, max(rpm) FROM db.t GROUP BY time"
    assert bench.shorter(sql) is None
    assert bench.shorter(sql) is None
    assert bench.shorter("SELECT car, max(rpm) FROM db.t GROUP BY car") is not None


def test_texts_whose_numbers_differ_from_file_to_file_are_one_group(bench: Bench) -> None:
    body = {
        "m": "t",
        "columns": {"time": [(T0_S + 99) * 10**6] * 3, "driver": ["Driver 3", "new", "Driver 0"]},
    }
    bench.store.take("db", PayloadReader(lambda: 0).read(msgpack.packb(body)))
    bench.store.flush()
    sql = "SELECT driver, count(*), count(DISTINCT car) FROM db.t GROUP BY driver ORDER BY driver"
    assert bench.kept(sql) == bench.plain(sql)
    assert ("new", 1, 0) in bench.kept(sql)[1]


def test_a_column_may_have_the_name_that_numbers_of_texts_get(bench: Bench) -> None:
    body = {"m": "t", "columns": {"time": [(T0_S + 99) * 10**6], "#driver": ["x"], "##DRIVER": ["y"]}}
    bench.store.take("db", PayloadReader(lambda: 0).read(msgpack.packb(body)))
    bench.store.flush()
    sql = 'SELECT driver, "#driver", "##driver", count(*) FROM db.t GROUP BY ALL ORDER BY ALL'
    assert bench.kept(sql) == bench.plain(sql)


def test_a_prepared_question_is_computed_before_it_is_asked(bench: Bench) -> None:
    sql = "SELECT car, max(rpm) FROM db.t GROUP BY car ORDER BY car"
    texts = [
        sql,
        "SELECT count(*) FROM db.other",
        "SELECT v FROM t WHERE time >= $__timeFrom() AND time < $__timeTo() LIMIT 3",
        "SELECT max(rpm) FROM t WHERE car = ${car:raw}",
        "SELECT max(rpm) FROM t WHERE car = $car",
        "SELECT 1",
    ]
    bench.partials.prepare(prepared(bench.store.cursor(), texts))
    bench.store.tidy()  # seals the last file
    deadline = time.monotonic() + 20
    while bench.partials.kept < 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    bench.write(FILES)
    assert bench.kept(sql) == bench.plain(sql)
    assert bench.partials.hits == 1
    found = prepared(bench.store.cursor(), texts)
    assert [(question.database, question.table) for question in found] == [
        ("db", "t"),
        ("db", "other"),
        (None, "t"),
    ]
    assert found[2].reads("db", "t") and not found[2].reads("db", "other")
    assert not found[1].reads("another", "other")
