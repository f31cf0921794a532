"""Arc, Grafana and the generator as they answer at their published ports: HTTP and JSON, nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

DATASOURCE = {"type": "basekick-arc-datasource", "uid": "arc"}
"""What grafana/provisioning names Arc."""

# What is asked is on this machine; a proxy of the environment knows nothing of it.
_OPENER = build_opener(ProxyHandler({}))


class NoAnswer(Exception):
    """Nothing that speaks HTTP answers at the address; says why."""


@dataclass(frozen=True)
class Reply:
    """An answer of any status. `body` is its JSON, or None."""

    status: int
    text: str
    body: Any

    def said(self) -> str:
        """What it complains of, in one line."""
        if isinstance(self.body, dict):
            for key in ("error", "message"):
                if self.body.get(key):
                    return str(self.body[key])
        first = self.text.strip().splitlines()
        return first[0][:200] if first else f"status {self.status}"


def ask(url: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout_s: float = 15) -> Reply:
    """GET `url`, or POST `body` as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with _OPENER.open(request, timeout=timeout_s) as answer:
            status, text = answer.status, answer.read().decode(errors="replace")
    except HTTPError as error:
        status, text = error.code, error.read().decode(errors="replace")
    except (URLError, OSError) as error:
        raise NoAnswer(str(getattr(error, "reason", error))) from None
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    return Reply(status, text, parsed)


def ask_arc(url: str, token: str, sql: str, database: str = "", timeout_s: float = 30) -> Reply:
    """Ask Arc `sql`; with `database` the tables in it are bare names."""
    headers = {"Authorization": f"Bearer {token}", **({"x-arc-database": database} if database else {})}
    return ask(f"{url}/api/v1/query", {"sql": sql}, headers, timeout_s)


def ask_grafana(url: str, sql: str, now_s: float, window_s: float = 60, timeout_s: float = 30) -> Reply:
    """Ask `sql` as a panel does that shows the `window_s` seconds before `now_s`. Anyone who may look may ask."""
    now_ms = int(now_s * 1000)
    query = {
        "refId": "A",
        "datasource": DATASOURCE,
        "sql": sql,
        "format": "table",
        "rawQuery": True,
        "splitDuration": "off",
        "intervalMs": 1000,
        "maxDataPoints": 1000,
    }
    body = {"from": str(now_ms - int(window_s * 1000)), "to": str(now_ms), "queries": [query]}
    return ask(f"{url}/api/ds/query", body, timeout_s=timeout_s)


def frame_rows(reply: Reply) -> int:
    """Rows in the frames of an answer to `ask_grafana`."""
    frames = reply.body["results"]["A"].get("frames") or ()
    columns = [frame.get("data", {}).get("values") or [[]] for frame in frames]
    return sum(len(values[0]) for values in columns)


def query_error(reply: Reply) -> str:
    """What an answer to `ask_grafana` says went wrong, or nothing."""
    results = reply.body.get("results") if isinstance(reply.body, dict) else None
    result = results.get("A", {}) if isinstance(results, dict) else {}
    if result.get("error"):
        return str(result["error"])
    return "" if reply.status == 200 and result else reply.said()
