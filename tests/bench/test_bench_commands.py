"""``nascar bench`` as a person runs it: real streams into the embedded engine, the null sink, and a bad server."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from nascar.bench import measures, record
from nascar.cli.main import build_parser, main
from tests.stream.conftest import DATABASE, GOOD, TOKEN, Act, Server

from .conftest import Bench, Climbed

QUICK = ("--cars", "10", "--warm-up", "0", "--processes", "1")


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parsers of all benchmarks."""

    def below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
        return next(
            dict(action.choices)
            for action in parser._actions
            if isinstance(action, argparse._SubParsersAction)
        )

    return below(below(build_parser())["bench"])


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


async def run_beside(*arguments: str) -> tuple[int, str]:
    """Run ``nascar bench …`` while a server of this process answers; status and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nascar", "bench", *arguments),
        env={**os.environ, "ARC_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await asyncio.wait_for(process.communicate(), 120))[0].decode()
    assert process.returncode is not None
    return process.returncode, output


def the_record(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("*.json")
    assert file.with_suffix(".html").exists()
    assert TOKEN not in file.read_text()
    assert TOKEN not in file.with_suffix(".html").read_text()
    return record.read(file)


def test_a_ladder_has_all_six_measures_at_every_level(climbed: Climbed) -> None:
    levels = climbed.record["ladder"]["levels"]
    assert [level["load"]["rate"] for level in levels] == [6_000, 12_000]
    for level in levels:
        offered = round(level["load"]["rate"] * level["load"]["seconds"])
        assert measures.rows(level, "scheduled") == offered
        assert measures.rows(level, "acknowledged") == measures.stored_rows(level) == offered
        for since in ("due", "send"):
            latency = level["report"]["latency_ms"][since]
            assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
        assert len(measures.slugs([level])) == 8
        assert level["questions"]["questions"]["leaderboard"]["asked"] > 0
        for who in ("client", "server"):
            assert measures.use(level, who, "mean_cores") > 0  # type: ignore[operator]
            assert measures.use(level, who, "most_rss_bytes") > 10e6  # type: ignore[operator]
        assert measures.use(level, "server", "written_bytes") > 0  # type: ignore[operator]
        assert level["disk_bytes"] > 0
        assert level["settled"]["backlog_rows"] == 0


def test_its_status_and_its_words_follow_from_its_levels(climbed: Climbed) -> None:
    levels = climbed.record["ladder"]["levels"]
    all_held = all(level["held"] for level in levels)
    assert climbed.status == (0 if all_held else 1)
    assert climbed.record["ladder"]["held"] == all_held
    assert f"Held {sum(level['held'] for level in levels)} of 2 levels" in climbed.output
    for said in (
        "Ingest rate",
        "Write latency",
        "eight questions",
        "Memory, disk and CPU",
        "speed_over_time",
    ):
        assert said in climbed.output
    assert climbed.output.splitlines()[-1].startswith(f"Next: open {climbed.page}")
    assert str(climbed.json) in climbed.output


def test_a_level_finds_nothing_of_the_one_before(climbed: Climbed) -> None:
    for level in climbed.record["ladder"]["levels"]:
        counted = level["report"]["verification"]["tables"]
        assert all(table["outcome"] == "equal" for table in counted.values())


def test_the_questions_were_asked_while_rows_flowed(climbed: Climbed) -> None:
    for level in climbed.record["ladder"]["levels"]:
        for question in level["questions"]["questions"].values():
            assert all(-1 <= at <= level["report"]["elapsed_s"] + 1 for at in question["at_s"])


async def test_ctrl_c_ends_the_level_with_its_report_and_keeps_what_was_measured(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nascar", "bench", "ladder", "--sink", "--levels", "6000,12000,6000"),
        *("--seconds", "2", "--out", str(tmp_path), "--cars", "10", "--processes", "1"),
        *("--warm-up", "0.5"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = []
    async with asyncio.timeout(120):
        async for line in process.stdout:
            said.append(line.decode())
            if "6 k/s held" in said[-1]:
                process.send_signal(signal.SIGINT)
    assert await process.wait() == 1
    output = "".join(said)
    assert "warming up" in output
    found = the_record(tmp_path)["ladder"]
    assert found["ended"] == "stopped"
    assert found["held"] is False
    assert found["levels"][0]["held"]
    assert found["levels"][0]["warm_up_s"] == 0.5
    assert len(found["levels"]) < 3, "a level began after Ctrl-C"
    assert measures.rows(found["levels"][0], "acknowledged") == 12_000
    assert "then it was stopped" in output
    for level in found["levels"]:
        report = level["report"]
        for table in report["tables"].values():
            assert table["scheduled"] == table["acknowledged"] + table["failed"] + table["missed"]


async def test_a_server_that_drops_rows_is_found_out_and_stops_the_ladder_if_told_so(
    server: Server, tmp_path: Path
) -> None:
    server.act = lambda number: Act(store=0) if number % 4 == 0 else GOOD
    status, output = await run_beside(
        *("ladder", "--levels", "6000,12000", "--seconds", "2", "--stop-on-miss", "--no-questions", *QUICK),
        *("--url", server.url, "--database", DATABASE, "--append", "--out", str(tmp_path)),
        *("--verify-deadline", "1"),
    )
    assert status == 1, output
    ladder = the_record(tmp_path)["ladder"]
    (level,) = ladder["levels"]
    assert not level["held"]
    assert measures.rows(level, "acknowledged") == 12_000
    stored = measures.stored_rows(level)
    assert stored is not None
    assert stored == sum(1 for row in server.rows if row[0].endswith("_telemetry")) < 12_000
    assert f"stored {sum(1 for _ in server.rows):,} of" in output
    assert measures.bound(level) == "server"
    assert level["questions"] is None
    assert level["questions_note"]
    # The listener on the port is this very process.
    assert measures.use(level, "server", "most_rss_bytes") is not None


async def test_what_stays_on_a_server_that_is_not_ours_is_named_with_the_way_to_remove_it(
    server: Server, tmp_path: Path
) -> None:
    _, output = await run_beside(
        *("ladder", "--levels", "6000", "--seconds", "1", "--no-questions", *QUICK, "--out", str(tmp_path)),
        *("--url", server.url, "--database", "night_race"),
    )
    assert "Left on the server: night_race_1." in output
    assert "DELETE /api/v1/databases/NAME?confirm=true" in output
    assert output.splitlines()[-1].startswith("Next: ")
    found = the_record(tmp_path)
    assert found["server_version"] is None, "this server tells none"
    assert str(tmp_path) not in json.dumps(found)


async def test_a_database_with_rows_is_refused_before_anything_is_sent(
    server: Server, tmp_path: Path
) -> None:
    server.rows.append(("engine_telemetry", 24, 1_790_000_000_000_000))
    status, output = await run_beside(
        *("ladder", "--levels", "6000", "--seconds", "1", *QUICK, "--out", str(tmp_path)),
        *("--url", server.url, "--database", "night-race"),
    )
    assert status == 2, output
    assert "night-race_1 holds rows of engine_telemetry already" in " ".join(output.split())
    assert server.writes == []
    assert "Next:" not in output


def test_the_knee_of_a_sink_lies_at_the_limit_that_it_was_given(bench: Bench, tmp_path: Path) -> None:
    ended = bench(
        *("knee", "--sink", "--from", "6000", "--most", "6000", "--trial-seconds", "1", "--sustain", "2"),
        *("--out", str(tmp_path), *QUICK, "--p99-limit", "20000"),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    knee = the_record(tmp_path)["knee"]
    assert (knee["rate"], knee["missed_rate"]) == (6_000, None)
    assert [(one["load"]["rate"], one["phase"]) for one in knee["trials"]] == [
        (6_000, "raise"),
        (6_000, "confirm"),
    ]
    assert knee["trials"][-1]["load"]["seconds"] == 2
    assert "The highest rate sustained for 2 s: 6,000 rows/s." in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("Next: ")


def run_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = main(("bench", *arguments))
    except SystemExit as end:
        status = int(end.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_compare_prints_ratios_and_differences(
    capsys: pytest.CaptureFixture[str], climbed: Climbed, tmp_path: Path
) -> None:
    status, out, _ = run_here(capsys, "compare", str(climbed.json), str(climbed.json))
    assert status == 0
    assert "level of 12 k/s" in out
    assert "1.00" in out
    assert "differs" not in out
    other = {**climbed.record, "seed": 99}
    file = tmp_path / "other.json"
    file.write_text(record.encoded(other))
    status, out, _ = run_here(capsys, "compare", str(climbed.json), str(file))
    assert status == 0
    assert "differs: seed: 1 and 99" in out
    file.write_text(record.encoded({**other, "kind": "knee", "knee": {}}))
    status, _, err = run_here(capsys, "compare", str(climbed.json), str(file))
    assert status == 2
    assert "different things" in err


def test_a_page_is_drawn_again_from_its_record(
    capsys: pytest.CaptureFixture[str], climbed: Climbed, tmp_path: Path
) -> None:
    status, out, _ = run_here(capsys, "page", str(climbed.json), "--out", str(tmp_path / "again.html"))
    assert status == 0
    assert out.startswith("Next: open ")
    assert (tmp_path / "again.html").read_text() == climbed.page.read_text()
    (tmp_path / "none.json").write_text(json.dumps({"laps": 1}))
    status, _, err = run_here(capsys, "page", str(tmp_path / "none.json"))
    assert status == 2
    assert "nascar stream --report" in err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ladder --sink --url http://localhost:8000", "not both"),
        ("ladder --database laps", "--url"),
        ("ladder --server-pid 5", "--url"),
        ("ladder --url http://localhost:8000 --append", "--database"),
        ("ladder --url http://localhost:8000", "ARC_TOKEN"),
        ("ladder --levels 612000,fast", "whole number"),
        ("ladder --seconds 0", "out of range"),
        ("knee --from 10", "out of range"),
        ("knee --precision 0", "out of range"),
        ("ladder --sink --out /proc/none", "--out"),
        ("ladder --sink --batch-size 10", "--batch-size 40 or more"),
        ("knee --sink --compression rar", "give none, gzip or zstd"),
        ("compare a.json", "B.json"),
    ],
)
def test_wrong_input_ends_with_status_2_and_says_what_to_give(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    monkeypatch.delenv("ARC_TOKEN", raising=False)
    status, _, err = run_here(capsys, *line.split())
    assert status == 2
    assert says in err


@pytest.mark.parametrize("name", parsers())
def test_every_benchmark_and_every_flag_is_explained(name: str) -> None:
    parser = parsers()[name]
    assert parser.description
    assert "Example" in parser.format_help()
    for action in parser._actions:
        assert action.help, action.option_strings
