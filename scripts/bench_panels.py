"""Measure how fast every panel of every dashboard answers while a race streams at the full rate.

    python -m scripts.bench_panels
    python -m scripts.bench_panels --seconds 60 --page-seconds 15 --pages nascar-car nascar-technical
    ARC_TOKEN=... python -m scripts.bench_panels --url http://127.0.0.1:8000

Streams a real race into the embedded engine (or into a server that runs, with --url) with `nascar stream` as a
person would, for --seconds. From then on, while the stream goes on, it looks at one page after the other as a browser
does: at each refresh all panels at once, six requests in flight, each with the window and the default values that
Grafana would put in. Writes a record (JSON) and a page of tables (Markdown) into --out, and ends by itself. Status 0: every
answer came within a second; 1: one did not, or none came.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from nascar.bench import record
from nascar.bench.child import StreamProcess
from nascar.bench.resources import Watched
from nascar.bench.target import EngineTarget, Served
from nascar.bench.watched import find
from nascar.errors import NascarError, ServerError, UsageError
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import PUBLISHED_DATABASE
from nascar.stream.client import Client
from nascar.telemetry.schema import LOW_RATE_TABLES, TRACK_POSITION
from nascar.whole_file import write_whole
from scripts.panel_pages import Page, PanelRequest, load_pages

ROOT: Final = Path(__file__).parents[1]
DASHBOARDS: Final = ROOT / "grafana" / "dashboards"

BROWSER_CONNECTIONS: Final = 6
"""That a browser opens to one host."""
WITHIN_MS: Final = 1000.0
_START_S: Final = 60.0
"""A stream has so long for its first rows."""
_ALONE_S: Final = 5.0
_REST_S: Final = 15.0
"""The stream outlives the last page by so much."""


@dataclass(slots=True)
class PanelTimes:
    """What came of one panel's requests."""

    request: PanelRequest
    ms: list[float] = field(default_factory=list)
    """From when a connection was free to the last answer; of the queries that were answered."""
    rows: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "panel": self.request.panel,
            "window_s": self.request.window_s,
            "queries": len(self.request.queries),
            "asked": len(self.ms) + len(self.errors),
            "median_ms": rounded(statistics.median(self.ms)) if self.ms else None,
            "max_ms": rounded(max(self.ms)) if self.ms else None,
            "rows": self.rows[-1] if self.rows else None,
            "errors": sorted(set(self.errors)),
        }


@dataclass(slots=True)
class PageTimes:
    """What came of looking at one page for a while."""

    page: Page
    panels: list[PanelTimes]
    all_ms: list[float] = field(default_factory=list)
    """From a refresh to the last of its answers."""
    server_cores: float | None = None
    """That the server used meanwhile, for rows and questions."""

    def as_json(self) -> dict[str, Any]:
        return {
            "uid": self.page.uid,
            "title": self.page.title,
            "refresh_s": self.page.refresh_s,
            "refreshes": len(self.all_ms),
            "all_median_ms": rounded(statistics.median(self.all_ms)),
            "all_max_ms": rounded(max(self.all_ms)),
            "within_refresh": max(self.all_ms) <= self.page.refresh_s * 1000,
            "server_cores": None if self.server_cores is None else round(self.server_cores, 2),
            "panels": [panel.as_json() for panel in self.panels],
        }


def rounded(ms: float) -> float:
    return round(ms, 1)


async def look_at(page: Page, client: Client, seconds: float, server: Watched | None) -> PageTimes:
    """Keep `page` open for `seconds`."""
    times = PageTimes(page, [PanelTimes(request) for request in page.requests])
    before, began = await _cpu_s(server), time.monotonic()
    connections = asyncio.Semaphore(BROWSER_CONNECTIONS)
    for turn in range(max(1, round(seconds / page.refresh_s))):
        # A page whose answers come late is asked again at once.
        await asyncio.sleep(max(0.0, began + turn * page.refresh_s - time.monotonic()))
        start, now_s = time.monotonic(), time.time()
        await asyncio.gather(*(_ask(panel, client, now_s, connections) for panel in times.panels))
        times.all_ms.append((time.monotonic() - start) * 1e3)
    after, wall_s = await _cpu_s(server), time.monotonic() - began
    if before is not None and after is not None:
        times.server_cores = (after - before) / wall_s
    return times


async def _ask(panel: PanelTimes, client: Client, now_s: float, connections: asyncio.Semaphore) -> None:
    async with connections:
        start = time.monotonic()
        try:
            answers = await asyncio.gather(
                *(client.query(sql, database=client.database) for sql in panel.request.sql_at(now_s))
            )
        except ServerError as error:
            panel.errors.append(str(error))
            return
        panel.ms.append((time.monotonic() - start) * 1e3)
        panel.rows.append(sum(len(answer.rows) for answer in answers))


async def _cpu_s(server: Watched | None) -> float | None:
    usage = None if server is None else await server.look()
    return None if usage is None else usage.cpu_s


