"""Ingest and query: the proof that the rows arrive, in time, while questions are asked."""

from __future__ import annotations

from typing import Final

from grafana.colors import fixed
from grafana.dashboard import dashboard
from grafana.fields import thresholds
from grafana.lines import time_series
from grafana.links import INGEST
from grafana.numbers import stat
from grafana.panel_files import load_panels
from grafana.panels import Frame, Json, Place
from nascar.questions import load_questions

_COLORS: Final = {
    "target_rate": "#8E8E8E",
    "offered_rate": "#5794F2",
    "acknowledged_rate": "#73BF69",
    "stored_rate": "#FF9830",
    "due_p50_ms": "#73BF69",
    "due_p95_ms": "#FF9830",
    "due_p99_ms": "#F2495C",
    "send_p50_ms": "#73BF69",
    "send_p95_ms": "#FF9830",
    "send_p99_ms": "#F2495C",
    "backlog_rows": "#FF9830",
    "waiting_rows": "#5794F2",
    "late_rows": "#E5B80B",
    "missed_rows": "#F2495C",
    "failed_rows": "#B877D9",
    "sent_mb_s": "#5794F2",
    "requests_in_flight": "#8E8E8E",
    "generator_cpu_cores": "#5794F2",
    "server_cpu_cores": "#FF9830",
    "generator_memory_mb": "#5794F2",
    "server_memory_mb": "#FF9830",
    "server_write_mb_s": "#FF9830",
    "server_read_mb_s": "#5794F2",
    "server_disk_mb": "#8E8E8E",
    "server_files": "#8E8E8E",
    "question_1_ms": "#73BF69",
    "question_2_ms": "#F2CC0C",
    "question_3_ms": "#8AB8FF",
    "question_4_ms": "#FF780A",
    "question_5_ms": "#F2495C",
    "question_6_ms": "#5794F2",
    "question_7_ms": "#B877D9",
    "question_8_ms": "#37872D",
}
"""The generator blue, the server orange; what is fine green, what is lost red."""

_FROM_ZERO: Final = {"min": 0}


def build(grafana_version: str) -> Json:
    """The dashboard as JSON, for a Grafana of this version."""
    queries = load_panels(INGEST.removeprefix("nascar-"))

    def frame(slug: str, x: int, y: int, w: int, h: int, fields: dict[str, Json] | None = None) -> Frame:
        return Frame(queries[slug], Place(x, y, w, h), fields or {})

    def lines(slug: str, x: int, y: int, w: int, h: int, **axes: str) -> Json:
        """All columns of the query as lines from 0 on, on the left axis but for `axes`."""
        names = [column.name for column in queries[slug].columns if column.name != "time"]
        return time_series(
            frame(slug, x, y, w, h, dict.fromkeys(names, _FROM_ZERO)),
            {name: axes.get(name, "left") for name in names},
            colors=_COLORS,
            custom={"lineWidth": 1},
        )

    asked = {
        f"question_{question.number}_ms": {
            **_FROM_ZERO,
            "displayName": f"{question.number} {question.slug.replace('_', ' ')}",
        }
        for question in load_questions()
    }
    green = {"color": fixed("#73BF69")}
    panels = [
        stat(
            frame("total_rows", 0, 0, 9, 5),
            ["stored_rows"],
            settings=green,
            text_mode="value",
        ),
        stat(
            frame(
                "now",
                9,
                0,
                11,
                5,
                {
                    "target_rate": {"displayName": "Target", "color": fixed(_COLORS["target_rate"])},
                    "acknowledged_rate": {"displayName": "Acknowledged", **green},
                    "stored_rate": {"displayName": "Stored", "color": fixed(_COLORS["stored_rate"])},
                    "newest_row_age_s": {
                        "displayName": "Newest row",
                        "decimals": 1,
                        **thresholds("#73BF69", (5, "#E5B80B"), (30, "#F2495C")),
                    },
                },
            ),
            ["target_rate", "acknowledged_rate", "stored_rate", "newest_row_age_s"],
        ),
        stat(
            frame("lost", 20, 0, 4, 5),
            ["lost_rows"],
            settings=thresholds("#73BF69", (1, "#F2495C")),
            color_mode="background",
            text_mode="value",
        ),
        lines("rates", 0, 5, 12, 7),
        lines("latency", 12, 5, 6, 7),
        lines("send_latency", 18, 5, 6, 7),
        time_series(
            Frame(queries["questions"], Place(0, 12, 12, 6), asked),
            dict.fromkeys(asked, "left"),
            colors=_COLORS,
            custom={"lineWidth": 1},
            placement="right",
        ),
        lines("backlog", 12, 12, 6, 6),
        lines("losses", 18, 12, 6, 6),
        lines("throughput", 0, 18, 5, 6, requests_in_flight="right"),
        lines("cpu", 5, 18, 5, 6),
        lines("memory", 10, 18, 5, 6),
        lines("disk", 15, 18, 5, 6, server_disk_mb="right"),
        lines("files", 20, 18, 4, 6),
    ]
    return dashboard(
        INGEST,
        "What the stream offers, what the server acknowledges and stores, how late, and how fast it answers meanwhile.",
        panels,
        grafana_version,
    )
