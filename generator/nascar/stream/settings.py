"""How a stream is to run, checked once where it enters."""

from __future__ import annotations

from dataclasses import dataclass

from nascar.stream.shard import WHOLE, Shard


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Settings of one run. The token never shows in a repr."""

    url: str
    database: str
    rate: int
    """Rows a second over all tables and all shards: what the run is held to."""
    workers: int
    """Most requests in flight."""
    pregenerate_batches: int
    """Most encoded batches that wait to be sent (also bounded by `ahead_s` and `ahead_bytes`)."""
    token: str = ""
    ahead_s: float = 0.1
    """Batches are encoded at most this long before their due time. More would not help a process that sends
    and encodes in turn; it only costs memory, and makes the race run further ahead of its clock."""
    ahead_bytes: int = 32 * 2**20
    """Most bytes of encoded batches that wait to be sent."""
    flight_bytes: int = 48 * 2**20
    """Most bytes of bodies in flight, retries that wait included (one body may always fly): a slow server and
    many workers must not fill this machine's memory."""
    late_limit_s: float = 5.0
    """A batch that could not be sent this long after its due time is dropped and counted as missed."""
    max_backlog_s: float = 5.0
    """The server may hold this many seconds of the rate in memory before new rows are held back."""
    backlog_poll_s: float = 1.0
    """How often the server's backlog is read."""
    request_timeout_s: float = 10.0
    drain_s: float = 15.0
    """After the last batch, or Ctrl-C, requests in flight have this long to end."""
    ready_timeout_s: float = 30.0
    dry_run: bool = False
    shard: Shard = WHOLE
    """The part of the run that is to be sent."""
    window_s: float = 30.0
    """Rows are proved to be stored in windows of this length while a long run lasts."""

    @property
    def own_rate(self) -> float:
        """Rows a second of the shard."""
        return self.rate / self.shard.count

    @property
    def max_backlog_rows(self) -> int:
        """Rows that the server may hold in memory, whoever sent them."""
        return round(self.max_backlog_s * self.rate)

    def __repr__(self) -> str:
        return f"StreamSettings({self.database!r} at {self.url}, {self.rate:,}/s, {self.workers} workers)"
