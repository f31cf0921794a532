"""What befalls a level from outside: Ctrl-C at a bad moment, and faults of what stands beside the stream."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nascar.bench import measures, trial
from nascar.bench.child import StreamProcess
from nascar.bench.load import Load, Manner, Stopped, Stopper
from nascar.bench.target import EngineTarget, Served, SinkTarget
from nascar.bench.trial import Settled, run_level
from nascar.bench.watched import WholeMachine

COLD = Manner(warm_up_s=0)


async def test_a_level_that_was_over_is_not_stopped_afterwards_and_faults_beside_it_are_notes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stopper = Stopper()

    async def settle(served: Served) -> Settled | None:
        stopper.stop()
        return None

    async def look(machine: WholeMachine) -> None:
        raise OSError("no counters here")

    monkeypatch.setattr(trial, "_settle", settle)
    monkeypatch.setattr(WholeMachine, "look", look)
    load = Load(rate=6_000, seconds=2, cars=10, processes=1)
    result = await run_level(EngineTarget(tmp_path), load, COLD, stopper)
    assert stopper.is_asked
    assert not result.stopped
    level = result.as_json()
    assert level["report"]["verification"]["ok"]
    assert "The machine could not be looked at (OSError: no counters here)." in measures.warnings(level)
    assert level["resources"]["machine"] is None
    assert level["resources"]["client"] is not None


async def test_ctrl_c_before_the_stream_is_there_reaches_it(tmp_path: Path) -> None:
    stopper = Stopper()
    stream = StreamProcess(["--dry-run", "--rate", "6000", "--duration", "600"], "", tmp_path)
    with stopper.handing_to(stream.interrupt):
        stopper.stop()
        async with stream:
            assert await stream.wait(120) != -9, "it went on, and had to be killed"


async def test_of_a_level_that_ctrl_c_met_before_it_was_there_nothing_is_kept() -> None:
    stopper = Stopper()

    def tell(text: str) -> None:
        # Said just before the stream is started.
        asyncio.get_running_loop().call_soon(stopper.stop)

    with pytest.raises(Stopped):
        await run_level(SinkTarget(), Load(6_000, 600, cars=10, processes=1), COLD, stopper, tell)
