"""What a viewer can choose: cars and teams of the entry list that comes with the demo, each with a default."""

from __future__ import annotations

from collections.abc import Mapping

from grafana.fields import Json
from nascar.race.entries import load_entries


def car_variable() -> Json:
    """``$car``: the first of the entry list until another is chosen, so that even a short field has it."""
    return _custom(
        "car", "Car", "The car that this page looks at", _cars(), str(load_entries()[0].car_number)
    )


def compare_variable() -> Json:
    """``$compare``: the second of the entry list, a team-mate."""
    return _custom("compare", "Compare with", "The car beside it", _cars(), str(load_entries()[1].car_number))


def team_variable() -> Json:
    """``$team``: that of the first car."""
    teams = dict.fromkeys(sorted(entry.team for entry in load_entries()))
    return _custom(
        "team", "Team", "The team that this page looks at", {t: t for t in teams}, load_entries()[0].team
    )


def _cars() -> dict[str, str]:
    """Text by value, in order of the numbers."""
    numbered = sorted(load_entries(), key=lambda entry: entry.car_number)
    return {str(entry.car_number): f"#{entry.car_number} {entry.driver}" for entry in numbered}


def _custom(name: str, title: str, description: str, texts: Mapping[str, str], chosen: str) -> Json:
    """A list that costs no query; any other value can be typed in."""
    return {
        "name": name,
        "label": title,
        "description": description,
        "type": "custom",
        "query": ", ".join(value if value == text else f"{text} : {value}" for value, text in texts.items()),
        "options": [
            {"text": text, "value": value, "selected": value == chosen} for value, text in texts.items()
        ],
        "current": {"text": texts[chosen], "value": chosen, "selected": True},
        "multi": False,
        "includeAll": False,
        "allowCustomValue": True,
        "hide": 0,
        "skipUrlSync": False,
    }
