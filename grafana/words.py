"""Panels of words, which ask nothing."""

from __future__ import annotations

from grafana.panels import Json, Place


def text(title: str, description: str, markdown: str, place: Place) -> Json:
    """A note in Markdown."""
    return {
        "type": "text",
        "title": title,
        "description": description,
        "gridPos": {"x": place.x, "y": place.y, "w": place.w, "h": place.h},
        "options": {"mode": "markdown", "content": markdown},
    }
