"""Parquet files hold the rows that would be streamed, all of them or no file."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from nascar.errors import NascarError, UsageError
from nascar.race.frames import Frames
from nascar.telemetry.columns import Kind
from nascar.telemetry.export import ROW_GROUP_ROWS, export_parquet
from nascar.telemetry.sampler import Sampler, TimeUnit
from nascar.telemetry.schema import TABLES

MakeSampler = Callable[..., Sampler]
ReadRows = Callable[..., dict[str, dict[str, NDArray[Any]]]]


def test_files_hold_every_row_in_its_type(
    tmp_path: Path, make_sampler: MakeSampler, read_rows: ReadRows
) -> None:
    settings = {"rate": 612_000, "duration_s": 1}
    sampler = make_sampler(**settings)
    target = tmp_path / "new" / "race"
    assert export_parquet(target, sampler, sampler.plan) == {table.name: 204_000 for table in TABLES}
    assert sorted(path.name for path in target.iterdir()) == sorted(f"{t.name}.parquet" for t in TABLES)
    rows = read_rows(make_sampler(**settings))
    types = {
        Kind.TIME: pa.timestamp("us", "UTC"),
        Kind.INT: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.TEXT: pa.string(),
    }
    for table in TABLES:
        stored = pq.read_table(target / f"{table.name}.parquet")
        assert stored.schema.names == [column.name for column in table.columns]
        for column in table.columns:
            values = stored[column.name]
            assert values.type == types[column.kind]
            if column.kind is Kind.TEXT:
                cars = list(sampler.texts(table)[column.name])
                assert values[:80].to_pylist() == cars * 2 and values[-40:].to_pylist() == cars
            else:
                numbers = values.cast(pa.int64()) if column.kind is Kind.TIME else values
                np.testing.assert_array_equal(numbers.to_numpy(), rows[table.name][column.name])


def test_files_are_written_in_row_groups(tmp_path: Path, make_sampler: MakeSampler) -> None:
    sampler = make_sampler(rate=1_200_000, duration_s=1)
    export_parquet(tmp_path / "race", sampler, sampler.plan)
    groups = pq.ParquetFile(tmp_path / "race" / "engine_telemetry.parquet").metadata
    sizes = [groups.row_group(n).num_rows for n in range(groups.num_row_groups)]
    assert sum(sizes) == 400_000
    assert all(ROW_GROUP_ROWS <= size < ROW_GROUP_ROWS + 10_000 for size in sizes[:-1])


def test_milliseconds_are_the_same_instants(tmp_path: Path, make_sampler: MakeSampler) -> None:
    for unit in TimeUnit:
        sampler = make_sampler(time_unit=unit, rate=30_000, duration_s=1)
        export_parquet(tmp_path / unit.value, sampler, sampler.plan)
    query = "SELECT epoch_us(time) AS us FROM read_parquet(?) ORDER BY time, car_number"
    us, ms = (
        duckdb.execute(query, [str(tmp_path / unit / "tire_telemetry.parquet")]).fetchnumpy()["us"]
        for unit in ("us", "ms")
    )
    np.testing.assert_array_equal(us // 1000 * 1000, ms)


def test_an_empty_directory_is_taken_and_a_full_one_is_not(tmp_path: Path, make_sampler: MakeSampler) -> None:
    sampler = make_sampler(rate=3_000, duration_s=1)
    export_parquet(tmp_path, sampler, sampler.plan)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=r"not an empty directory\. Give a new one"):
        export_parquet(tmp_path, sampler, sampler.plan)
    with pytest.raises(UsageError, match="not an empty directory"):
        export_parquet(next(iter(before)), sampler, sampler.plan)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_race_without_end_is_refused(tmp_path: Path, make_sampler: MakeSampler) -> None:
    sampler = make_sampler()
    with pytest.raises(UsageError, match="needs an end"):
        export_parquet(tmp_path / "race", sampler, sampler.plan)
    assert not (tmp_path / "race").exists()


def test_a_race_that_breaks_off_leaves_nothing(
    tmp_path: Path, make_sampler: MakeSampler, monkeypatch: pytest.MonkeyPatch, make_race: Any
) -> None:
    sampler = make_sampler(duration_s=2)
    plain = make_race.advance

    def crash(self: Any, ticks: int) -> Frames:
        if self.tick > 20:
            raise KeyboardInterrupt
        frames: Frames = plain(self, ticks)
        return frames

    monkeypatch.setattr(make_race, "advance", crash)
    with pytest.raises(KeyboardInterrupt):
        export_parquet(tmp_path / "race", sampler, sampler.plan)
    assert list(tmp_path.iterdir()) == []


def run_limited(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    conftest = Path(__file__).with_name("conftest.py")
    prelude = f"""
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("formula", {str(conftest)!r})
        formula = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(formula)
        from pathlib import Path
        from nascar.errors import NascarError
        from nascar.telemetry.plan import RowPlan
        from nascar.telemetry.sampler import Sampler
        plan = RowPlan(rate=612_000, cars=40, batch_size=10_000, start_us=formula.START_US, duration_s=3)
        race, entries = formula.FormulaRace(40), formula.entries_of(40)
        sampler = Sampler(race, entries, plan, 7, lap_length_m=formula.LAP_LENGTH_M)
    """
    source = textwrap.dedent(prelude) + textwrap.dedent(script)
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_disk_that_is_full_leaves_no_file_and_says_what_to_do(tmp_path: Path) -> None:
    # The kernel refuses to let a file grow past this limit, as it refuses on a full disk.
    script = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        from nascar.telemetry.export import export_parquet
        try:
            export_parquet(Path(sys.argv[1]), sampler, plan)
        except NascarError as error:
            print(error.exit_code, error)
    """
    (tmp_path / "taken").mkdir()
    for target in (tmp_path / "new", tmp_path / "taken"):
        result = run_limited(script, target)
        assert result.stdout.startswith(f"1 Cannot write to {target}: "), result.stderr
        assert "Free some space there, or give another directory or fewer seconds." in result.stdout
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]


def test_without_pyarrow_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    script = """
        sys.modules["pyarrow"] = None
        from nascar.telemetry.export import export_parquet
        try:
            export_parquet(Path(sys.argv[1]), sampler, plan)
        except NascarError as error:
            print(error.exit_code, error)
    """
    result = run_limited(script, tmp_path / "race")
    assert result.stdout.startswith("1 Parquet files are written by pyarrow, which is not installed."), (
        result.stderr
    )
    assert "python3 -m pip install pyarrow" in result.stdout
    assert not (tmp_path / "race").exists()


def test_a_place_that_cannot_hold_a_directory_is_refused(tmp_path: Path, make_sampler: MakeSampler) -> None:
    (tmp_path / "file").write_text("")
    sampler = make_sampler(rate=3_000, duration_s=1)
    with pytest.raises(NascarError, match="Give a directory that you may write to"):
        export_parquet(tmp_path / "file" / "race", sampler, sampler.plan)
