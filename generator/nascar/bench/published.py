"""The way of the published demo, written from its description, to be measured beside ours.

A pool of batches is made before the clock starts: every value drawn by itself into Python lists, the lists
packed as MessagePack as they are, the bytes squeezed with gzip at level 9. While the clock runs, workers send
the pool round and round. So two costs are told apart: making the rows, and sending rows that were made before,
which is no generation at all, for the same values come again and again with the times of the pool.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from nascar.bench.stages import START_US, Stopwatch, Taken
from nascar.errors import NascarError
from nascar.race.entries import Entry, field, load_entries
from nascar.stream.client import Client
from nascar.telemetry.columns import Column, Kind, Table
from nascar.telemetry.schema import TABLES

GZIP_LEVEL: Final = 9
BATCH_ROWS: Final = 10_000
CARS: Final = 40
POOL_BATCHES: Final = 6
"""The published pool has 500; that many take minutes to make, and sending six in turn costs the same."""
POOL_WORKERS: Final = 8
_DECIMALS: Final = 3
"""What makes this way fastest: with fewer there is more for gzip to find, and level 9 looks for all of it."""
_ANY: Final = (0.0, 1_000.0)
"""Range of a number for which no other is published."""


def make_columns(table: Table, rows: int, random: Random, cars: tuple[Entry, ...]) -> dict[str, list[Any]]:
    """Random values for `rows` rows of `table`, each column a list; the cars take turns."""
    return {column.name: _values(column, rows, random, cars) for column in table.columns}


def make_body(table: Table, rows: int, random: Random, cars: tuple[Entry, ...]) -> bytes:
    """One batch of the pool, ready to be sent."""
    try:
        import msgpack
    except ImportError:
        raise NascarError(
            "The published way packs with msgpack. Install it: pip install 'nascar-telemetry[bench]'."
        ) from None
    columns = make_columns(table, rows, random, cars)
    packed: bytes = msgpack.packb({"m": table.name, "columns": columns})
    return gzip.compress(packed, GZIP_LEVEL)


def measure_making(seconds: float) -> Taken:
    """Messages of a pool in a second of one core: drawing, packing and squeezing."""
    random, cars = Random(1), field(load_entries(), CARS)

    def steps() -> Iterator[int]:
        for table in itertools.cycle(TABLES):
            make_body(table, BATCH_ROWS, random, cars)
            yield BATCH_ROWS

    watch = Stopwatch(seconds)
    watch.run(steps())
    return watch.taken


def make_pool(batches: int = POOL_BATCHES, rows: int = BATCH_ROWS) -> tuple[bytes, ...]:
    """Batches of all tables in turn."""
    random, cars = Random(1), field(load_entries(), CARS)
    return tuple(make_body(TABLES[n % len(TABLES)], rows, random, cars) for n in range(batches))


async def measure_replay(pool: tuple[bytes, ...], rows: int, seconds: float, url: str) -> Taken:
    """What it costs to send a pool again and again; `rows` are those of a batch."""
    async with Client(url, database="ceiling", connections=POOL_WORKERS) as client:
        bodies = itertools.cycle([memoryview(body) for body in pool])
        sent, until = 0, time.perf_counter() + seconds

        async def work() -> None:
            nonlocal sent
            while time.perf_counter() < until:
                outcome = await client.post(next(bodies))
                if not outcome.acknowledged:
                    raise NascarError(f"The null sink did not take all that was sent ({outcome}). Try again.")
                sent += rows

        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(work() for _ in range(POOL_WORKERS)))
        return Taken(sent, time.process_time() - cpu, time.perf_counter() - wall)


def _values(column: Column, rows: int, random: Random, cars: tuple[Entry, ...]) -> list[Any]:
    if column.kind is Kind.TIME:
        # The published times are milliseconds.
        return [START_US // 1000 + row // len(cars) for row in range(rows)]
    if column.sensor is None:
        carried = [getattr(car, column.name) for car in cars]
        return [carried[row % len(cars)] for row in range(rows)]
    least, most = column.range or _ANY
    if column.kind is Kind.INT:
        return [random.randint(int(least), int(most)) for _ in range(rows)]
    return [round(random.uniform(least, most), _DECIMALS) for _ in range(rows)]
