"""The table `pipeline_metrics`: how the run and its server stood at each second."""

from __future__ import annotations

from typing import Final

from nascar.telemetry.columns import Column, Kind, Table

QUESTIONS: Final = 8
"""The questions of the demo, numbered from 1."""


def _number(name: str, unit: str, description: str, decimals: int = 0) -> Column:
    return Column(name, Kind.FLOAT, unit, description, decimals=decimals)


def _latency(name: str, since: str) -> tuple[Column, ...]:
    return tuple(
        _number(
            f"{name}_p{share}_ms",
            "ms",
            f"Write latency from {since}: {share} % of the writes of the last seconds were faster",
            3,
        )
        for share in (50, 95, 99)
    )


PIPELINE_METRICS: Final = Table(
    "pipeline_metrics",
    "How the stream and its server stand, a row for each second of the run; NULL or NaN is unknown. Rows that are counted "
    "are those of the three published tables, but for what is stored, which the server counts for all tables",
    (
        Column("time", Kind.TIME, "µs", "Instant of the row: a whole second, UTC, since 1970-01-01"),
        _number("target_rate", "rows/s", "Rows a second that the run is to send"),
        _number("offered_rate", "rows/s", "Rows a second that came due, over the last 5 s"),
        _number(
            "acknowledged_rate", "rows/s", "Rows a second that the server acknowledged, over the last 5 s"
        ),
        _number(
            "stored_rate", "rows/s", "Rows a second of all tables that the server stored, over the last 5 s"
        ),
        _number("sent_mb_s", "MB/s", "Acknowledged bytes a second, over the last 5 s", 3),
        *_latency("due", "the due time"),
        *_latency("send", "the send"),
        _number("backlog_rows", "rows", "Rows that the server has taken in this run and has not stored yet"),
        _number("scheduled_rows", "rows", "Rows that have come due since the start"),
        _number("acknowledged_rows", "rows", "Rows that the server has acknowledged since the start"),
        _number("stored_rows", "rows", "Rows of all tables that the server has stored since the start"),
        _number("late_rows", "rows", "Rows that left more than 0.1 s after their due time, since the start"),
        _number("missed_rows", "rows", "Rows that never reached the server, since the start"),
        _number(
            "failed_rows", "rows", "Rows that reached the server and were not acknowledged, since the start"
        ),
        _number("waiting_rows", "rows", "Rows that have come due and are not settled yet"),
        _number("requests_in_flight", "", "Requests in flight, those that wait for another try included"),
        *(
            _number(f"question_{number}_ms", "ms", f"Newest time of an answer to question {number}", 1)
            for number in range(1, QUESTIONS + 1)
        ),
        _number("newest_row_age_s", "s", "Age of the newest row of engine_telemetry that a query sees", 3),
        _number("generator_cpu_cores", "cores", "Cores that the generator uses, all its processes", 3),
        _number("generator_memory_mb", "MB", "Memory of the generator, all its processes", 1),
        _number("server_cpu_cores", "cores", "Cores that the server uses", 3),
        _number("server_memory_mb", "MB", "Memory of the server", 1),
        _number("server_read_mb_s", "MB/s", "What the server reads from the disk, not from its cache", 3),
        _number("server_write_mb_s", "MB/s", "What the server writes to the disk", 3),
        _number("server_disk_mb", "MB", "Size of the files in the server's data folder", 1),
        _number("server_files", "", "Files in the server's data folder"),
    ),
)
