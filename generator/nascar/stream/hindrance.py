"""What keeps rows from being acknowledged in time, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Hindrance(Enum):
    """What kept rows from being acknowledged."""

    CLIENT = "client"
    """They were not encoded yet: this process is too slow, or was kept from running."""
    SERVER = "server"
    """All workers (or `flight_bytes`) were taken by requests without an answer."""
    BACKLOG = "backlog"
    """The backlog guard held them."""
    REFUSAL = "refusal"
    """They left, and the server refused them, broke the connection, or could not be reached."""


@dataclass(slots=True)
class Stalls:
    """Seconds in which at least one batch was due and could not leave, by its `Hindrance`."""

    client_s: float = 0.0
    server_s: float = 0.0
    backlog_s: float = 0.0

    def charge(self, hindrance: Hindrance | None, elapsed_s: float) -> None:
        """Count `elapsed_s` seconds of it; nothing for None, and for refusals, which hold no batch up."""
        if hindrance is Hindrance.CLIENT:
            self.client_s += elapsed_s
        elif hindrance is Hindrance.SERVER:
            self.server_s += elapsed_s
        elif hindrance is Hindrance.BACKLOG:
            self.backlog_s += elapsed_s
