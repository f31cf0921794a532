"""A season: one race after the other, as an endless source of frames."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from nascar.errors import UsageError
from nascar.race.commands import Command
from nascar.race.events import Event
from nascar.race.frames import TICK_S, Frames, join_frames
from nascar.race.timing import KEPT, LapRecord, Standings, Timing

BLOCK_TICKS: Final = 25
"""Ticks asked of a race at a time. A race begins and ends with a block, however the season's ticks are cut."""
_SEEDS: Final = 2**63
"""After the last seed comes the first."""


class SeasonRace(Protocol):
    """What a season needs of a race."""

    @property
    def over(self) -> bool:
        """Whether the cool-down has ended too."""
        ...

    @property
    def finished(self) -> bool:
        """Whether every car has taken the checkered flag or is out."""
        ...

    def advance(self, ticks: int) -> Frames: ...

    def order(self, command: Command) -> None: ...


class Season:
    """Races with the seeds `seed`, `seed + 1`, …; ticks count on without a gap, distance and laps begin again.

    `make_race(seed, from_grid)` makes one: the first starts under green, those after it from the grid behind
    the pace car. Each has a timing of its own, from `make_timing`.

    With `start_lap` the season begins in the second in which the leader of the first race starts that lap:
    the race before it is run and timed, but handed to nobody, and its ticks lie before tick 0. Race time (of
    commands and of `LapRecord.crossed_s`) counts from the race's own first tick all the same.
    """

    def __init__(
        self,
        make_race: Callable[[int, bool], SeasonRace],
        seed: int,
        make_timing: Callable[[], Timing],
        *,
        start_lap: int = 1,
    ) -> None:
        self._make_race = make_race
        self._make_timing = make_timing
        self._start_lap = start_lap
        self._next_block_tick = 0
        """First tick that has not been worked out."""
        self._held: Frames | None = None
        """Ticks that are worked out and not handed out yet."""
        self._begun = False
        """Whether tick 0 is worked out."""
        self._shift = 0
        """Tick of the season at which the race at hand has its tick 0."""
        self._laps: deque[LapRecord] = deque(maxlen=KEPT)
        self._events: deque[Event] = deque(maxlen=KEPT)
        self.number = 1
        """Of the race at hand, from 1."""
        self.seed = seed
        """Of the race at hand."""
        self._race = make_race(seed, False)
        self.timing = make_timing()
        """Of the race at hand."""

    def prepare(self) -> None:
        """Run the race up to tick 0, so that the first ticks are there at once. Raises `UsageError`."""
        if not self._begun:
            self._held = self._joined()
            self._begun = True

    def advance(self, ticks: int) -> Frames:
        """The next `ticks` ticks."""
        if ticks < 1:
            raise ValueError(f"a season advances by at least one tick, not by {ticks}")
        self.prepare()
        parts: list[Frames] = []
        wanted = ticks
        while wanted:
            block = self._held if self._held is not None else self._block()
            part = block.cut(0, min(wanted, block.ticks))
            parts.append(part)
            wanted -= part.ticks
            rest = block.ticks - part.ticks
            self._held = block.cut(part.ticks, rest) if rest else None
        return join_frames(parts)

    def order(self, command: Command) -> None:
        """Hand a command to the race at hand. Raises `CommandRefused`."""
        self._race.order(command)

    def take_laps(self) -> list[LapRecord]:
        """Laps completed since the last call, in order of crossing, on the season's ticks."""
        laps = list(self._laps)
        self._laps.clear()
        return laps

    def take_events(self) -> list[Event]:
        """What happened since the last call, in order, on the season's ticks."""
        events = list(self._events)
        self._events.clear()
        return events

    def standings(self) -> Standings | None:
        """The race at hand as it stands; None before its first tick."""
        return self.timing.standings()

    def _joined(self) -> Frames:
        """The block with tick 0: that in which the leader starts the first lap wanted."""
        frames = self._race.advance(BLOCK_TICKS)
        self.timing.observe(frames)
        while self.timing.score.leader_laps + 1 < self._start_lap:
            if self._race.finished:
                raise UsageError(
                    f"The race ended with lap {self.timing.score.leader_laps}. Give an earlier --start-lap."
                )
            # Nobody asks for what was before.
            self.timing.take_laps()
            self.timing.take_events()
            frames = self._race.advance(BLOCK_TICKS)
            self.timing.observe(frames)
        self._shift = -frames.first_tick
        return self._shifted(frames)

    def _block(self) -> Frames:
        """The next ticks, of the next race if this one is over."""
        if self._race.over:
            self._shift = self._next_block_tick
            self.number += 1
            self.seed = (self.seed + 1) % _SEEDS
            self._race = self._make_race(self.seed, True)
            self.timing = self._make_timing()
        frames = self._race.advance(BLOCK_TICKS)
        self.timing.observe(frames)
        return self._shifted(frames)

    def _shifted(self, frames: Frames) -> Frames:
        """Frames of the race at hand on the season's ticks; what timing says of them is put with the rest."""
        shift = self._shift
        shift_s = shift * TICK_S
        for lap in self.timing.take_laps():
            moved = dataclasses.replace(lap, tick=lap.tick + shift, at_s=round(lap.at_s + shift_s, 3))
            self._laps.append(moved if shift else lap)
        for event in self.timing.take_events():
            self._events.append(dataclasses.replace(event, tick=event.tick + shift))
        self._next_block_tick = frames.first_tick + shift + frames.ticks
        if not shift:
            return frames
        events = tuple(dataclasses.replace(event, tick=event.tick + shift) for event in frames.events)
        return dataclasses.replace(frames, first_tick=frames.first_tick + shift, events=events)
