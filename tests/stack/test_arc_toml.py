"""Arc's settings: what they must say for a demo without internet, on a read-only root."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from nascar.telemetry.schema import TABLES

ROOT = Path(__file__).parents[2]
ARC: dict[str, Any] = tomllib.loads((ROOT / "arc" / "arc.toml").read_text())


def test_nothing_calls_out_at_start() -> None:
    assert ARC["telemetry"]["enabled"] is False
    # The mere name of a cold bucket makes Arc fetch a DuckDB extension.
    assert "tiered_storage" not in ARC
    assert ARC["storage"]["backend"] == "local"
    assert not [key for key in ARC["storage"] if key.startswith("s3")]


def test_a_log_line_is_worth_reading() -> None:
    assert ARC["log"] == {"level": "warn", "format": "json"}


def test_rows_are_on_disk_after_about_a_second_and_age_alone_decides() -> None:
    ingest = ARC["ingest"]
    assert 500 <= ingest["max_buffer_age_ms"] <= 1000
    assert ingest["max_buffer_size"] > 3_000_000 // len(TABLES)


def test_every_raw_table_is_sorted_by_car() -> None:
    assert ARC["ingest"]["sort_keys"] == [f"{table.name}:car_number" for table in TABLES]


def test_duckdb_stays_inside_the_container() -> None:
    database = ARC["database"]
    assert database["temp_directory"].startswith("./data/")
    limit_gb = int(database["memory_limit"].removesuffix("GB"))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["arc"]["mem_limit"] == "${ARC_MEMORY:-4g}"
    # The rest is for rows in memory and for Arc itself.
    assert limit_gb <= 2


def test_files_are_skipped_by_their_time_where_arc_can() -> None:
    assert ARC["query"]["file_time_pruning"] is True


@pytest.mark.parametrize("name", ["wal", "continuous_query"])
def test_what_the_demo_does_not_use_is_off(name: str) -> None:
    assert ARC[name]["enabled"] is False
