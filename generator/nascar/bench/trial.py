"""One level: a ``nascar stream`` child, what it and the server use meanwhile, and the questions beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from nascar.bench.asking import Asking
from nascar.bench.child import StreamProcess
from nascar.bench.load import Load, Manner, Stopped, Stopper
from nascar.bench.pace import Pace, pace_of
from nascar.bench.resources import Samples, Watched, Watcher
from nascar.bench.target import Served, Target
from nascar.bench.watched import ProcessTree, WholeMachine
from nascar.errors import NascarError, UsageError
from nascar.stream import report as reports
from nascar.stream.client import Client
from nascar.stream.report import Report
from nascar.telemetry.schema import TABLES

SETTLE_S: Final = 60.0
"""A server has so long after a level to store what it holds."""
SETTLE_POLL_S: Final = 0.5
LAST_WAIT_S: Final = 180.0
"""A stream starts, drains and counts; one that is still there so long after its level and its deadline for counting is
killed."""
QUESTION_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Settled:
    """How a server came to rest after a level."""

    seconds: float
    backlog_rows: int
    """Rows that it still held in memory only."""


@dataclass(slots=True)
class TrialResult:
    """What came of one level."""

    load: Load
    database: str
    status: int
    """The stream's exit status."""
    report: Report | None
    """None if the stream ended without one; then `error` says why."""
    error: str | None
    stopped: bool
    """Ended by Ctrl-C before its time."""
    warm_up_s: float
    """Seconds of rows that the server got beforehand and that are in no number; 0 for none."""
    server_note: str
    stores: bool
    origin_s: float
    """The stream's start on the clock of the samples."""
    samples: dict[str, Samples] = field(default_factory=dict)
    """``client``, ``machine``, and ``server`` if it could be looked at."""
    what: dict[str, str] = field(default_factory=dict)
    questions: dict[str, Any] | None = None
    questions_note: str = ""
    """Why nothing was asked."""
    settled: Settled | None = None
    disk_bytes: int | None = None
    """What the level's database takes on the disk after settling, logs included that the server will still pack; None
    if that cannot be seen."""
    repetition: int = 1
    notes: list[str] = field(default_factory=list)
    """What went wrong beside the stream, and cost numbers."""
    began: bool = True
    """False if there was no server to load, or no room; then `error` says why."""

    @property
    def held(self) -> bool:
        """Whether the whole level was held: rate, no row lost, everything stored that was acknowledged, and in time."""
        # By the report: a signal that came after it was written ends the stream with another status.
        if self.report is None or self.stopped:
            return False
        is_sent = self.status == 0 or self.report.get("verdict") == "held"
        return is_sent and (self.pace is None or self.pace.is_kept)

    @property
    def pace(self) -> Pace | None:
        """Whether the server's storage kept pace; None if that was not seen."""
        return pace_of(self.report) if self.stores else None

    @property
    def elapsed_s(self) -> float:
        """From the stream's start to the end of its draining."""
        return self.report["elapsed_s"] if self.report is not None else 0.0

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {
            "load": self.load.as_json(),
            "repetition": self.repetition,
            "database": self.database,
            "warm_up_s": self.warm_up_s,
            "status": self.status,
            "began": self.began,
            "held": self.held,
            "stopped": self.stopped,
            "stores": self.stores,
            "error": self.error,
            "resources": {name: self._use(name) for name in ("client", "server", "machine")},
            "machine_cores": os.cpu_count(),
            "server_note": self.server_note,
            "questions": self.questions,
            "questions_note": self.questions_note,
            "notes": self.notes,
            "settled": None
            if self.settled is None
            else {"seconds": round(self.settled.seconds, 2), "backlog_rows": self.settled.backlog_rows},
            "storage": None if self.pace is None else self.pace.as_json(),
            "disk_bytes": self.disk_bytes,
            "report": self.report,
        }

    def _use(self, name: str) -> dict[str, Any] | None:
        samples = self.samples.get(name)
        if samples is None or len(samples.at_s) < 2:
            return None
        # Only while rows flowed: neither the start of the processes nor the counting at the end.
        from_s, until_s = self.origin_s, self.origin_s + self.elapsed_s
        return {
            "what": self.what[name],
            "mean_cores": _rounded(samples.cores(from_s, until_s)),
            "most_rss_bytes": samples.most_rss_bytes(from_s, until_s),
            "read_bytes": samples.grown(lambda usage: usage.read_bytes, from_s, until_s),
            "written_bytes": samples.grown(lambda usage: usage.write_bytes, from_s, until_s),
            "received_bytes": samples.grown(lambda usage: usage.received_bytes, from_s, until_s),
            "series": samples.series(self.origin_s),
        }


