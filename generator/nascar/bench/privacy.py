"""Takes out of a record what belongs to nobody else: tokens, names of hosts, folders of a machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import urlsplit

from nascar.stream.report import without_token

HOST: Final = "SERVER"
"""Stands for the name of a host that is not this machine."""
HOME: Final = "~"


class Curtain:
    """Knows what a command line gives away, and hides it wherever it stands."""

    def __init__(self, arguments: Sequence[str], token: str = "") -> None:
        """`arguments` are the command line behind ``nascar``."""
        self._arguments = without_token(arguments, token)
        self._hidden: dict[str, str] = {token: "***"} if token else {}
        for value in _values(self._arguments):
            if "://" in value:
                self._hidden |= _host(value)
            elif PurePath(value).is_absolute() and PurePath(value).name:
                self._hidden[value] = PurePath(value).name
        home = str(Path.home())
        if len(PurePath(home).parts) > 1:
            self._hidden.setdefault(home, HOME)
        # The longest first: a folder in the home folder is not cut in two.
        names = sorted(self._hidden, key=len, reverse=True)
        self._pattern = re.compile("|".join(_whole(name, token) for name in names)) if names else None

    @property
    def command(self) -> list[str]:
        """The command line without them; of a path only the last part is left."""
        return [self.hide(_last_part(argument)) for argument in self._arguments]

    def hide(self, value: Any) -> Any:
        """`value` without them, however deep: a server may have put a token into a message."""
        if isinstance(value, str):
            return value if self._pattern is None else self._pattern.sub(self._instead, value)
        if isinstance(value, Mapping):
            return {key: self.hide(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(inner) for inner in value]
        return value

    def _instead(self, found: re.Match[str]) -> str:
        return self._hidden[found[0]]


def _whole(name: str, token: str) -> str:
    """A token is hidden inside a word, too; a host or a folder only where it is not a part of another's name."""
    return re.escape(name) if name == token else rf"(?<![\w.-]){re.escape(name)}(?![\w-])"


def _values(arguments: Sequence[str]) -> Iterator[str]:
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        yield value if equals and flag.startswith("-") else argument


def _host(url: str) -> dict[str, str]:
    """What of `url` names a host, and what may stand there; nothing for this machine's own loopback."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return {}
    if not name or name == "localhost" or _is_loopback(name):
        return {}
    netloc = parts.netloc.rpartition("@")[2]
    hidden = {netloc: HOST if port is None else f"{HOST}:{port}"}
    # A bare word such as `arc` means something else, too.
    if "." in name or ":" in name:
        hidden[name] = HOST
    return hidden


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _last_part(argument: str) -> str:
    flag, equals, value = argument.partition("=")
    if not (equals and flag.startswith("-")):
        flag, equals, value = "", "", argument
    if "://" in value or "/" not in value:
        return argument
    return flag + equals + (PurePath(value).name or value)
