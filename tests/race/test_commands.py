"""The inbox: what a presenter asks for happens at its time, or is refused with the reason and changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from nascar.errors import CommandRefused
from nascar.race.commands import Command, Verb
from nascar.race.digest import FramesDigest
from nascar.race.entries import field, load_entries
from nascar.race.events import Event, EventKind
from nascar.race.frames import TICK_S, TIRES, Frames, join_frames
from nascar.race.rules import Cautions, Rules
from nascar.race.simulation import Race
from nascar.race.tires import pressure_psi
from nascar.race.track import charlotte

from .laws import GREEN, YELLOW, in_box

CARS = 12
ENTRIES = field(load_entries(), CARS)
NUMBER = ENTRIES[3].car_number
RULES = Rules(30, Cautions.NONE)
AT_S = 60.0
AT = round(AT_S / TICK_S)


@dataclass(frozen=True, slots=True)
class Run:
    frames: Frames
    events: tuple[Event, ...]
    digest: str

    def of(self, kind: EventKind, car: int | None = 3) -> list[Event]:
        return [e for e in self.events if e.kind is kind and car in (None, e.car)]


def run(
    commands: Sequence[Command] = (),
    seconds: float = 160.0,
    *,
    live: Iterable[tuple[float, Command, bool]] = (),
    rules: Rules = RULES,
) -> Run:
    """A short race; `live` commands are given at their first time, and taken or refused."""
    race = Race(ENTRIES, charlotte(), 4, rules, commands=commands)
    digest = FramesDigest()
    parts: list[Frames] = []
    waiting = sorted(live, key=lambda order: order[0])
    for second in range(round(seconds)):
        while waiting and waiting[0][0] <= second:
            _, command, taken = waiting.pop(0)
            if taken:
                race.order(command)
            else:
                with pytest.raises(CommandRefused, match=r"\. [A-Z].*\.$"):
                    race.order(command)
        frames = race.advance(25)
        digest.update(frames)
        parts.append(frames)
    whole = join_frames(parts)
    return Run(whole, whole.events, digest.hexdigest())


@pytest.fixture(scope="module")
def plain() -> Run:
    return run()


def test_law_13_caution(plain: Run) -> None:
    """The yellow flag is out at that tick for no car's sake, and the field slows down."""
    done = run([Command(AT_S, Verb.CAUTION)])
    assert (plain.frames.flag == GREEN).all()
    assert int(np.argmax(done.frames.flag == YELLOW)) == AT
    assert [e.tick for e in done.of(EventKind.CAUTION, car=-1)] == [AT]
    assert [e.text for e in done.of(EventKind.COMMAND, car=None)] == ["Command: caution."]
    assert np.median(done.frames.speed_mps[AT + 1_500]) < 45.0


def test_law_12_pit(plain: Run) -> None:
    """The car comes in within about a lap, for four tires and fuel, and nobody else does."""
    done = run([Command(AT_S, Verb.PIT, NUMBER)])
    assert plain.of(EventKind.STOP, car=None) == []
    (stop,) = done.of(EventKind.STOP, car=None)
    assert stop.car == 3
    assert stop.tires == 4
    assert AT < stop.tick < AT + round(65.0 / TICK_S)
    assert in_box(done.frames)[stop.tick - 50, 3]
    assert done.frames.fuel_gal[stop.tick, 3] > 19.9
    assert set(done.frames.flag.tolist()) == {GREEN}


