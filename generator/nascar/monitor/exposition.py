"""The newest sample as Prometheus text, with names and base units by its conventions.

What is unknown is left out: a gap in Prometheus says the same as no number here. Rates are left out, too, because they
come of the counters: ``rate(nascar_acknowledged_rows_total[5s])``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nascar.monitor.monitor import Monitor
from nascar.monitor.sample import Sample
from nascar.monitor.use import MEGABYTE, Use
from nascar.stream.latency import Percentiles
from nascar.stream.ledger import TableLedger
from nascar.stream.progress import Phase

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_COUNTS: Final[Mapping[str, tuple[str, Callable[[TableLedger], int]]]] = {
    "nascar_scheduled_rows": ("Rows that have come due", lambda table: table.scheduled),
    "nascar_acknowledged_rows": ("Rows that the server has acknowledged", lambda table: table.acknowledged),
    "nascar_failed_rows": (
        "Rows that reached the server and were not acknowledged",
        lambda table: table.failed,
    ),
    "nascar_missed_rows": ("Rows that never reached the server", lambda table: table.missed),
    "nascar_late_rows": (
        "Rows that left more than 0.1 s after their due time",
        lambda table: table.late,
    ),
    "nascar_sent_bytes": ("Bytes of acknowledged bodies", lambda table: table.bytes),
    "nascar_requests": ("Write requests, retries included", lambda table: table.requests),
    "nascar_request_retries": ("Write requests after the first of their batch", lambda table: table.retries),
}


class MetricsText:
    """Says how `monitor` sees the run, as often as it is asked."""

    def __init__(self, monitor: Monitor) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Newest(monitor))

    def text(self) -> bytes:
        """The whole answer to a scrape, of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _Newest(Collector):
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def describe(self) -> Iterable[Metric]:
        # What there is depends on the run; nobody else is in this registry.
        return ()

    def collect(self) -> Iterable[Metric]:
        phase = GaugeMetricFamily("nascar_phase", "1 for the phase that the run is in", labels=["phase"])
        for one in Phase:
            phase.add_metric([one.name.lower()], float(one is self._monitor.phase))
        yield phase
        tally = self._monitor.tally
        written = CounterMetricFamily(
            "nascar_monitor_rows", "Rows of pipeline_metrics that the server has acknowledged"
        )
        written.add_metric([], tally.acknowledged)
        yield written
        sample = self._monitor.newest
        if sample is not None:
            yield from _of_run(sample)
            yield from _of_server(sample)
            yield from _of_use("generator", sample.generator)


def _of_run(sample: Sample) -> Iterable[Metric]:
    run = sample.run
    tables = {**run.tables, **run.beside}
    for name, (words, count) in _COUNTS.items():
        counter = CounterMetricFamily(name, words, labels=["table"])
        for table, ledger in tables.items():
            counter.add_metric([table], count(ledger))
        yield counter
    waiting = GaugeMetricFamily(
        "nascar_waiting_rows", "Rows that have come due and are not settled yet", labels=["table"]
    )
    for table, ledger in tables.items():
        waiting.add_metric([table], ledger.waiting)
    yield waiting
    yield _gauge("nascar_sample_timestamp_seconds", "When this was seen", sample.at_us / 1e6)
    yield _gauge("nascar_elapsed_seconds", "Time since the first row was due", run.elapsed_s)
    yield _gauge("nascar_target_rows_per_second", "Rows a second that the run is to send", run.target_rate)
    yield _gauge("nascar_requests_in_flight", "Requests in flight, those that wait included", run.in_flight)
    yield _latency(run.due_ms, run.send_ms)


def _latency(due: Percentiles, send: Percentiles) -> Metric:
    latency = GaugeMetricFamily(
        "nascar_write_latency_seconds",
        "Write latency over the last seconds, from the due time of the rows or from the send of the request",
        labels=["since", "quantile"],
    )
    for since, measured in (("due", due), ("send", send)):
        for quantile, ms in (("0.5", measured.p50), ("0.95", measured.p95), ("0.99", measured.p99)):
            if ms is not None:
                latency.add_metric([since, quantile], ms / 1000)
    return latency


def _of_server(sample: Sample) -> Iterable[Metric]:
    server = sample.server
    if server.stored_rows is not None:
        stored = CounterMetricFamily("nascar_stored_rows", "Rows of all tables that the server has stored")
        stored.add_metric([], server.stored_rows)
        yield stored
    yield _gauge(
        "nascar_backlog_rows", "Rows that the server has taken and not yet stored", sample.backlog_rows
    )
    yield _gauge(
        "nascar_newest_row_age_seconds", "Age of the newest row that a query sees", server.newest_row_age_s
    )
    answers = GaugeMetricFamily(
        "nascar_question_duration_seconds", "Newest time of an answer", labels=["question"]
    )
    for number, ms in sorted(server.question_ms.items()):
        answers.add_metric([str(number)], ms / 1000)
    yield answers
    yield from _of_use("server", server.use)
    if server.disk is not None:
        yield _gauge(
            "nascar_server_disk_bytes", "Size of the files in the server's data folder", server.disk.bytes
        )
        yield _gauge("nascar_server_files", "Files in the server's data folder", server.disk.files)


def _of_use(who: str, use: Use) -> Iterable[Metric]:
    yield _gauge(f"nascar_{who}_cpu_cores", f"Cores that the {who} uses", use.cpu_cores)
    yield _gauge(f"nascar_{who}_memory_bytes", f"Memory of the {who}", _bytes(use.memory_mb))
    yield _gauge(
        f"nascar_{who}_read_bytes_per_second",
        f"What the {who} reads from the disk, not from its cache",
        _bytes(use.read_mb_s),
    )
    yield _gauge(
        f"nascar_{who}_write_bytes_per_second",
        f"What the {who} writes to the disk",
        _bytes(use.write_mb_s),
    )


def _bytes(megabytes: float | None) -> float | None:
    return None if megabytes is None else megabytes * MEGABYTE


def _gauge(name: str, words: str, value: float | None) -> Metric:
    gauge = GaugeMetricFamily(name, words)
    if value is not None:
        gauge.add_metric([], value)
    return gauge
