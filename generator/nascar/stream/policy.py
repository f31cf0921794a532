"""What to do about the end of one request: the only place that decides retry, give up or stop.

Pure: the time, the jitter and the attempt are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nascar.errors import NascarError, TokenRefused

FIRST_BACKOFF_S: Final = 0.1
LONGEST_BACKOFF_S: Final = 2.0

_RETRIED: Final = frozenset({404, 408, 425, 429})
"""Answers below 500 that another attempt can mend; 404 is what a proxy says while the server restarts."""

_UNCLEAR: Final = frozenset({408, 500, 502, 504})
"""Answers that leave open whether the rows were taken: from a proxy, or from the middle of a write."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended: an answer, or none."""

    status: int | None
    """HTTP status; None when no answer came."""
    message: str = ""
    """The server's own words, or what broke. Never contains the token."""
    reached: bool = True
    """Whether the request got as far as the server: False if no connection could be made."""
    retry_after_s: float | None = None
    """What the server asked for in its Retry-After header."""

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def unclear(self) -> bool:
        """Whether the rows may be stored although nothing was acknowledged."""
        return self.reached and (self.status is None or self.status in _UNCLEAR)

    def __str__(self) -> str:
        if self.status is None:
            return self.message
        return f"{self.status} {self.message}".rstrip()


@dataclass(frozen=True, slots=True)
class Done:
    """The rows are acknowledged."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the same rows again after `after_s` seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """These rows are lost; the run goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """No further request can succeed: end the run with this error."""

    error: NascarError


Decision = Done | Retry | GiveUp | Fatal


def decide(outcome: Outcome, *, attempt: int, age_s: float, late_limit_s: float, jitter: float) -> Decision:
    """What follows from `outcome`, the end of attempt number `attempt` (from 1).

    `age_s` is the time since the batch was due, `jitter` a random number in [0, 1). 2xx is the end; 401 and
    403 end the run, because no retry can help; another 3xx or 4xx loses these rows only; 429, 5xx and broken
    connections are tried again, as long as the next attempt begins before the batch is `late_limit_s` old.
    """
    status = outcome.status
    if outcome.acknowledged:
        return Done()
    if status == 401:
        return Fatal(
            TokenRefused(
                f"The server does not know this token ({outcome}). "
                "Give the right one with --token or in ARC_TOKEN."
            )
        )
    if status == 403:
        return Fatal(
            TokenRefused(
                f"The token may not write ({outcome}). "
                "Give one with write permission with --token or in ARC_TOKEN."
            )
        )
    if status is not None and status < 500 and status not in _RETRIED:
        return GiveUp(str(outcome))
    after_s = backoff_s(attempt, jitter)
    if outcome.retry_after_s is not None:
        after_s = max(after_s, outcome.retry_after_s)
    if age_s + after_s >= late_limit_s:
        return GiveUp(str(outcome))
    return Retry(after_s)


def backoff_s(attempt: int, jitter: float) -> float:
    """Wait before attempt ``attempt + 1``: doubling up to a limit, of which `jitter` keeps half to all."""
    most = min(FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 30), LONGEST_BACKOFF_S)
    return most * (0.5 + 0.5 * jitter)
