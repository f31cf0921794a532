"""The one family of errors that a command ends with.

    NascarError              exit 1   something went wrong while running
    ├── ServerError          exit 1   the server is away, or answered what it should not
    └── UsageError           exit 2   the input is wrong; nothing was sent
        ├── TokenRefused     exit 2   401 or 403: no retry can help
        ├── EntriesError     exit 2   a malformed entry list (line and column named)
        ├── TrackError       exit 2   a malformed track (line and field named)
        ├── CommandsError    exit 2   a malformed file of race commands (line and field named)
        └── CommandRefused   exit 2   a command that the race cannot carry out now (nothing is changed)

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


class TrackError(UsageError):
    """The track cannot be read, or does not close; the message names file, line and field."""


class CommandsError(UsageError):
    """The race commands cannot be read; the message names file, line and field."""


class CommandRefused(UsageError):
    """The race cannot carry out the command: its time has passed, or its car is out. Nothing is changed."""
