"""One encoded batch on its way to the server, with what is known of its requests."""

from __future__ import annotations

from dataclasses import dataclass

from nascar.stream.source import BatchHead, Body


@dataclass(slots=True)
class Flight:
    """One encoded batch on its way."""

    head: BatchHead
    body: Body
    bytes: int
    reached: bool = False
    """A request for it got as far as the server."""
    unclear: bool = False
    """A request for it ended without a clear answer."""
    posting: bool = False
    """A request for it is under way."""
