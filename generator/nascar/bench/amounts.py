"""Numbers with their units, as people read them."""

from __future__ import annotations

from typing import Final

NOTHING: Final = "–"
"""Stands for what was not measured."""


def amount(value: float | None, unit: str) -> str:
    """`value` in `unit` (``rows``, ``rows/s``, ``ms``, ``s``, ``cores``, ``µs``, ``bytes``, ``bytes/s``, ``bytes/row``)."""
    if value is None:
        return NOTHING
    if unit in ("rows", "rows/s"):
        return f"{value:,.0f}"
    if unit in ("bytes", "bytes/s"):
        return _megabytes(value) + unit.removeprefix("bytes")
    if unit == "cores":
        return f"{value:.2f} cores"
    if unit == "bytes/row":
        return f"{value:,.1f} bytes/row"
    return f"{_three_digits(value)} {unit}"


def rate(rows_per_s: float) -> str:
    """A rate as it stands in a heading: ``612 k/s``, ``1.2 M/s``."""
    if rows_per_s >= 1e6:
        return f"{rows_per_s / 1e6:.3g} M/s"
    return f"{rows_per_s / 1e3:.3g} k/s" if rows_per_s >= 1e3 else f"{rows_per_s:,.0f}/s"


def _megabytes(value: float) -> str:
    if value >= 1e10:
        return f"{value / 1e9:,.1f} GB"
    return f"{value / 1e6:,.0f} MB" if value >= 1e7 else f"{value / 1e6:,.2f} MB"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2f}"
