"""What Prometheus reads, by its own parser."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nascar.monitor.disk import Disk
from nascar.monitor.exposition import MetricsText
from nascar.monitor.monitor import Monitor
from nascar.monitor.sample import Sample, ServerState
from nascar.monitor.settings import MonitorSettings
from nascar.monitor.use import Use
from nascar.stream.latency import Percentiles
from nascar.stream.settings import StreamSettings
from tests.monitor.conftest import START_US, sample, snapshot

Found = dict[tuple[str, tuple[tuple[str, str], ...]], float]

KNOWN = ServerState(
    stored_rows=800,
    stored_rate=70.0,
    tells_backlog=True,
    newest_row_age_s=0.7,
    question_ms={1: 250.0, 8: 20.0},
    use=Use(1.5, 512.0, 0.25, 9.25),
    disk=Disk(12, 3_000_000),
)


def scrape(newest: Sample | None) -> Found:
    """Every number of a scrape by its name and labels; each is there once, and has words and a type."""
    monitor = Monitor(
        MonitorSettings(), StreamSettings("http://localhost", "laps", 6_000, 1, 1, dry_run=True)
    )
    monitor.newest = newest
    if newest is not None:
        monitor.watch(lambda: newest.run)
    found: Found = {}
    for family in text_string_to_metric_families(MetricsText(monitor).text().decode()):
        assert family.documentation
        assert family.name.startswith("nascar_")
        assert family.type in ("counter", "gauge")
        for one in family.samples:
            key = (one.name, tuple(sorted(one.labels.items())))
            assert key not in found
            assert (family.type == "counter") == one.name.endswith("_total")
            found[key] = one.value
    return found


def by_label(found: Found, name: str) -> dict[str, float]:
    return {labels[0][1]: value for (found_name, labels), value in found.items() if found_name == name}


def test_before_the_first_sample_there_is_the_phase() -> None:
    phases = by_label(scrape(None), "nascar_phase")
    assert phases == {"waiting": 1, "running": 0, "draining": 0, "done": 0}


def test_rows_are_counted_by_table_and_add_up() -> None:
    found = scrape(sample())
    counts = {
        name: by_label(found, f"nascar_{name}_rows_total")
        for name in ("scheduled", "acknowledged", "failed", "missed")
    }
    waiting = by_label(found, "nascar_waiting_rows")
    assert list(waiting) == ["engine_telemetry", "race_events"]
    for table, rows in waiting.items():
        settled = sum(counts[name][table] for name in ("acknowledged", "failed", "missed"))
        assert counts["scheduled"][table] == settled + rows


def test_units_are_seconds_and_bytes() -> None:
    found = scrape(sample(0, KNOWN, due_ms=Percentiles(1.0, 20.0, 300.0, 4_000.0)))
    assert found["nascar_stored_rows_total", ()] == 800
    assert found["nascar_backlog_rows", ()] == 400
    assert found["nascar_newest_row_age_seconds", ()] == pytest.approx(0.7)
    assert found["nascar_server_cpu_cores", ()] == 1.5
    assert found["nascar_server_memory_bytes", ()] == 512e6
    assert found["nascar_server_write_bytes_per_second", ()] == 9.25e6
    assert found["nascar_server_disk_bytes", ()] == 3e6
    assert found["nascar_server_files", ()] == 12
    assert found["nascar_sample_timestamp_seconds", ()] == START_US / 1e6
    assert by_label(found, "nascar_question_duration_seconds") == {"1": 0.25, "8": 0.02}
    latency = {labels: s for (name, labels), s in found.items() if name == "nascar_write_latency_seconds"}
    assert latency == {
        (("quantile", "0.5"), ("since", "due")): pytest.approx(0.001),
        (("quantile", "0.95"), ("since", "due")): pytest.approx(0.02),
        (("quantile", "0.99"), ("since", "due")): pytest.approx(0.3),
    }


def test_what_is_unknown_is_left_out() -> None:
    known = {name for name, _ in scrape(sample(0, KNOWN))}
    silent = {name for name, _ in scrape(sample())}
    assert silent < known
    assert not [name for name in silent if "server" in name or "stored" in name or "backlog" in name]


def test_a_table_may_have_any_name() -> None:
    name = 'laps "of" \\ the\nday'
    tables = snapshot().tables
    found = scrape(sample(0, tables={name: tables["engine_telemetry"]}, beside={}))
    assert by_label(found, "nascar_scheduled_rows_total") == {name: 1000}