@contextlib.asynccontextmanager
async def served(args: argparse.Namespace, token: str, seconds: float) -> AsyncIterator[Served]:
    """The engine, started for this, or the server that was named."""
    if args.url is None:
        async with EngineTarget(args.data_dir).serve(args.rate, seconds) as engine:
            yield engine
        return
    server, note = await find(args.url, None, None)
    yield Served(args.url, token, args.database, server, note)


async def measure(args: argparse.Namespace, pages: Sequence[Page], token: str) -> dict[str, Any]:
    """Stream, fill, and look at each page."""
    total_s = (
        args.seconds + len(pages) * (args.page_seconds + max(page.refresh_s for page in pages)) + _REST_S
    )
    async with contextlib.AsyncExitStack() as stack:
        where = await stack.enter_async_context(served(args, token, total_s))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-panels-")))
        flags = [
            *("--url", where.url, "--database", where.database, "--rate", str(args.rate)),
            *("--duration", f"{total_s:g}", "--seed", str(args.seed), "--start-lap", str(args.start_lap)),
            *("--ask-every", f"{args.ask_every:g}"),
        ]
        stream = await stack.enter_async_context(StreamProcess(flags, where.token, folder))
        client = await stack.enter_async_context(
            Client(where.url, where.token, database=where.database, connections=32)
        )
        say(f"streaming {args.rate:,} rows/s into {where.url} for {args.seconds:g} s before the first page")
        await fill(args.seconds, stream, client)
        alone = await cores_alone(where.server)
        looked = []
        for page in pages:
            looked.append(await look_at(page, client, args.page_seconds, where.server))
            say(summary(looked[-1]))
            if stream.is_over:
                raise NascarError(f"The stream ended in the middle: {stream.last_words()}")
        tables = {table.name: await client.count(table.name) for table in LOW_RATE_TABLES}
        rows = await stream_rows(client)
        return {
            "target": "embedded engine (it speaks Arc's API, it is not Arc)"
            if args.url is None
            else args.url,
            "panels": {
                "rate": args.rate,
                "stored_s": args.seconds,
                "page_s": args.page_seconds,
                "server_cores_alone": alone,
                "low_rate_rows": tables,
                "stream_rows": rows,
                "pages": [page.as_json() for page in looked],
            },
        }


async def cores_alone(server: Watched | None) -> float | None:
    """Cores that the server uses while rows flow and nobody asks."""
    before, began = await _cpu_s(server), time.monotonic()
    await asyncio.sleep(_ALONE_S)
    after = await _cpu_s(server)
    return (
        None if before is None or after is None else round((after - before) / (time.monotonic() - began), 2)
    )


async def stream_rows(client: Client) -> dict[str, int]:
    """What has become of the stream's rows, as it says itself: a rate that was not held is no full rate."""
    bound = f"time >= '{datetime.fromtimestamp(time.time() - 60, UTC):%Y-%m-%dT%H:%M:%SZ}'"
    names = ("acknowledged_rows", "missed_rows", "failed_rows")
    counts = {name: await client.count(PIPELINE_METRICS.name, bound, what=f"MAX({name})") for name in names}
    return {name.removesuffix("_rows"): count for name, count in counts.items()}


async def fill(seconds: float, stream: StreamProcess, client: Client) -> None:
    """Let rows come in for `seconds` from the first that can be seen."""
    until = time.monotonic() + _START_S
    is_seen = False
    while time.monotonic() < until:
        if stream.is_over:
            raise NascarError(f"The stream into {client.url} ended too early: {stream.last_words()}")
        if not is_seen and await client.count(TRACK_POSITION.name):
            is_seen, until = True, time.monotonic() + seconds
        await asyncio.sleep(min(0.5, max(0.01, until - time.monotonic())))
    if not is_seen:
        raise NascarError(f"No row was seen in {client.url} within {_START_S:g} s. Is the server well?")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def summary(looked: PageTimes) -> str:
    answers = [ms for panel in looked.panels for ms in panel.ms]
    worst = f"slowest answer {max(answers):.0f} ms" if answers else "no answer"
    return (
        f"{looked.page.uid}: all {len(looked.panels)} panels within {max(looked.all_ms):.0f} ms of a refresh "
        f"(median {statistics.median(looked.all_ms):.0f}), {worst}"
    )


def faults(measured: Mapping[str, Any]) -> list[str]:
    """What did not hold."""
    found = []
    for page in measured["pages"]:
        for panel in page["panels"]:
            name = f"{page['title']}: {panel['panel']}"
            if panel["errors"]:
                found.append(f"{name}: {panel['errors'][0]}")
            if panel["max_ms"] is None or panel["max_ms"] > WITHIN_MS:
                found.append(f"{name}: {panel['max_ms']} ms")
        if not page["within_refresh"]:
            found.append(f"{page['title']}: not all panels answered within {page['refresh_s']} s")
    return found


