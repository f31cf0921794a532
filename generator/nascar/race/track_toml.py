"""A track file's text as tables that know on which line each value stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

from nascar.errors import TrackError

Keys = tuple[str | int, ...]
"""Keys, and places in arrays of tables, from the outermost in: ``("section", 3, "length_m")``."""

_LONGEST_LINE: Final = 1_000
_LONGEST_SHOWN: Final = 40
_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


class TrackToml:
    """The tables of a TOML text. Every value stands on one line: a track needs no longer ones."""

    def __init__(self, name: str, text: str) -> None:
        """`name` is what messages call the file. Raises `TrackError` for what is not TOML."""
        self.name = name
        self._text = text.replace("\r\n", "\n")
        # A key of a thousand parts would keep the parser busy for seconds.
        for number, line in enumerate(self._text.split("\n"), 1):
            if len(line) > _LONGEST_LINE:
                raise TrackError(
                    f"{name}, line {number}: {len(line):,} characters. Write lines of at most {_LONGEST_LINE:,}."
                )
        try:
            self.tables: dict[str, Any] = tomllib.loads(self._text)
            self._lines = dict(self._find_lines())
        except RecursionError:
            raise TrackError(f"{name}, line 1: nested too deeply. Write plain tables.") from None
        except ValueError as error:
            raise self._syntax_error(error) from error

    def line(self, path: Keys) -> int:
        """Line, from 1, of a value or of its table; of the innermost table around what is not there."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines[path] if path else 1

    def error(self, path: Keys, says: str) -> TrackError:
        """The error to raise for the value at `path`; `says` ends with what to do."""
        return TrackError(f"{self.name}, line {self.line(path)}, field {field_name(path)}: {says}")

    def _find_lines(self) -> Iterator[tuple[Keys, int]]:
        """Paths and their lines. As each statement is one line, each line is read alone."""
        within: Keys = ()
        latest: dict[Keys, int] = {}
        for number, line in enumerate(self._text.split("\n"), 1):
            try:
                stated = tomllib.loads(line)
            except ValueError:
                raise TrackError(
                    f"{self.name}, line {number}: a value over several lines. Write each value on one line."
                ) from None
            if line.lstrip(" \t").startswith("["):
                within = _header(stated, latest)
                yield within, number
            else:
                for path in _paths(stated):
                    yield within + path, number

    def _syntax_error(self, error: ValueError) -> TrackError:
        found = _PLACE.fullmatch(str(error))
        if not found:
            return TrackError(f"{self.name}: {str(error).rstrip('.')}. Write it as TOML does.")
        says, line, column = found.groups()
        where = f"line {line}, column {column}" if line else f"line {self._text.count(chr(10)) + 1}"
        # The message quotes the text it is about, however long.
        shown = says if len(says) <= 120 else says[:120] + "…"
        return TrackError(f"{self.name}, {where}: not TOML: {shown.rstrip('.')}. Mend the line.")


def field_name(path: Keys) -> str:
    """A path as people write it: ``pit.leave_m``, ``section 4.length_m``."""
    name = ""
    for key in path:
        if isinstance(key, int):
            name += f" {key + 1}"
        else:
            plain = key.isascii() and key.replace("_", "").isalnum() and len(key) <= _LONGEST_SHOWN
            name += ("." if name else "") + (key if plain else shown(key))
    return name


def shown(value: object) -> str:
    """A value of the file for a message: short, on one line, printable."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "an array"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number beyond all bounds"
    if isinstance(value, str):
        return ascii(value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…")
    return str(value)


def _header(stated: dict[str, Any], latest: dict[Keys, int]) -> Keys:
    """The table that a line with its header opens; `latest` counts the tables of each array so far."""
    path: Keys = ()
    node: Any = stated
    while isinstance(node, dict) and node:
        key, node = next(iter(node.items()))
        path += (key,)
        if isinstance(node, list):
            latest[path] = latest.get(path, -1) + 1
        if path in latest:
            path += (latest[path],)
    return path


def _paths(value: Any) -> Iterator[Keys]:
    """Every path in a value, the tables around it too."""
    items: Iterator[tuple[str | int, Any]]
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    else:
        return
    for key, inner in items:
        yield (key,)
        for path in _paths(inner):
            yield (key, *path)
