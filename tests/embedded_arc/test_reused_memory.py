"""Memory that is used again: what was made in it before is not in what is made in it now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedded_arc.bodies import BodyBuffers
from embedded_arc.columns import Column, Kind, Numbers, Rows, Texts, Words
from embedded_arc.merge import Merger

Cols = Callable[..., dict[str, Any]]


async def test_a_body_does_not_change_the_rows_of_the_one_before(arc: Any, cols: Cols) -> None:
    for turn in range(12):
        count = 2000 if turn % 3 else 50  # longer and shorter bodies by turns
        names = [f"d{i % 7}" for i in range(count)]
        assert (await arc.write(cols("t", turn=[turn] * count, d=names, x=[turn + 0.5] * count)))[0] == 204
    await arc.flush()
    found = await arc.rows(
        "SELECT turn, count(*), min(x), max(x), count(DISTINCT d) FROM db.t GROUP BY 1 ORDER BY 1"
    )
    assert found == [[t, 2000 if t % 3 else 50, t + 0.5, t + 0.5, 7] for t in range(12)]


async def test_a_refused_body_is_not_seen_by_the_next(arc: Any, cols: Cols) -> None:
    for turn in range(20):
        assert (await arc.write(b"\xc1" * 5000))[0] == 400
        await arc.stored(cols("t", turn=[turn]))
    assert await arc.rows("SELECT count(*), sum(turn)::INT FROM db.t") == [[20, 190]]


def test_only_a_few_buffers_are_kept_and_no_large_ones() -> None:
    buffers = BodyBuffers(most=2, largest_bytes=100)
    small = [bytearray(50) for _ in range(3)]
    for body in (bytearray(101), *small):
        buffers.give_back(body)
    taken = [buffers.take() for _ in range(3)]
    assert [id(body) for body in taken[:2]] == [id(small[1]), id(small[0])]
    assert taken[2] == b""


def rows_of(times: list[int], texts: list[str | None], plain: bool, missing: list[bool]) -> Rows:
    known = list(dict.fromkeys(t for t in texts if t is not None))
    codes = np.array([-1 if t is None else known.index(t) for t in texts], dtype=np.int16)
    columns: dict[str, Column] = {
        "time": Numbers(Kind.TIME, np.array(times, dtype=np.int64)),
        "x": Numbers(Kind.FLOAT, np.array(times, dtype=np.float64) / 8, ~np.array(missing, dtype=np.bool_)),
        "b": Numbers(Kind.BOOL, np.array(times) % 2 == 1),
        "d": Texts(texts) if plain else Words(codes, tuple(known)),
    }
    return Rows("t", columns, len(times))


@given(
    flushes=st.lists(
        st.lists(
            st.tuples(st.integers(0, 10**6), st.sampled_from(["a", "b", "c", None]), st.booleans()),
            min_size=1,
            max_size=40,
        ),
        min_size=1,
        max_size=5,
    ),
    cuts=st.integers(1, 4),
    plain=st.booleans(),
)
def test_a_merger_gives_the_rows_it_was_given_whatever_it_made_before(
    flushes: list[list[tuple[int, str | None, bool]]], cuts: int, plain: bool
) -> None:
    merger = Merger()
    for cells in flushes:
        parts = [cells[i::cuts] for i in range(cuts) if cells[i::cuts]]
        batches = [rows_of([c[0] for c in p], [c[1] for c in p], plain, [c[2] for c in p]) for p in parts]
        stored = merger.merged(batches)
        assert stored.count == len(cells)
        assert (stored.first_us, stored.last_us) == (min(c[0] for c in cells), max(c[0] for c in cells))
        found = stored.table.to_pylist()
        seen = [(int(r["time"].timestamp() * 1e6 + 0.5), r["d"], r["x"], r["b"]) for r in found]
        sent = [(t, d, None if gone else t / 8, t % 2 == 1) for t, d, gone in cells]
        assert sorted(seen, key=repr) == sorted(sent, key=repr)
