"""The one family of errors that a command ends with.

    NascarError              exit 1   something went wrong while running
    ├── ServerError          exit 1   the server is away, or answered what it should not
    └── UsageError           exit 2   the input is wrong; nothing was sent
        ├── TokenRefused     exit 2   401 or 403: no retry can help
        └── EntriesError     exit 2   a malformed entry list (line and column named)

Each message is one or two sentences for the person at the terminal and names the next action. A token
never appears in a message.
"""

from __future__ import annotations


class NascarError(Exception):
    """A failure with a message for people and the exit status the command ends with."""

    exit_code = 1


class ServerError(NascarError):
    """The server cannot be reached, or gave an answer that no retry will mend."""


class UsageError(NascarError):
    """The command was given something it cannot work with; nothing has been sent."""

    exit_code = 2


class TokenRefused(UsageError):
    """The server refused the token (401) or the token lacks the permission (403)."""


class EntriesError(UsageError):
    """The entry list cannot be read; the message names file, line and column."""
