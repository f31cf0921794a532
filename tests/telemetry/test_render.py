"""The compiled loops write what their source says, and nothing beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.telemetry import moment_loops, render
from nascar.telemetry.columns import Kind
from nascar.telemetry.render import _TO_WHOLE, TAGGED
from nascar.telemetry.sampler import Sampler, prepare
from nascar.telemetry.schema import TABLES

MakeSampler = Callable[..., Sampler]

DIGEST = """
import hashlib
import numpy as np
from tests.telemetry.conftest import FormulaRace, START_US, entries_of
from nascar.telemetry.plan import RowPlan
from nascar.telemetry.sampler import Sampler

digest = hashlib.sha256()
# A lap of four metres: cars cross the line in most ticks; and both ways to weigh a row.
for rate in (200_000, 3_000):
    plan = RowPlan(rate, 7, 210, START_US)
    sampler = Sampler(FormulaRace(7, 4.0), entries_of(7), plan, 3, lap_length_m=4.0)
    for index in (0, 1, 2, 39, 40, 41):
        for tagged in (False, True):
            batch = plan.batch(index)
            columns = sampler.rendered(batch.table)
            memory = np.zeros(9 * batch.rows * len(columns), np.uint8)
            places = np.arange(len(columns)) * (9 if tagged else 8) * batch.rows
            sampler.render(batch, memory, places, is_tagged=tagged)
            digest.update(memory)
print(digest.hexdigest())
"""


def digest(**environment: str) -> str:
    """Of a few rendered batches, in a process of its own."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_compilation_changes_no_bit() -> None:
    assert digest(NUMBA_DISABLE_JIT="1") == digest()


@pytest.mark.parametrize("rate", [612_000, 3_000])
def test_tagged_cells_hold_the_same_numbers_and_nothing_else_is_touched(
    rate: int, make_sampler: MakeSampler
) -> None:
    sampler, plain = make_sampler(rate=rate), make_sampler(rate=rate)
    for index, table in enumerate(TABLES):
        batch = sampler.plan.batch(index)
        columns = sampler.rendered(table)
        # Columns apart from each other and from the ends, in another order.
        width = TAGGED.itemsize * batch.rows + 5
        places = 3 + width * np.arange(len(columns), dtype=np.int64)[::-1].copy()
        memory = np.full(width * len(columns) + 3, 0xA5, np.uint8)
        sampler.render(batch, memory, places, is_tagged=True)
        untouched = np.ones(memory.size, bool)
        numbers = {column.name: values for column, values in plain.numbers(batch)}
        for column, place in zip(columns, places.tolist(), strict=True):
            cells = memory[place : place + TAGGED.itemsize * batch.rows].view(TAGGED)
            assert np.all(cells["tag"] == 0xA5)
            values = cells["bits"].byteswap().view(np.float64 if column.kind is Kind.FLOAT else np.int64)
            np.testing.assert_array_equal(values, numbers[column.name], err_msg=column.name)
            for byte in range(1, TAGGED.itemsize):
                untouched[place + byte : place + TAGGED.itemsize * batch.rows : TAGGED.itemsize] = False
        assert np.all(memory[untouched] == 0xA5)


def test_numbers_once_given_are_not_overwritten(make_sampler: MakeSampler) -> None:
    sampler = make_sampler()
    first = list(sampler.numbers(sampler.plan.batch(0)))
    copies = [values.copy() for _, values in first]
    for index in (3, 6):
        list(sampler.numbers(sampler.plan.batch(index)))
    for (column, values), copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(values, copy, err_msg=column.name)


def test_what_is_prepared_is_what_is_used(make_sampler: MakeSampler) -> None:
    """A second way of compiling the same loop would cost seconds in the midst of a run."""
    prepare()
    for rate in (612_000, 3_000):
        sampler = make_sampler(rate=rate)
        columns = sampler.rendered(TABLES[0])
        memory = np.empty(9 * sampler.plan.batch(0).rows * len(columns), np.uint8)
        sampler.render(sampler.plan.batch(0), memory, np.zeros(len(columns), np.int64), is_tagged=True)
        list(sampler.numbers(sampler.plan.batch(0)))
    loops = (render.render, moment_loops.set_times, moment_loops.set_weights)
    for loop in (*loops, moment_loops.set_dense_weights, moment_loops.cut_runs):
        compiled: Any = loop
        assert len(compiled.signatures) == 1, compiled


@given(st.floats(-(2.0**22), 2.0**22, width=32))
def test_adding_and_taking_away_rounds_as_the_processor_does(reading: float) -> None:
    value = np.float32(reading)
    assert (value + _TO_WHOLE) - _TO_WHOLE == np.rint(value)
