"""Hops of a diagnosis: checked in order, the first that fails names its fix, and what comes after is not checked.

Everything in this folder runs with any Python from 3.9 on and its standard library: it has to work where nothing
of the project is installed. So its dataclasses have no slots, which came with 3.10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class Broken(Exception):
    """A hop does not hold: what was found, and what to do next."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def message(self) -> str:
        """Both, as they are told at the end of a command."""
        what = f"{self.what[:1].upper()}{self.what[1:]}"
        return f"{what}{'' if what.endswith(('.', '?', '!')) else '.'}\nWhat to do: {self.fix}"


class LeftOut(Exception):
    """A hop does not exist in this stack; says why."""


@dataclass(frozen=True)
class Hop:
    """One thing that must hold, and how to find out: `check` says what it found, or raises."""

    name: str
    check: Callable[[], str]


def walk(hops: Sequence[Hop], say: Callable[[str], None]) -> Broken | None:
    """Check `hops` in order and say what came of each; the failure, if there is one."""
    width = max(len(hop.name) for hop in hops)
    failure: Broken | None = None
    for hop in hops:
        if failure is not None:
            say(f"unchecked  {hop.name}")
            continue
        try:
            word, text = "ok", hop.check()
        except LeftOut as left_out:
            word, text = "left out", str(left_out)
        except Broken as broken:
            word, text, failure = "FAILED", broken.what, broken
        say(f"{word:9}  {hop.name:{width}}  {text}")
    return failure