def test_law_10_puncture() -> None:
    """One tire loses its air within seconds; the car slows down, comes in and leaves on four good ones."""
    done = run([Command(AT_S, Verb.PUNCTURE, NUMBER)])
    (incident,) = done.of(EventKind.INCIDENT, car=None)
    assert (incident.tick, incident.car) == (AT, 3)
    assert "flat" in incident.text
    (stop,) = done.of(EventKind.STOP, car=None)
    assert stop.car == 3
    assert stop.tires == 4
    lost_psi = pressure_psi(done.frames.tire_temp_f) - done.frames.tire_pressure_psi
    flat = int(lost_psi[AT + 250, 3].argmax())
    assert {"lf": "left front", "rf": "right front", "lr": "left rear", "rr": "right rear"}[TIRES[flat]] in (
        incident.text
    )
    assert done.frames.tire_pressure_psi[AT + 250, 3, flat] == pytest.approx(16.0)
    assert (np.diff(done.frames.tire_pressure_psi[AT : AT + 250, 3, flat]) <= 0.0).all()
    others = [tire for tire in range(4) if tire != flat]
    assert np.abs(lost_psi[:, 3, others]).max() < 1e-9
    assert np.abs(np.delete(lost_psi, 3, axis=1)).max() < 1e-9
    assert np.abs(lost_psi[stop.tick + 25 :, 3]).max() < 1e-9
    mean_mps = done.frames.speed_mps[AT + 250 : AT + 500].mean(axis=0)
    assert mean_mps[3] < 0.9 * np.delete(mean_mps, 3).mean()


def test_law_07_spin() -> None:
    """Within a lap the car loses control; the flag comes out, and it comes to rest off the track."""
    done = run([Command(AT_S, Verb.SPIN, NUMBER)])
    (incident,) = done.of(EventKind.INCIDENT, car=None)
    assert incident.car == 3
    assert "spins" in incident.text
    assert AT <= incident.tick < AT + round(32.0 / TICK_S)
    assert done.frames.flag[incident.tick + 1] == YELLOW
    assert [e.car for e in done.of(EventKind.CAUTION, car=None)] == [3]
    rested = done.frames.speed_mps[incident.tick :, 3] <= 0.0
    assert 0 < int(rested.argmax()) < round(20.0 / TICK_S)
    assert done.frames.lane_m[incident.tick + int(rested.argmax()), 3] > 12.0


def test_law_13_retire() -> None:
    """The car slows down, comes in, and is out for good."""
    done = run([Command(AT_S, Verb.RETIRE, NUMBER)])
    (out,) = done.of(EventKind.RETIRED, car=None)
    assert out.car == 3
    assert AT < out.tick < AT + round(90.0 / TICK_S)
    assert np.ptp(done.frames.distance_m[out.tick + 1 :, 3]) == 0.0
    assert done.frames.lane_m[out.tick + 1 :, 3].min() > 12.0
    assert np.median(done.frames.position[-1, 3]) == CARS


AGAIN = [
    pytest.param([Command(AT_S, Verb.RETIRE, NUMBER)], Command(90.0, verb, NUMBER), "out of the race", id=verb.value)
    for verb in (Verb.PIT, Verb.SPIN, Verb.PUNCTURE, Verb.RETIRE)
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "refused", "reason"),
    [
        *AGAIN,
        pytest.param([Command(AT_S, Verb.CAUTION)], Command(80.0, Verb.CAUTION), "caution is out", id="caution"),
        pytest.param([Command(AT_S, Verb.PIT, NUMBER)], Command(70.0, Verb.PIT, NUMBER), "pit box", id="pit twice"),
    ],
)  # fmt: skip
def test_a_command_of_the_script_that_cannot_be_carried_out_is_refused_and_changes_nothing(
    before: list[Command], refused: Command, reason: str
) -> None:
    without, done = run(before, 120.0), run([*before, refused], 120.0)
    assert done.digest == without.digest
    told = [e for e in done.events if e not in without.events]
    assert [(e.kind, e.tick) for e in told] == [(EventKind.COMMAND, round(refused.race_time_s / TICK_S))]
    assert told[0].text.startswith("Refused: ")
    assert reason in told[0].text


