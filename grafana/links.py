"""Ways from one dashboard to another, the time range kept."""

from __future__ import annotations

from typing import Final

from grafana.fields import Json

HOME: Final = "nascar-overview"
CAR: Final = "nascar-car"
STRATEGY: Final = "nascar-strategy"
TECHNICAL: Final = "nascar-technical"
INGEST: Final = "nascar-ingest"
QUESTIONS: Final = "nascar-race"

TITLES: Final = {
    HOME: "Race overview",
    CAR: "Car performance detail",
    STRATEGY: "Team strategy",
    TECHNICAL: "Technical analysis",
    INGEST: "Ingest and query",
    QUESTIONS: "The eight questions",
}
"""Every dashboard by its uid, in the order in which they are offered."""

# `text` is the number as it is written, in a column of numbers as in one that was made text for its labels.
CAR_LINK: Final = {
    "title": "Open this car's page",
    "url": f"/d/{CAR}?var-car=${{__data.fields.car_number.text}}&${{__url_time_range}}",
    "targetBlank": False,
}
"""From a row that has a `car_number` to its car."""

TEAM_LINK: Final = {
    "title": "Open this team's page",
    "url": f"/d/{STRATEGY}?var-team=${{__data.fields.team.text:percentencode}}&${{__url_time_range}}",
    "targetBlank": False,
}
"""From a row that has a `team` to its team."""


def dashboard_links(uid: str) -> list[Json]:
    """The row of links to all other dashboards; chosen cars and teams go along where the other has them too."""
    return [
        {
            "type": "link",
            "title": title,
            "url": f"/d/{other}",
            "icon": "dashboard",
            "tooltip": "",
            "tags": [],
            "asDropdown": False,
            "targetBlank": False,
            "keepTime": True,
            "includeVars": True,
        }
        for other, title in TITLES.items()
        if other != uid
    ]
