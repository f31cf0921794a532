"""What is left of an answer when a panel's transformations have gone over it, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.grafana.committed import Json, Shown


def drawn_columns(shown: Shown, frames: Sequence[tuple[list[str], list[list[Any]]]]) -> dict[str, list[Any]]:
    """Values by the name that a field has in the end, over all frames.

    Raises AssertionError where a transformation names a column that is not there.
    """
    columns: dict[str, list[Any]] = {}
    for (names, rows), target in zip(frames, shown.targets, strict=True):
        frame = {name: [row[index] for row in rows] for index, name in enumerate(names)}
        if target["format"] == "time_series" and any(
            _is_text(name, column) for name, column in frame.items()
        ):
            # The datasource makes a label of the text.
            frame = {name: column for name, column in frame.items() if not _is_text(name, column)}
        columns |= frame
    for step in shown.panel.get("transformations", []):
        columns = _transformed(step["id"], step["options"], columns)
    return columns


def labels(shown: Shown, frames: Sequence[tuple[list[str], list[list[Any]]]]) -> set[str]:
    """Columns of text that the datasource turns into labels of series."""
    return {
        name
        for (names, rows), target in zip(frames, shown.targets, strict=True)
        if target["format"] == "time_series"
        for index, name in enumerate(names)
        if _is_text(name, [row[index] for row in rows])
    }


def _is_text(name: str, column: list[Any]) -> bool:
    return name != "time" and any(isinstance(value, str) for value in column)


def _transformed(kind: str, options: Json, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    match kind:
        case "filterFieldsByName":
            kept = options["include"]["names"]
            assert set(kept) <= columns.keys()
            return {name: columns[name] for name in kept}
        case "sortBy":
            assert {by["field"] for by in options["sort"]} <= columns.keys()
            return columns
        case "convertFieldType":
            changed = {c["targetField"]: c["destinationType"] for c in options["conversions"]}
            assert changed.keys() <= columns.keys()
            assert set(changed.values()) == {"string"}
            return {
                name: [str(value) for value in column] if name in changed else column
                for name, column in columns.items()
            }
        case "groupingToMatrix":
            column, row, value = (options[f"{part}Field"] for part in ("column", "row", "value"))
            assert {column, row, value} <= columns.keys()
            matrix: dict[str, list[Any]] = {f"{row}\\{column}": columns[row]}
            for name, cell in zip(columns[column], columns[value], strict=True):
                matrix.setdefault(str(name), []).append(cell)
            return matrix
    raise AssertionError(f"say here what {kind} does to the columns")