def test_a_car_in_its_box_cannot_spin() -> None:
    before = [Command(AT_S, Verb.PIT, NUMBER)]
    without = run(before)
    (stop,) = without.of(EventKind.STOP)
    done = run([*before, Command((stop.tick - 100) * TICK_S, Verb.SPIN, NUMBER)])
    assert done.digest == without.digest
    assert [e.text.startswith("Refused: spin") for e in done.of(EventKind.COMMAND)] == [False, True]


def test_after_the_checkered_flag_every_command_is_refused() -> None:
    rules = Rules(2, Cautions.NONE)
    commands = [Command(70.0, verb, None if verb is Verb.CAUTION else NUMBER) for verb in Verb]
    without, done = run([], 90.0, rules=rules), run(commands, 90.0, rules=rules)
    assert done.digest == without.digest
    told = [event.text for event in done.of(EventKind.COMMAND, car=None)]
    assert len(told) == len(Verb)
    assert all(text.startswith("Refused: ") and "has ended" in text for text in told)


@pytest.mark.parametrize(
    ("given_s", "refused"),
    [
        pytest.param(30.0, Command(29.9, Verb.CAUTION), id="its time has passed"),
        pytest.param(0.0, Command(-1.0, Verb.CAUTION), id="before the race"),
        pytest.param(30.0, Command(40.0, Verb.PIT, 777), id="no such car"),
        pytest.param(30.0, Command(40.0, Verb.PIT), id="no car is named"),
        pytest.param(30.0, Command(40.0, Verb.SPIN), id="nobody to spin"),
        pytest.param(30.0, Command(math.nan, Verb.CAUTION), id="no time"),
        pytest.param(30.0, Command(math.inf, Verb.CAUTION), id="never"),
    ],
)
def test_a_live_command_is_refused_with_the_reason_and_changes_nothing(
    given_s: float, refused: Command
) -> None:
    assert run([], 60.0, live=[(given_s, refused, False)]).digest == run([], 60.0).digest


def test_a_live_command_is_refused_for_a_car_that_is_out_and_for_a_second_caution() -> None:
    before = [Command(20.0, Verb.RETIRE, NUMBER), Command(30.0, Verb.CAUTION)]
    live = [(40.0, Command(50.0, Verb.PIT, NUMBER), False), (41.0, Command(50.0, Verb.CAUTION), False)]
    assert run(before, 60.0, live=live).digest == run(before, 60.0).digest


def test_a_live_command_is_refused_when_the_race_has_ended() -> None:
    rules = Rules(2, Cautions.NONE)
    live = [(75.0, Command(80.0, Verb.PIT, NUMBER), False)]
    assert run([], 85.0, live=live, rules=rules).digest == run([], 85.0, rules=rules).digest


def test_law_15_a_live_command_and_a_script_give_the_same_race(plain: Run) -> None:
    command = Command(AT_S, Verb.PUNCTURE, NUMBER)
    scripted = run([command])
    assert run(live=[(0.0, command, True)]).digest == scripted.digest
    assert run(live=[(60.0, command, True)]).digest == scripted.digest
    assert plain.digest != scripted.digest


def test_law_15_the_same_commands_in_any_order_give_the_same_race() -> None:
    commands = [
        Command(20.0, Verb.PIT, ENTRIES[5].car_number),
        Command(40.0, Verb.SPIN, ENTRIES[6].car_number),
        Command(90.0, Verb.PUNCTURE, NUMBER),
    ]
    first = run(commands)
    assert run(commands).digest == first.digest
    assert run(commands[::-1]).digest == first.digest
    assert len(first.of(EventKind.COMMAND, car=None)) == 3


def test_a_script_for_a_car_that_is_not_in_the_race_is_refused_at_once() -> None:
    with pytest.raises(CommandRefused, match="No car 777"):
        Race(ENTRIES, charlotte(), 1, RULES, commands=[Command(10.0, Verb.PIT, 777)])
    with pytest.raises(CommandRefused):
        Race(ENTRIES, charlotte(), 1, RULES, commands=[Command(10.0, Verb.PIT)])
