"""Heat maps as tables: a column of cells for each lap, say, and a row for each tire, every cell in its value's colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana.fields import label
from grafana.panels import Frame, Json, matrix


def heat_map(
    frame: Frame, column: str, row: str, value: str, *, settings: Mapping[str, Any], row_width: int = 100
) -> Json:
    r"""Cells of `value` with a column for each `column` and a row for each `row`, both in the order of the answer.

    `settings` are field settings of all cells: their scale of colours, its ends. The matrix calls its first column
    ``row\column``; the cells' columns are called by what is in them, which nobody knows beforehand.
    """
    described = {
        name: setting for name, setting in frame.meaning(value, settings).items() if name != "displayName"
    }
    panel = frame.panel(
        "table",
        {"showHeader": True, "cellHeight": "sm"},
        {},
        defaults={
            **described,
            "custom": {
                "align": "center",
                "filterable": False,
                # Ten columns share a third of the screen.
                "minWidth": 40,
                "cellOptions": {"type": "color-background", "mode": "basic"},
            },
        },
        transformations=[matrix(column, row, value)],
    )
    panel["fieldConfig"]["overrides"].insert(
        0,
        {
            "matcher": {"id": "byName", "options": f"{row}\\{column}"},
            "properties": [
                {"id": "displayName", "value": label(row)},
                {"id": "custom.width", "value": row_width},
                {"id": "custom.align", "value": "left"},
                {"id": "custom.cellOptions", "value": {"type": "auto"}},
            ],
        },
    )
    return panel