def document(made: record.Record) -> str:
    """The record as tables."""
    return "\n".join(_lines(made)) + "\n"


def _lines(made: record.Record) -> Iterator[str]:
    on, measured = made["machine"], made["panels"]
    yield "# How fast the panels answer"
    yield ""
    yield (
        f"{made['date'][:10]}, `{made['command']}`, commit {made['commit'] or 'not known'}, seed {made['seed']}. Target: "
        f"{made['target']}. Machine: {on['cores']} cores ({on['cpu']}{', virtual' if on['is_virtual'] else ''}), "
        f"{on['memory_bytes'] / 1e9:.1f} GB, {on['system']} {on['kernel']}, Python {made['versions']['python']}, load "
        f"{on['load_before']} before. Stream, server and asker share the cores."
    )
    yield ""
    yield (
        f"{measured['rate']:,} rows/s, stored for {measured['stored_s']:g} s before the first page and streaming on; "
        f"the server alone takes {measured['server_cores_alone']} cores{_of_the_rate(measured)}. Each page is looked at for {measured['page_s']:g} s as "
        "a browser does: at each refresh all panels at once, six requests in flight. A panel's time runs from a free "
        "connection to the last answer of its queries."
    )
    for page in measured["pages"]:
        yield ""
        yield f"## {page['title']}"
        yield ""
        held = "within" if page["within_refresh"] else "**not within**"
        yield (
            f"All panels: median {page['all_median_ms']:.0f} ms, worst {page['all_max_ms']:.0f} ms, {held} the refresh of "
            f"{page['refresh_s']} s; {page['server_cores']} cores of the server."
        )
        yield ""
        yield "| panel | window | median | worst | rows |"
        yield "|---|---:|---:|---:|---:|"
        for panel in page["panels"]:
            cells = [_cell(panel[key]) for key in ("median_ms", "max_ms")]
            yield f"| {panel['panel']} | {panel['window_s']} s | {' | '.join(cells)} | {panel['rows']} |"


def _of_the_rate(measured: Mapping[str, Any]) -> str:
    rows = measured.get("stream_rows", {})
    total = sum(rows.values())
    if not total:
        return ""
    return (
        f"; of {total:,} rows until the last page {rows['acknowledged'] / total:.1%} were acknowledged, "
        f"{rows['missed']:,} missed and {rows['failed']:,} failed"
    )


def _cell(ms: float | None) -> str:
    return "no answer" if ms is None else f"{ms:.0f} ms" if ms <= WITHIN_MS else f"**{ms:.0f} ms**"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(
        "--url", help="a server that runs, its token in ARC_TOKEN (default: the embedded engine)"
    )
    made.add_argument("--database", default=PUBLISHED_DATABASE, help="on that server (default: %(default)s)")
    made.add_argument("--rate", type=int, default=612_000, help="rows a second (default: %(default)s)")
    made.add_argument(
        "--seconds", type=float, default=600.0, help="stored before the first page (default: %(default)s)"
    )
    made.add_argument("--page-seconds", type=float, default=30.0, help="for each page (default: %(default)s)")
    made.add_argument(
        "--ask-every", type=float, default=5.0, help="the stream's own questions (default: %(default)s s)"
    )
    made.add_argument(
        "--start-lap", type=int, default=40, help="where the race begins (default: %(default)s)"
    )
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--pages", nargs="+", metavar="UID", help="only these dashboards")
    made.add_argument("--dashboards", type=Path, default=DASHBOARDS, help="folder of their JSON")
    made.add_argument("--data-dir", type=Path, default=ROOT / ".demo", help="where the engine keeps its rows")
    made.add_argument("--out", type=Path, default=record.DEFAULT_FOLDER, help="folder of the results")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    args = parser().parse_args(given)
    token = os.environ.get("ARC_TOKEN", "")
    try:
        pages = [page for page in load_pages(args.dashboards) if not args.pages or page.uid in args.pages]
        if not pages:
            raise UsageError(
                f"There is no such dashboard in {args.dashboards.name}. Give its uid with --pages."
            )
        record.check_folder(args.out)
        on = record.surroundings(None if args.url else args.data_dir.parent)
        measured = asyncio.run(measure(args, pages, token))
        made = record.build("panels", measured, arguments=given, seed=args.seed, token=token, on=on)
        made["command"] = made["command"].replace("nascar", "python -m scripts.bench_panels", 1)
        stem = f"panels-{made['date'].replace(':', '').replace('-', '')}"
        write_whole(record.encoded(made) + "\n", args.out / f"{stem}.json")
        write_whole(document(made), args.out / f"{stem}.md")
    except NascarError as error:
        say(f"bench_panels: {error}")
        return error.exit_code
    print(document(made))
    bad = faults(made["panels"])
    for fault in bad:
        say(f"too slow or wrong: {fault}")
    say(f"Next: read {args.out / f'{stem}.md'}" + (", and make what is named above cheaper." if bad else "."))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
