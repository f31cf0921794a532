"""Whether a run held what it was asked to, and if not, why and what would."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from nascar.stream.hindrance import Hindrance
from nascar.stream.result import Result
from nascar.stream.verification import Verification

TOLERANCE: Final = 0.01
"""The target counts as met within this share."""
HEADROOM: Final = 0.9
"""Of the rate that was reached, this share is advised: a machine at its limit misses rows at every hiccup."""
BUSY: Final = 0.9
"""A process that uses this share of a core for itself is what limits the rate."""
_STALLED_SHARE: Final = 0.02
"""A stall shorter than this share of the run is not what limited it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ok` only if the target was met within 1 %, nothing failed or was missed, beside it neither, and what was
    acknowledged is stored, where that was counted."""

    ok: bool
    text: str
    """One to three sentences for the end of a run."""
    reasons: tuple[str, ...] = ()
    """Why it is not ok; empty if it is."""
    bound: str | None = None
    """What limited the rate: ``client``, ``server``, ``backlog``, or None if nothing did or none is known."""
    holds_rate: int | None = None
    """Rows a second that were held, where a limit was met; a shard's own."""
    suggested_rate: int | None = None
    """The value to give instead."""

    @property
    def word(self) -> str:
        """The verdict of a report."""
        return "held" if self.ok else "not held"


def verdict(
    result: Result, verification: Verification | None = None, uncounted: str | None = None
) -> Verdict:
    """Judge a run, and what its server stored of it; `uncounted` is why nobody knows, if it was to be counted."""
    total = result.ledger.total()
    target, achieved = result.settings.own_rate, result.achieved_rate
    reasons: list[str] = []
    if result.error is not None:
        reasons.append(str(result.error))
    if not total.scheduled:
        return Verdict(
            False, "Not held: the run ended before the first batch was due.", (*reasons, "no rows")
        )
    if total.failed:
        reasons.append(f"{total.failed:,} rows failed{_troubles(result)}")
    if total.missed:
        reasons.append(f"{total.missed:,} rows were missed: they could not leave in time")
    if achieved < target * (1 - TOLERANCE):
        reasons.append(f"{achieved:,.0f} rows/s is {achieved / target:.1%} of the target")
    not_counted = f"what is stored was not counted: {uncounted}" if uncounted else ""
    after = [text for text in (_lost_beside(result), _not_stored(verification), not_counted) if text]
    if not reasons:
        if not after:
            return Verdict(True, _held(result, verification))
        bound = "server" if verification is not None and not verification.ok else None
        return Verdict(False, f"The rate was held, but {'; '.join(after).rstrip('.')}.", tuple(after), bound)
    reasons += after

    bound, evidence = _limit(result)
    parts = [f"Not held: {achieved:,.0f} of {target:,.0f} rows/s; " + "; ".join(reasons).rstrip(".") + "."]
    if evidence:
        reasons.append(evidence)
        parts.append(evidence + ".")
    holds = suggested = None
    if bound is not None and result.error is None:
        holds = round(achieved)
        if bound == "backlog" and result.stored_rate is not None:
            holds = round(min(achieved, result.stored_rate))
        suggested = _round_down(holds * HEADROOM)
        if 0 < suggested < target:
            parts.append(f"This machine holds about {holds:,} rows/s: give --rate {suggested}.")
        else:
            holds = suggested = None
    return Verdict(False, " ".join(parts), tuple(reasons), bound, holds, suggested)


def _held(result: Result, verification: Verification | None) -> str:
    total = result.ledger.total()
    if result.settings.dry_run:
        return (
            f"Dry run: {total.acknowledged:,} rows made and encoded in {result.elapsed_s:.1f} s, "
            f"{result.achieved_rate:,.0f} rows/s; nothing was sent."
        )
    early = f" until stopped after {result.covered_s:.0f} s" if result.stopped else ""
    shard = result.settings.shard
    part = "" if shard.is_whole else f"shard {shard} of "
    stored = "" if verification is None else ", and the same number stored"
    return (
        f"Held {part}{result.settings.rate:,} rows/s{early}: "
        f"{total.acknowledged:,} rows scheduled and acknowledged, none missed, none failed{stored}."
    )


def _not_stored(verification: Verification | None) -> str:
    """What the server has not, or has twice; empty if it holds what it acknowledged, or was not asked."""
    if verification is None or verification.ok:
        return ""
    tables = verification.all_tables
    stored, acknowledged = sum(t.stored for t in tables), sum(t.acknowledged for t in tables)
    wrong = "; ".join(f"{table.table}: {table.outcome}" for table in tables if not table.ok)
    return f"the server stored {stored:,} of {acknowledged:,} acknowledged rows ({wrong})"


def _lost_beside(result: Result) -> str:
    """What became of rows that do not count for the rate; empty if all were acknowledged."""
    total = result.beside.total()
    lost = total.failed + total.missed
    if not lost:
        return ""
    often = f"; most often: {_most_common(result.beside_troubles)}" if result.beside_troubles else ""
    return f"{lost:,} rows of the low-rate tables failed or were missed{often}"


def _troubles(result: Result) -> str:
    return f"; most often: {_most_common(result.troubles)}" if result.troubles else ""


def _limit(result: Result) -> tuple[str | None, str]:
    """What limited the rate, and how that is known."""
    seconds = max(result.elapsed_s, 1e-9)
    # Each process has one thread that does the work.
    cores = result.cpu_s / seconds / max(1, len(result.processes))
    if result.settings.dry_run:
        return "client", f"Making and encoding rows is the limit: {cores:.0%} of a core used"
    hindrance = _main_hindrance(result)
    if hindrance in (Hindrance.REFUSAL, Hindrance.SERVER) and result.unreached:
        message = _most_common(result.troubles)
        return None, f"The server was away: {result.unreached:,} requests found no connection ({message})"
    if hindrance is Hindrance.REFUSAL:
        refused = sum(result.troubles.values())
        message = _most_common(result.troubles)
        return None, f"The server did not take {refused:,} of {_requests(result):,} requests ({message})"
    if hindrance is Hindrance.BACKLOG:
        return "backlog", (
            f"The server's storage is the limit: rows were held back for {result.stalls.backlog_s:.1f} s, "
            f"because it had up to {result.most_backlog:,} rows in memory that it had not stored"
        )
    if hindrance is Hindrance.SERVER:
        return "server", (
            f"The server is the limit: for {result.stalls.server_s:.1f} s rows waited because all requests "
            f"in flight (up to {result.most_in_flight:,}) had no answer yet"
        )
    if hindrance is Hindrance.CLIENT:
        return "client", (
            f"This process is the limit: for {result.stalls.client_s:.1f} s rows were due that it had not "
            f"made yet, at {cores:.0%} of a core"
        )
    if cores >= BUSY:
        return "client", f"This process is the limit: it used {cores:.0%} of a core"
    return None, ""


def _main_hindrance(result: Result) -> Hindrance | None:
    """What cost most rows; where none is lost, what held rows up for longest."""
    if result.lost:
        return max(result.lost, key=lambda hindrance: result.lost[hindrance])
    stalls = result.stalls
    held_s = {
        Hindrance.BACKLOG: stalls.backlog_s,
        Hindrance.SERVER: stalls.server_s,
        Hindrance.CLIENT: stalls.client_s,
    }
    longest = max(held_s, key=lambda hindrance: held_s[hindrance])
    return longest if held_s[longest] > _STALLED_SHARE * result.elapsed_s else None


def _most_common(troubles: Counter[str]) -> str:
    return troubles.most_common(1)[0][0] if troubles else "no answer"


def _requests(result: Result) -> int:
    return result.ledger.total().requests


def _round_down(rate: float) -> int:
    """Cut to two significant digits: a value to give, not a measurement."""
    if rate < 10:
        return int(rate)
    whole = str(int(rate))
    return int(whole[:2].ljust(len(whole), "0"))
