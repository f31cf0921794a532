"""Writing: body shapes, types, time, names, compression, and how bad bodies are refused."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from typing import Any

import msgpack
import pytest
import zstandard

T0_S = 1_748_779_200
US, MS, NS = T0_S * 10**6, T0_S * 10**3, T0_S * 10**9

Cols = Callable[..., dict[str, Any]]


async def test_rows_are_seen_after_a_flush_and_not_before(arc: Any, cols: Cols) -> None:
    assert await arc.write(cols("t", v=[1, 2])) == (204, b"")
    status, before = await arc.query("SELECT v FROM db.t")
    assert (status, before["columns"], before["data"]) == (200, [], [])
    await arc.flush()
    assert await arc.rows("SELECT v FROM db.t ORDER BY v") == [[1], [2]]


async def test_counters_tell_rows_taken_from_rows_stored(arc: Any, cols: Cols) -> None:
    await arc.write(cols("t", v=[1, 2, 3]))
    _, stats = await arc.send("GET", "/api/v1/write/msgpack/stats")
    assert (stats["buffer"]["total_records_buffered"], stats["buffer"]["total_records_written"]) == (3, 0)
    await arc.flush()
    _, stats = await arc.send("GET", "/api/v1/write/msgpack/stats")
    assert (stats["buffer"]["total_records_buffered"], stats["buffer"]["total_records_written"]) == (3, 3)


ROW = {"m": "t", "t": MS, "h": "a", "fields": {"v": 1.5}}

SHAPES = {
    "columns": ({"m": "t", "columns": {"time": [US], "v": [1.5]}}, [[1.5]]),
    "columns with other keys": ({"m": "t", "zzz": 1, "columns": {"time": [US], "v": [1.5]}}, [[1.5]]),
    "columns before the name": ({"columns": {"time": [US], "v": [1.5]}, "m": "t"}, [[1.5]]),
    "a row": (ROW, [[1.5]]),
    "a batch of rows": ({"batch": [ROW, {**ROW, "fields": {"v": 2.5}}]}, [[1.5], [2.5]]),
    "a batch with bad items": ({"batch": [7, ROW, {"columns": {"v": [1]}}, {}, None]}, [[1.5]]),
    "an array": ([ROW, {"m": "t", "columns": {"time": [US], "v": [2.5]}}], [[1.5], [2.5]]),
    "an array with bad items": ([5, None, ROW, {"m": "t", "columns": {"time": [1], "v": [1, 2]}}], [[1.5]]),
    "compact fields": ({"m": "t", "t": MS, "f": [1.5]}, [[1.5]]),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_all_shapes_of_body(arc: Any, shape: str) -> None:
    body, expected = SHAPES[shape]
    await arc.stored(body)
    column = "field_0" if shape == "compact fields" else "v"
    assert await arc.rows(f"SELECT {column} FROM db.t ORDER BY 1") == expected


async def test_bytes_after_the_first_value_are_ignored(arc: Any, cols: Cols) -> None:
    await arc.stored(msgpack.packb(cols("t", v=[1])) + msgpack.packb(cols("u", v=[2])) + b"\xc1")
    assert await arc.rows("SELECT v FROM db.t") == [[1]]
    assert await arc.rows("SELECT v FROM db.u") == []


async def test_a_row_brings_its_host_and_tags(arc: Any) -> None:
    tags = {"region": "us", "v": "tag", "n": 7}
    await arc.stored({"m": "t", "t": MS, "h": 3, "fields": {"v": 1.5}, "tags": tags})
    assert await arc.rows("SELECT host, region, v, v_value, n FROM db.t") == [
        ["host_3", "us", "tag", 1.5, "7"]
    ]


TYPES: dict[str, tuple[list[Any], str, list[Any]]] = {
    "ints": ([1, -(2**63), 2**63 - 1], "BIGINT", [1, -(2**63), 2**63 - 1]),
    "an int first cuts floats": ([1, 2.9, -2.9], "BIGINT", [1, 2, -2]),
    "a float first takes ints": ([1.5, 2], "DOUBLE", [1.5, 2]),
    "nulls": ([None, 1, None], "BIGINT", [None, 1, None]),
    "null floats": ([None, 1.5], "DOUBLE", [None, 1.5]),
    "texts": (
        ["é→😀", 'a"b\\c', "tab\tnl\n\x01", "", None],
        "VARCHAR",
        ["é→😀", 'a"b\\c', "tab\tnl\n\x01", "", None],
    ),
    "texts with NUL": (["a\0b", "c"], "VARCHAR", ["a\0b", "c"]),
    "long texts": (["x" * 5000, "y"], "VARCHAR", ["x" * 5000, "y"]),
    "bools": ([True, None, False], "BOOLEAN", [True, None, False]),
    "not finite": ([float("nan"), float("inf"), 1.0], "DOUBLE", [None, None, 1]),
}


@pytest.mark.parametrize("case", TYPES)
async def test_a_column_has_the_type_of_its_first_value(arc: Any, cols: Cols, case: str) -> None:
    values, kind, expected = TYPES[case]
    await arc.stored(cols("t", v=values))
    found = await arc.rows("SELECT v, typeof(v) FROM db.t ORDER BY time")
    assert [row[0] for row in found] == expected
    assert {row[1] for row in found} == {kind}


WRONG: dict[str, tuple[list[Any], str]] = {
    "text among ints": ([1, "x"], "cannot convert string to int64 in column 'v'"),
    "int among texts": (["x", 1], "unexpected type in string column 'v': int8"),
    "int among bools": ([True, 1], "unexpected type in bool column 'v': int8"),
    "bool among ints": ([1, True], "cannot convert bool to int64 in column 'v'"),
    "bool among floats": ([1.5, True], "cannot convert bool to float64 in column 'v'"),
    "bytes": ([b"abc"], "unsupported column type for 'v': []uint8"),
    "a list": ([[1]], "unsupported column type for 'v': []interface {}"),
    "a map": ([{"a": 1}], "unsupported column type for 'v': map[string]interface {}"),
    "a timestamp": ([msgpack.Timestamp(T0_S)], "unsupported column type for 'v': time.Time"),
    "an int beyond 63 bits": ([2**63], "cannot convert uint64 to int64 in column 'v'"),
    "a float beyond the ints": ([1, 1e300], "cannot convert float64 to int64 in column 'v'"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_mixed_types_are_refused_and_nothing_is_stored(arc: Any, cols: Cols, case: str) -> None:
    values, text = WRONG[case]
    # A good item before the bad one: Arc stores it, this engine stores all or nothing.
    status, answer = await arc.write([cols("good", v=[1]), cols("t", v=values)])
    assert (status, answer) == (500, {"error": f"Failed to write records: failed to convert columns: {text}"})
    await arc.flush()
    assert (await arc.query("SELECT * FROM db.good"))[1]["columns"] == []


@pytest.mark.parametrize(
    ("first", "unit"),
    [(T0_S, "s"), (MS, "ms"), (US, "us"), (NS, "ns"), (T0_S + 0.75, "float s"), (MS + 0.75, "float ms")],
)
async def test_the_unit_of_time_comes_from_the_first_value(arc: Any, first: float, unit: str) -> None:
    await arc.stored({"m": "t", "columns": {"time": [first], "v": [1]}})
    assert await arc.rows("SELECT time FROM db.t") == [["2025-06-01T12:00:00Z"]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10**10 - 1, "2286-11-20T17:46:39Z"),
        (10**10, "1970-04-26T17:46:40Z"),
        (10**13 - 1, "2286-11-20T17:46:39.999Z"),
        (10**13, "1970-04-26T17:46:40Z"),
        (10**16 - 1, "2286-11-20T17:46:39.999999Z"),
        (10**16, "1970-04-26T17:46:40Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-86_400, "1969-12-31T00:00:00Z"),
        (NS + 1999, "2025-06-01T12:00:00.000001Z"),
    ],
)
async def test_where_one_unit_of_time_ends(arc: Any, value: int, expected: str) -> None:
    await arc.stored({"m": "t", "columns": {"time": [value]}})
    assert await arc.rows("SELECT time FROM db.t") == [[expected]]


async def test_a_missing_time_is_now(arc: Any) -> None:
    await arc.stored({"m": "t", "columns": {"v": [1, 2]}})
    assert await arc.rows("SELECT bool_and(abs(epoch(now()) - epoch(time)) < 60), count(*) FROM db.t") == [
        [True, 2]
    ]


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "Empty payload"),
    "no name": (msgpack.packb({"columns": {"v": [1]}}), "missing required field 'm' (measurement)"),
    "a float for a name": (
        msgpack.packb({"m": 1.5, "columns": {"v": [1]}}),
        "invalid measurement type: float64",
    ),
    "no columns": (
        msgpack.packb({"m": "t", "columns": {}}),
        "columnar format requires non-empty 'columns' dict",
    ),
    "no fields": (msgpack.packb({"m": "t", "t": 1}), "missing required field 'fields' or 'f'"),
    "unequal columns": (
        msgpack.packb({"m": "t", "columns": {"time": [1, 2], "v": [1, 2, 3]}}),
        "columnar format: array length mismatch (expected 2, got 3 for 'v')",
    ),
    "a number": (msgpack.packb(5), "unsupported msgpack payload type: int8"),
    "a text": (msgpack.packb("abc"), "unsupported msgpack payload type: string"),
    "nil": (msgpack.packb(None), "unsupported msgpack payload type: <nil>"),
    "the reserved byte": (
        b"\xc1",
        "failed to unmarshal msgpack: msgpack: unknown code c1 decoding interface{}",
    ),
    "a cut body": (
        msgpack.packb({"m": "t", "columns": {"time": [1, 2, 3]}})[:-2],
        "failed to unmarshal msgpack: EOF",
    ),
    "an unknown extension": (
        msgpack.packb({"m": "t", "columns": {"v": [msgpack.ExtType(9, b"x")]}}),
        "failed to unmarshal msgpack: msgpack: unknown ext id=9",
    ),
    "a text for a time": (
        msgpack.packb({"m": "t", "columns": {"time": ["2025"], "v": [1]}}),
        "failed to normalize timestamps: invalid timestamp type in columnar format: string",
    ),
    "a null time": (
        msgpack.packb({"m": "t", "columns": {"time": [US, None], "v": [1, 2]}}),
        "failed to normalize timestamps: invalid timestamp type at index 1: <nil>",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_bodies_are_refused_in_arcs_words(arc: Any, case: str) -> None:
    body, text = BAD[case]
    prefix = "" if text == "Empty payload" else "Invalid MessagePack payload: "
    assert await arc.write(body) == (400, {"error": prefix + text})


async def test_underscore_columns_and_empty_ones_are_dropped(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1], _id=[2], n=[None]))
    _, answer = await arc.query("SELECT * FROM db.t")
    assert answer["columns"] == ["time", "v"]


async def test_column_names_may_be_anything(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", **{"a b": [1], 'q"q': [2], "select": [3], "V": [4], "v": [5], "é": [6]}))
    _, answer = await arc.query("SELECT * FROM db.t")
    assert answer["columns"] == ["time", "a b", 'q"q', "select", "V", "v_1", "é"]
    assert answer["data"][0][1:] == [1, 2, 3, 4, 5, 6]
    status, _ = await arc.write(cols("t", **{"": [1]}))
    assert status == 400


@pytest.mark.parametrize(
    "name", ["1abc", "a b", "a/b", "../x", "a.b", "_a", "x" * 65, "system", "information_schema"]
)
async def test_database_names_that_are_refused(arc: Any, cols: Cols, name: str) -> None:
    status, answer = await arc.write(cols("t", v=[1]), database=name)
    assert status == 400
    assert answer["error"].startswith("invalid database name: must start with a letter")


@pytest.mark.parametrize("name", ["", "1abc", "a b", "a.b", "a/b", "..", "_a", "x" * 129])
async def test_table_names_that_are_refused(arc: Any, cols: Cols, name: str) -> None:
    status, answer = await arc.write(cols(name, v=[1]))
    assert status == 400
    assert answer["error"].startswith(f'invalid measurement name "{name}": must start with a letter')


async def test_without_a_header_rows_go_to_the_default_database(arc: Any, cols: Cols) -> None:
    assert (await arc.write(cols("t", v=[1]), database=None))[0] == 204
    assert (await arc.write(cols("u", v=[2]), database=""))[0] == 204
    await arc.flush()
    assert await arc.rows("SELECT v FROM t") == [[1]]
    assert await arc.rows("SELECT v FROM default.u") == [[2]]


async def test_a_second_spelling_of_a_name_is_refused(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", v=[1]))
    assert (await arc.write(cols("T", v=[1])))[0] == 400
    assert (await arc.write(cols("t", v=[1]), database="DB"))[0] == 400
    assert (await arc.query("SELECT v FROM db.T"))[1]["data"] == []


def body_of(cols: Cols, table: str = "t") -> bytes:
    packed: bytes = msgpack.packb(cols(table, v=[1, 2]))
    return packed


async def test_compression_is_told_by_the_first_bytes(arc: Any, cols: Cols) -> None:
    streamed = zstandard.ZstdCompressor().compressobj()
    bodies = {
        "gzip": gzip.compress(body_of(cols, "gzip")),
        "zstd": zstandard.compress(body_of(cols, "zstd")),
        "streamed": streamed.compress(body_of(cols, "streamed")) + streamed.flush(),
        "members": gzip.compress(body_of(cols, "members")[:9]) + gzip.compress(body_of(cols, "members")[9:]),
        "frames": zstandard.compress(body_of(cols, "frames")[:9])
        + zstandard.compress(body_of(cols, "frames")[9:]),
    }
    for table, body in bodies.items():
        assert (await arc.write(body))[0] == 204, table
    # The header means nothing, whatever it says.
    assert (await arc.write(body_of(cols, "plain"), headers={"Content-Encoding": "gzip"}))[0] == 204
    assert (await arc.write(gzip.compress(body_of(cols, "named")), headers={"Content-Encoding": "gzip"}))[
        0
    ] == 204
    await arc.flush()
    for table in (*bodies, "plain", "named"):
        assert await arc.rows(f"SELECT count(*), sum(v)::INT FROM db.{table}") == [[2, 3]], table


@pytest.mark.parametrize("cut", [1, 4, 12])
async def test_cut_compression_is_refused(arc: Any, cols: Cols, cut: int) -> None:
    status, answer = await arc.write(gzip.compress(body_of(cols))[:-cut])
    assert (status, answer) == (400, {"error": "Invalid gzip compression: unexpected EOF"})
    status, answer = await arc.write(zstandard.compress(body_of(cols))[:-cut])
    assert status == 400
    assert answer["error"].startswith("Invalid zstd compression: failed to decompress zstd: ")


async def test_broken_compression_is_refused(arc: Any, cols: Cols) -> None:
    packed = bytearray(gzip.compress(body_of(cols)))
    packed[-8] ^= 1
    assert await arc.write(packed) == (400, {"error": "Invalid gzip compression: gzip: invalid checksum"})
    for head in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd"):
        assert (await arc.write(head + b"\0" * 40))[0] == 400


async def test_a_later_request_may_bring_columns_and_types(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", a=[1], v=[1]))
    await arc.stored(cols("t", b=[2], v=[2.5]))
    await arc.stored(cols("t", v=["x"], c=[True]))
    _, answer = await arc.query("SELECT * EXCLUDE time FROM db.t ORDER BY a NULLS LAST, b NULLS LAST")
    assert answer["columns"] == ["a", "v", "b", "c"]
    assert answer["data"] == [[1, "1", None, None], [None, "2.5", 2, None], [None, "x", None, True]]


async def test_new_texts_in_a_column_are_stored_with_the_old_ones(arc: Any, cols: Cols) -> None:
    for turn in range(8):
        await arc.stored(cols("t", d=["same", f"new {turn}"]))
    found = await arc.rows("SELECT d, count(*) FROM db.t GROUP BY d ORDER BY d")
    assert found == [*[[f"new {turn}", 1] for turn in range(8)], ["same", 8]]


async def test_many_different_texts(arc: Any, cols: Cols) -> None:
    await arc.stored(cols("t", d=[f"text {i}" for i in range(10_000)]))
    await arc.stored(cols("t", d=["text 1"]))
    assert await arc.rows("SELECT count(*), count(DISTINCT d) FROM db.t") == [[10_001, 10_000]]


def cell(value: int | float) -> bytes:
    return struct.pack(">Bd", 0xCB, value) if isinstance(value, float) else struct.pack(">Bq", 0xD3, value)


async def test_the_generators_bodies_are_read_as_any_other(arc: Any) -> None:
    """The fast way (fixed cells, repeating texts) gives what `msgpack` gives, whatever the number of rows."""
    for count in (1, 39, 40, 41, 80, 1000, 1013):
        drivers = [f"Driver {i % 40}" for i in range(count)]
        makes = [("Ford", "Ford", "Toyota", "Chevrolet")[(i % 40) % 4] for i in range(count)]
        table = f"t{count}"
        packed = msgpack.packb
        body = b"".join(
            [
                b"\x82" + packed("m") + packed(table) + packed("columns") + b"\x85",
                packed("time")
                + b"\xdc"
                + struct.pack(">H", count)
                + b"".join(cell(US + i) for i in range(count)),
                packed("driver") + packed(drivers),
                packed("make") + packed(makes),
                packed("rpm")
                + b"\xdd"
                + struct.pack(">I", count)
                + b"".join(cell(7000 + i) for i in range(count)),
                packed("speed")
                + b"\xdc"
                + struct.pack(">H", count)
                + b"".join(cell(i / 8) for i in range(count)),
            ]
        )
        await arc.stored(body)
        found = await arc.rows(
            f"SELECT epoch_us(time), driver, make, rpm, speed FROM db.{table} ORDER BY time"
        )
        assert found == [[US + i, drivers[i], makes[i], 7000 + i, i / 8] for i in range(count)]


async def test_texts_that_almost_repeat(arc: Any, cols: Cols) -> None:
    drivers = [f"Driver {i % 40}" for i in range(4000)]
    drivers[3999] = "Someone else"
    drivers[17] = ""
    await arc.stored(cols("t", n=list(range(4000)), d=drivers))
    assert await arc.rows("SELECT d FROM db.t ORDER BY n") == [[driver] for driver in drivers]
