"""The ceiling as a whole: every stage of it, in processes of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from nascar.bench import record
from nascar.bench.ceiling import ON_ALL_CORES, TITLES, Ceiling
from nascar.bench.crew import Crew, Measurer, Order
from nascar.bench.sink import SinkProcess
from nascar.bench.stages import Stage, Taken
from nascar.cli import ceiling as command
from nascar.cli.command import run_command
from nascar.cli.pipeline import Pipeline
from nascar.errors import NascarError
from nascar.stream.shard import Shard

MakePipeline = Callable[[], Pipeline]


def crew_of(pipeline: Pipeline, size: int) -> Crew:
    return Crew(Measurer(pipeline, pipeline.race.track.length_m), size)


@pytest.fixture
def known() -> Ceiling:
    """A ceiling of round numbers, of three turns on two cores."""
    made = Ceiling(cores=2, rate=612_000, batch_size=10_000, seconds=1.0)
    for turn in (1, 2, 3):
        made.take(Stage.DRY_RUN.value, Taken(rows=30_000_000 * turn, cpu_s=1.0, wall_s=2.0))
        made.take(Stage.PUBLISHED_WAY.value, Taken(rows=60_000 * turn, cpu_s=1.0, wall_s=1.0))
        both = (Taken(rows=10_000_000, cpu_s=1.0, wall_s=1.0), Taken(rows=8_000_000, cpu_s=0.5, wall_s=1.0))
        for stage in (Stage.RACE, Stage.RENDER_ENCODE):
            made.take_all(stage.value, both)
    return made


def test_the_median_is_shown_and_a_ratio_is_taken_within_a_turn(known: Ceiling) -> None:
    core = known.core(Stage.DRY_RUN.value)
    assert core is not None
    assert (core.least, core.median, core.most) == (30e6, 60e6, 90e6)
    ratio = known.ratio(Stage.DRY_RUN, Stage.PUBLISHED_WAY.value)
    assert ratio is not None
    # The machine was three times as fast in the last turn as in the first: for both.
    assert (ratio.least, ratio.most) == (500.0, 500.0)


def test_processes_add_up_but_for_the_race_which_each_of_them_runs(known: Ceiling) -> None:
    race, rendered = known.machine(Stage.RACE.value), known.machine(Stage.RENDER_ENCODE.value)
    assert race is not None
    assert rendered is not None
    assert race.median == 8e6
    assert rendered.median == 18e6


def test_what_began_together_is_counted_over_the_one_interval_that_holds_it_all(known: Ceiling) -> None:
    both = (
        Taken(rows=6_000, cpu_s=1.0, wall_s=1.0, start_s=100.0),
        # A busy machine let it begin and end later.
        Taken(rows=9_000, cpu_s=1.0, wall_s=1.5, start_s=100.5),
    )
    known.take_all(Stage.HTTP_SINK.value, both)
    together = known.machine(Stage.HTTP_SINK.value)
    assert together is not None
    assert together.median == pytest.approx(15_000 / 2.0)


async def test_what_is_sent_by_all_cores_is_sent_at_one_time(pipeline: MakePipeline) -> None:
    async with SinkProcess() as sink, crew_of(pipeline(), 2) as crew:
        orders = [Order(Stage.HTTP_SINK, 0.5, sink.url, Shard(number, 2)) for number in range(2)]
        first, second = await crew.take_together(*orders)
    assert min(first.rows, second.rows) > 0
    assert first.start_s is not None
    assert second.start_s is not None
    ends_s = (first.start_s + first.wall_s, second.start_s + second.wall_s)
    assert max(first.start_s, second.start_s) < min(ends_s), "they never sent at the same time"


async def test_one_that_fails_lets_nobody_wait_and_is_what_is_said(
    pipeline: MakePipeline, refusing: str
) -> None:
    async with SinkProcess() as sink, crew_of(pipeline(), 2) as crew:

        def orders(*urls: str) -> list[Order]:
            return [Order(Stage.HTTP_SINK, 0.1, url, Shard(n, 2)) for n, url in enumerate(urls)]

        with pytest.raises(NascarError, match="did not take all"):
            await crew.take_together(*orders(sink.url, refusing))
        taken = await crew.take_together(*orders(sink.url, sink.url))
    assert all(one.rows > 0 for one in taken)


def test_a_machine_that_is_shared_is_said_to_be(known: Ceiling) -> None:
    assert known.is_shared
    assert "1.5 of 2 cores" in " ".join(known.notes())


def test_what_was_not_measured_is_null_and_not_zero(known: Ceiling) -> None:
    summary = known.summary()
    assert summary["tsbs_per_core"] is None
    assert summary["http_sink_all_cores"] is None
    assert summary["dry_run_per_core"] == 60_000_000
    assert "tsbs_generate_data is not on the PATH: not measured" in " ".join(known.notes())
    assert json.loads(json.dumps(known.record()))["ratios"]["dry_run_to_tsbs"] is None


def test_another_generator_that_writes_nothing_is_not_called_absent(known: Ceiling) -> None:
    known.without_tsbs = "tsbs_generate_data wrote no rows"
    assert "To TSBS: tsbs_generate_data wrote no rows: not measured." in known.notes()


async def test_a_crew_leaves_nobody_behind_and_says_who_died(pipeline: MakePipeline) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(NascarError, match="died"):
        async with crew_of(pipeline(), 1) as crew:
            (taken,) = await crew.take(Order(Stage.RACE, 0.02))
            assert taken.rows > 0
            for child in psutil.Process().children():
                if child.pid not in before and "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
            await crew.take(Order(Stage.RACE, 0.02))
    # The tracker of multiprocessing's resources stays for the life of the process, on purpose.
    after = [c for c in psutil.Process().children() if c.pid not in before]
    assert not [c for c in after if "resource_tracker" not in " ".join(c.cmdline())]


async def test_a_sink_that_is_not_there_is_an_error_and_the_crew_goes_on(pipeline: MakePipeline) -> None:
    async with crew_of(pipeline(), 1) as crew:
        with pytest.raises(NascarError, match="did not take all"):
            await crew.take(Order(Stage.PUBLISHED_REPLAY, 0.02, "http://127.0.0.1:9"))
        (taken,) = await crew.take(Order(Stage.RACE, 0.02))
    assert taken.rows > 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="nascar bench")
    command.add_parser(made.add_subparsers(required=True))
    return made


SHORT = ("ceiling", "--seconds", "0.05", "--repetitions", "1", "--cars", "4", "--seed", "3")


def test_json_is_the_medians_of_all_stages_alone_and_on_all_cores_and_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_command(parser(), [*SHORT, "--processes", "2", "--json", "--out", str(tmp_path)]) == 0
    medians = json.loads(capsys.readouterr().out)
    (kept,) = tmp_path.glob("ceiling-*.json")
    assert record.read(kept)["ceiling"]["messages_per_s"] == medians
    assert medians.pop("tsbs_per_core") is None
    assert set(medians) == {f"{stage.value}_per_core" for stage in Stage} | {
        f"{stage.value}_all_cores" for stage in ON_ALL_CORES
    }
    assert all(value > 0 for value in medians.values())


def test_without_json_it_is_a_table_of_all_stages_and_says_what_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_command(parser(), [*SHORT, "--processes", "1", "--rate", "60000", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for stage in Stage:
        assert TITLES[stage.value] in shown
    assert "60,000 messages/s" in shown
    (drawn,) = tmp_path.glob("ceiling-*.html")
    assert shown.rstrip().splitlines()[-1].startswith(f"Next: open {drawn}")


def test_a_rate_that_no_race_can_have_is_refused_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    assert run_command(parser(), [*SHORT, "--batch-size", "2", "--out", str(folder)]) == 2
    assert "--batch-size 4" in capsys.readouterr().err
    assert not folder.exists()


def test_a_folder_that_takes_no_results_is_refused_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert run_command(parser(), [*SHORT, "--out", str(tmp_path / "file")]) == 2
    assert "--out" in capsys.readouterr().err