def not_begun(load: Load, error: NascarError, repetition: int) -> TrialResult:
    """A level that could not begin."""
    return TrialResult(
        load=load,
        database="",
        status=error.exit_code,
        report=None,
        error=str(error),
        stopped=False,
        warm_up_s=0.0,
        server_note="the level did not begin",
        stores=True,
        origin_s=0.0,
        questions_note="the level did not begin",
        repetition=repetition,
        began=False,
    )


async def run_level(
    target: Target,
    load: Load,
    manner: Manner,
    stopper: Stopper,
    tell: Callable[[str], None] = lambda text: None,
    repetition: int = 1,
) -> TrialResult:
    """Bring the target up, run one level against it, and let it settle. Raises what `run_trial` does."""
    async with target.serve(load.rate, load.seconds) as served:
        result = await run_trial(load, served, manner, stopper, tell)
    result.repetition = repetition
    return result


async def run_trial(
    load: Load,
    served: Served,
    manner: Manner,
    stopper: Stopper,
    tell: Callable[[str], None] = lambda text: None,
) -> TrialResult:
    """Run one level against a server that is up.

    Raises `UsageError` if the stream refuses what it is told, and `Stopped` if Ctrl-C left nothing of the level.
    """
    notes: list[str] = []
    warm_up_s = manner.warm_up_s if served.is_new else 0.0
    if warm_up_s and not stopper.is_asked:
        tell(f"{load.rate:,} rows/s: warming up for {warm_up_s:g} s ...")
        await _warm_up(load, served, warm_up_s, stopper)
    if stopper.is_asked:
        raise Stopped
    with tempfile.TemporaryDirectory(prefix="nascar-bench-") as folder:
        file = Path(folder) / "report.json"
        arguments = [*load.arguments(), *_where(served, served.database), "--report", str(file)]
        if not served.stores:
            arguments.append("--no-verify")
        tell(f"{load.rate:,} rows/s for {load.seconds:g} s ...")
        stream = StreamProcess(arguments, served.token, Path(folder))
        # Before it is started: Ctrl-C meanwhile must reach it, too.
        with stopper.handing_to(stream.interrupt):
            async with stream:
                watched: dict[str, Watched] = {
                    "client": ProcessTree(stream.pid, "process tree of nascar stream"),
                    "machine": WholeMachine(),
                }
                if served.server is not None:
                    watched["server"] = served.server
                watcher = Watcher(watched)
                async with (
                    _asking(load, served, manner, notes) as asking,
                    _meanwhile("looking at what is used", watcher.watch(), notes),
                ):
                    status = await stream.wait(load.seconds + load.verify_deadline_s + LAST_WAIT_S)
                # Whatever comes after the stream has ended does not stop it.
                is_asked = stopper.is_asked
                report, error = _outcome(file, stream)
    if report is None and is_asked:
        raise Stopped
    notes += [f"The {name} could not be looked at ({why})." for name, why in watcher.troubles.items()]
    if report is None and status == UsageError.exit_code:
        raise UsageError(f"The stream of this level did not start: {error}")
    origin_s = _origin_s(report, watcher)
    settled = await _settle(served) if served.stores else None
    return TrialResult(
        load=load,
        database=served.database,
        status=status,
        report=report,
        error=error,
        stopped=is_asked and report is not None and report["stopped"],
        warm_up_s=warm_up_s,
        server_note=served.server_note,
        stores=served.stores,
        origin_s=origin_s,
        samples=watcher.samples,
        what={name: one.what for name, one in watched.items()},
        questions=None
        if asking is None
        else asking.as_json(
            origin_s, manner.questions, origin_s + (report["elapsed_s"] if report is not None else 0.0)
        ),
        questions_note=_why_not_asked(served, manner) if asking is None else asking.trouble,
        settled=settled,
        disk_bytes=None if served.data_dir is None else bytes_of(served.database, served.data_dir),
        notes=notes,
    )


