"""The errors of the engine.

EngineError             a message for the person who started the engine, with its exit status
Refusal                 a request that is answered with a status and one sentence
├── WriteRefused        answered as Arc answers writes: {"error": …}
└── QueryRefused        answered as Arc answers queries: the empty result with "error"
"""

from __future__ import annotations


class EngineError(Exception):
    """The engine cannot start or go on; the message names the next action."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Refusal(Exception):
    """A request that cannot be served."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class WriteRefused(Refusal):
    """Nothing of the request was stored."""


class QueryRefused(Refusal):
    """The statement was not run, or ended in an error."""


def bad_payload(message: str) -> WriteRefused:
    """A body that is not what the write endpoint takes."""
    return WriteRefused(400, f"Invalid MessagePack payload: {message}")


def bad_column(message: str) -> WriteRefused:
    """A column whose cells are not of one type."""
    return WriteRefused(500, f"Failed to write records: failed to convert columns: {message}")
