"""Whether a server's storage kept pace with what it acknowledged, by its own count of rows not yet stored.

Stored rows are counted after the server was given time to catch up. A server that stores half of what it is sent
therefore passes a short level by what it does after it; what it had not stored when the schedule ended tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LIMIT_S: Final = 1.0
"""A server that stores once a second holds up to the rows of one second, whatever it can."""
FIRST_S: Final = 5.0
"""What it held in its first seconds it may hold at the end: it stores less often, and does not fall behind. Never more
than the first third of the schedule is taken, so that a backlog that grows steadily is not measured by itself."""
LAST_READINGS: Final = 3
"""The least of so many readings counts: one alone may fall just before the server stores."""
_STALE_S: Final = 5.0
"""Readings that end so long before the schedule say nothing of its end."""

RULE: Final = (
    f"its rows not yet stored when the schedule ends (the least of the last {LAST_READINGS} readings) are at most "
    f"those of {LIMIT_S:g} s of the rate, or those of its first {FIRST_S:g} s if that is more"
)
"""For people."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Rows that were acknowledged and not stored when the schedule ended, and how many may be."""

    left_rows: int
    limit_rows: int

    @property
    def is_kept(self) -> bool:
        """Whether the storage kept pace."""
        return self.left_rows <= self.limit_rows

    @property
    def text(self) -> str:
        """Why it was not, as a reason."""
        return (
            f"the server's storage fell behind: {self.left_rows:,} rows were acknowledged and not stored when the "
            f"schedule ended, above {self.limit_rows:,}"
        )

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {"left_rows": self.left_rows, "limit_rows": self.limit_rows, "is_kept": self.is_kept}


def pace_of(report: Mapping[str, Any] | None) -> Pace | None:
    """The pace of a stream's report; None if the server's counters were not seen, or not to the end."""
    timeline = (report or {}).get("timeline")
    if report is None or timeline is None:
        return None
    until_s: float = report["duration_s"]
    readings = [
        (at_s, rows)
        for at_s, rows in zip(timeline["at_s"], timeline["backlog"], strict=True)
        if rows is not None and at_s < until_s
    ]
    if not readings or readings[-1][0] < until_s - timeline["interval_s"] - _STALE_S:
        return None
    first_s = min(FIRST_S, until_s / 3)
    first = max((rows for at_s, rows in readings if at_s < first_s), default=0)
    last = readings[-max(1, min(LAST_READINGS, len(readings) // 3)) :]
    return Pace(min(rows for _, rows in last), max(round(LIMIT_S * report["target_rate"]), first))