async def _warm_up(load: Load, served: Served, seconds: float, stopper: Stopper) -> None:
    arguments = [
        *replace(load, seconds=seconds).arguments(),
        *_where(served, warm_up_database(served.database)),
        "--no-verify",
    ]
    with tempfile.TemporaryDirectory(prefix="nascar-bench-") as folder:
        stream = StreamProcess(arguments, served.token, Path(folder))
        with stopper.handing_to(stream.interrupt):
            async with stream:
                status = await stream.wait(seconds + LAST_WAIT_S)
                if status == UsageError.exit_code:
                    raise UsageError(f"The warm-up did not start: {stream.last_words()}")
    if served.stores:
        await _settle(served)


def warm_up_database(database: str) -> str:
    """Where the rows of the warm-up before the level of `database` go."""
    return f"{database[:50]}_warm_up"


def _where(served: Served, database: str) -> list[str]:
    return ["--url", served.url, "--database", database]


@contextlib.asynccontextmanager
async def _meanwhile(what: str, work: Coroutine[Any, Any, None], notes: list[str]) -> AsyncIterator[None]:
    """Run `work` beside the body, and end it with it. If it fails, `notes` gets a line: the body goes on."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        # Not raised: neither its end nor a fault of what stands beside a level may cost the level.
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):
            notes.append(f"{what[0].upper()}{what[1:]} failed ({type(ended).__name__}: {ended}).")


@contextlib.asynccontextmanager
async def _asking(
    load: Load, served: Served, manner: Manner, notes: list[str]
) -> AsyncIterator[Asking | None]:
    """Ask beside the body, if there is something to ask."""
    if _why_not_asked(served, manner):
        yield None
        return
    async with Client(
        served.url, served.token, database=served.database, request_timeout_s=QUESTION_TIMEOUT_S
    ) as client:
        asking = Asking(client, manner.questions, [table.name for table in TABLES], manner.ask_every_s)
        async with _meanwhile("asking", asking.ask_for(load.seconds), notes):
            yield asking


def _why_not_asked(served: Served, manner: Manner) -> str:
    if not served.stores:
        return "the null sink keeps no rows"
    return "" if manner.questions else "left out by --no-questions"


async def _settle(served: Served) -> Settled | None:
    """Wait until the server has stored what it holds; None if it does not show its counters."""
    start = time.monotonic()
    async with Client(served.url, served.token, database=served.database) as client:
        try:
            while True:
                backlog, waited_s = (await client.stats()).backlog, time.monotonic() - start
                if backlog <= 0 or waited_s > SETTLE_S:
                    return Settled(waited_s, backlog)
                await asyncio.sleep(SETTLE_POLL_S)
        except NascarError:
            return None


def _outcome(file: Path, stream: StreamProcess) -> tuple[Report | None, str | None]:
    if not file.exists():
        return None, stream.last_words()
    report = reports.read(file)
    # The file was the benchmark's own and is gone.
    own = [argument if argument != str(file) else file.name for argument in report.get("arguments", [])]
    return cast(Report, {**report, "arguments": own}), None


def _origin_s(report: Report | None, watcher: Watcher) -> float:
    """The stream's start, or else its process's, on the clock of the samples."""
    if report is not None and report["started_at"]:
        started = datetime.fromisoformat(report["started_at"]).timestamp()
        return started - time.time() + watcher.clock()
    return min((samples.at_s[0] for samples in watcher.samples.values() if samples.at_s), default=0.0)


def bytes_of(database: str, folder: Path) -> int:
    """Bytes of all files in folders named `database` below `folder`, as they lie on the disk."""
    total = 0
    for inner, _, names in os.walk(folder):
        if database not in Path(inner).relative_to(folder).parts:
            continue
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(inner) / name).stat().st_size
    return total


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
