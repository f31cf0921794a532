"""How long writes take: HDR histograms of constant size, exact to three digits from 1 µs to an hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hdrh.histogram import HdrHistogram

HIGHEST_US: Final = 3_600_000_000
"""Longer times are recorded as this: an hour."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds; None where nothing was recorded."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


NOTHING_MEASURED: Final = Percentiles()


class Latency:
    """Times of one kind. `digits` significant digits; two are enough for a display and cost a tenth."""

    __slots__ = ("_digits", "_histogram")

    def __init__(self, digits: int = 3) -> None:
        self._digits = digits
        self._histogram = HdrHistogram(1, HIGHEST_US, digits)

    @property
    def count(self) -> int:
        return int(self._histogram.get_total_count())

    def record(self, us: int) -> None:
        """Count one time in µs; a time below zero is a clock that was read too early, and counts as zero."""
        self._histogram.record_value(min(max(us, 0), HIGHEST_US))

    def add(self, other: Latency) -> None:
        """Take over all times of another histogram of the same precision."""
        if other._digits != self._digits:
            raise ValueError(f"{other._digits} digits do not go into a histogram of {self._digits}")
        if not other.count:
            return
        # The library's own merge rounds the extremes to the ends of their buckets.
        most = max(self._histogram.max_value, other._histogram.max_value)
        least = min(self._histogram.min_value, other._histogram.min_value)
        self._histogram.add(other._histogram)
        self._histogram.max_value, self._histogram.min_value = most, least

    def percentiles(self) -> Percentiles:
        """The usual percentiles of all recorded times."""
        if not self.count:
            return NOTHING_MEASURED
        longest = int(self._histogram.max_value)
        at = self._histogram.get_percentile_to_value_dict([50.0, 95.0, 99.0])
        # The histogram answers with the upper end of a bucket, which can lie above the longest time.
        p50, p95, p99 = (min(int(at[p]), longest) / 1000 for p in (50.0, 95.0, 99.0))
        return Percentiles(p50, p95, p99, longest / 1000)

    def encode(self) -> bytes:
        """The histogram in the library's compressed form (base64), to be sent to another process."""
        blob: bytes = self._histogram.encode()
        return blob

    @classmethod
    def decode(cls, blob: bytes) -> Latency:
        """A histogram from `encode`. Its extremes are those of their buckets."""
        latency = cls.__new__(cls)
        latency._histogram = HdrHistogram.decode(blob)
        latency._digits = int(latency._histogram.significant_figures)
        return latency

    def __getstate__(self) -> tuple[int, bytes, int, int]:
        """For pickle: the library's form, and the extremes that it would round."""
        histogram = self._histogram
        return self._digits, self.encode(), histogram.min_value, histogram.max_value

    def __setstate__(self, state: tuple[int, bytes, int, int]) -> None:
        self._digits, blob, least, most = state
        self._histogram = HdrHistogram.decode(blob)
        self._histogram.min_value, self._histogram.max_value = least, most


class Latencies:
    """What is measured of every acknowledged batch, for each table.

    * `due`: from the due time to the acknowledgement. It contains every wait, also one in this process, so
      a stall shows in all the batches that it held up (no coordinated omission).
    * `send`: from the start of the acknowledged request to its answer: what a closed-loop tool would report.
    * `departure`: from the due time to the start of the first request: how well the schedule was kept.
      Recorded for every batch that left, acknowledged or not.
    """

    __slots__ = ("departure", "due", "send")

    def __init__(self, tables: Iterable[str], digits: int = 3) -> None:
        names = tuple(tables)
        self.due = {name: Latency(digits) for name in names}
        self.send = {name: Latency(digits) for name in names}
        self.departure = {name: Latency(digits) for name in names}

    def merge(self, other: Latencies) -> None:
        """Add another process's latencies of the same run."""
        for mine, theirs in zip(
            (self.due, self.send, self.departure), (other.due, other.send, other.departure), strict=True
        ):
            for name, latency in theirs.items():
                if name in mine:
                    mine[name].add(latency)
                else:
                    mine[name] = latency


def total(latencies: dict[str, Latency]) -> Percentiles:
    """Percentiles over all tables."""
    histograms = list(latencies.values())
    if not histograms:
        return NOTHING_MEASURED
    everything = Latency(histograms[0]._digits)
    for latency in histograms:
        everything.add(latency)
    return everything.percentiles()
