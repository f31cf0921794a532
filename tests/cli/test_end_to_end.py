"""The whole path with real parts: stream → ledger → verify → the eight questions."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import TOKEN, Engine, Nascar, end_engine, start_engine

RATE = 30_000
SECONDS = 12


def running(process: subprocess.Popen[str]) -> str:
    """Wait until the command tells how its rows flow, some seconds after the first; what it has said."""
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        if " offered " in line:
            return output
    raise AssertionError(f"it ended before it ran:\n{output}")


@pytest.fixture(scope="module")
def streamed(engine: Engine, nascar: Nascar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A race of 12 s in the engine; the report of its run."""
    report = tmp_path_factory.mktemp("run") / "run.json"
    run = nascar(
        *("stream", "--url", engine.url, "--rate", str(RATE), "--duration", str(SECONDS)),
        *("--report", str(report)),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Ledger" in run.stdout
    assert "none missed, none failed" in " ".join(run.stdout.split())
    assert "Next:" in run.stdout
    return report


def test_all_eight_questions_have_rows_within_fifteen_seconds(
    streamed: Path, engine: Engine, nascar: Nascar
) -> None:
    """First of all that look at the run: the leaderboard asks about ten seconds, and no row is newer than its end."""
    run = nascar("queries", "--url", engine.url, "--json")
    assert run.returncode == 0, run.stderr
    asked = json.loads(run.stdout)["queries"]
    assert [one["number"] for one in asked] == [1, 2, 3, 4, 5, 6, 7, 8]
    for one in asked:
        assert one["rows"], one["title"]
        assert one["elapsed_ms"] > 0
    drivers_by_events = [row[2] for row in asked[7]["rows"]]
    assert drivers_by_events == sorted(drivers_by_events, reverse=True)
    # One table's rows of one car over the run: braking above 500 psi is a rare event, not a constant one.
    assert max(drivers_by_events) < RATE * SECONDS / 3 / 40 * 0.2


def test_the_report_has_the_names_that_scripts_rely_on(streamed: Path) -> None:
    report = json.loads(streamed.read_text())
    assert set(report["tables"]) == {"engine_telemetry", "chassis_telemetry", "tire_telemetry"}
    for table in report["tables"].values():
        assert table["scheduled"] == RATE * SECONDS // 3
        assert table["scheduled"] == table["acknowledged"] + table["failed"] + table["missed"]
        assert 0 < table["last_time_us"] - table["first_time_us"] <= SECONDS * 1_000_000
    assert report["target_rate"] == RATE
    assert report["achieved_rate"] == pytest.approx(RATE, rel=0.01)
    for origin in ("due", "send"):
        p50, p95, p99, most = (report["latency_ms"][origin][name] for name in ("p50", "p95", "p99", "max"))
        assert 0 < p50 <= p95 <= p99 <= most
    assert report["latency_ms"]["due"]["max"] >= report["latency_ms"]["send"]["max"]
    assert report["cpu_s"] > 0
    assert report["max_rss_bytes"] > 0
    assert report["verdict"] == "held"
    assert TOKEN not in streamed.read_text()


def test_verify_finds_exactly_the_acknowledged_rows(streamed: Path, engine: Engine, nascar: Nascar) -> None:
    run = nascar("verify", "--report", str(streamed), "--url", engine.url)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{RATE * SECONDS:,}" in run.stdout


def test_verify_tells_a_ledger_that_is_not_what_is_stored(
    streamed: Path, engine: Engine, nascar: Nascar, tmp_path: Path
) -> None:
    report = json.loads(streamed.read_text())
    report["tables"]["tire_telemetry"]["acknowledged"] += 40
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(report))
    run = nascar("verify", "--report", str(changed), "--url", engine.url, "--deadline", "1")
    assert run.returncode == 1
    assert "40 lost" in run.stdout


def test_the_questions_in_the_terminal_name_each_time(streamed: Path, engine: Engine, nascar: Nascar) -> None:
    run = nascar("queries", "--url", engine.url)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(" ms\n") >= 8


def test_the_health_check_sees_whether_rows_arrive(streamed: Path, engine: Engine, nascar: Nascar) -> None:
    assert nascar("health", "--url", engine.url, "--database", "nobody_wrote_here").returncode == 1


def test_times_in_milliseconds_are_verified_too(engine: Engine, nascar: Nascar, tmp_path: Path) -> None:
    report = tmp_path / "ms.json"
    run = nascar(
        *("stream", "--url", engine.url, "--rate", "24000", "--duration", "2", "--database", "in_ms"),
        *("--time-unit", "ms", "--report", str(report)),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert nascar("verify", "--report", str(report), "--url", engine.url).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_and_prints_the_ledger(
    engine: Engine, tmp_path: Path, number: signal.Signals
) -> None:
    report = tmp_path / "stopped.json"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nascar", "stream", "--url", engine.url, "--rate", "24000"),
            *("--duration", "0", "--database", f"stopped_{number.value}", "--report", str(report)),
        ],
        env={**os.environ, "ARC_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )
    output = running(process)
    process.send_signal(number)
    output += process.communicate(timeout=30)[0]
    assert "Ledger" in output
    assert process.returncode == 0, output
    for table in json.loads(report.read_text())["tables"].values():
        assert table["scheduled"] == table["acknowledged"] > 0


def test_a_server_that_dies_in_mid_run_is_counted_and_ends_with_one(tmp_path: Path, nascar: Nascar) -> None:
    doomed = start_engine(tmp_path / "doomed")
    report = tmp_path / "doomed.json"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nascar", "stream", "--url", doomed.url, "--rate", "24000"),
            *("--duration", "9", "--report", str(report)),
        ],
        env={**os.environ, "ARC_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )
    output = running(process)
    doomed.process.kill()
    end_engine(doomed)
    output += process.communicate(timeout=60)[0]
    assert process.returncode == 1, output
    assert "Ledger" in output
    tables = json.loads(report.read_text())["tables"].values()
    for table in tables:
        assert table["scheduled"] == 24_000 * 9 // 3
        assert table["scheduled"] == table["acknowledged"] + table["failed"] + table["missed"]
    assert all(table["acknowledged"] > 0 for table in tables)
    assert sum(table["missed"] for table in tables) > 0


def test_a_wrong_token_stops_before_anything_is_sent(engine: Engine, nascar: Nascar) -> None:
    run = nascar("stream", "--url", engine.url, "--database", "denied", token="w" * 40)
    assert run.returncode == 2
    assert "does not know this token" in run.stderr
    assert "w" * 40 not in run.stdout + run.stderr
    answer = nascar("queries", "--url", engine.url, "--database", "denied", "--json")
    assert all(not one["rows"] for one in json.loads(answer.stdout)["queries"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate", "0"], "out of range"),
        (["--rate", "-5"], "out of range"),
        (["--rate", "fast"], "not a whole number"),
        (["--cars", "0"], "give 1 to 128"),
        (["--cars", "129"], "give 1 to 128"),
        (["--batch-size", "39"], "--batch-size 40 or more"),
        (["--workers", "0"], "out of range"),
        (["--pregenerate-batches", "0"], "out of range"),
        (["--duration", "-1"], "out of range"),
        (["--duration", "nan"], "not a number of seconds"),
        (["--database", "bad name"], "refused by Arc"),
        (["--full-race", "--duration", "5"], "not both"),
        (["--rate", "100", "--duration", "0.1"], "no car gets a row"),
        (["--report", "/nowhere/at/all.json"], "cannot be written"),
        (["--entries", "/nowhere/entries.csv"], "entries.csv"),
        (["--time-unit", "ns"], "give us or ms"),
        (["--compression", "rar"], "give none, gzip or zstd"),
        (["--processes", "0"], "out of range"),
        (["--shard", "3/2"], "no part of a run"),
        (["--start-at", "soon"], "time zone"),
        (["--max-backlog", "0"], "out of range"),
        (["--rate", "90000000", "--batch-size", "200", "--processes", "2"], "--batch-size 2,250 or more"),
    ],
)
def test_bad_input_ends_with_two_and_says_what_would_be_right(
    nascar: Nascar, arguments: list[str], words: str
) -> None:
    # Port 9 is the discard port: nobody listens, and nobody may be asked.
    run = nascar("stream", "--url", "http://127.0.0.1:9", *arguments, timeout=20)
    assert run.returncode == 2, run.stdout + run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_server_that_is_not_there_ends_with_one(nascar: Nascar) -> None:
    run = nascar("queries", "--url", "http://127.0.0.1:9")
    assert run.returncode == 1
    assert "No server is ready at http://127.0.0.1:9" in run.stderr


def test_a_token_that_may_not_write_ends_with_two(engine: Engine, nascar: Nascar) -> None:
    request = urllib.request.Request(
        engine.url + "/api/v1/auth/tokens",
        data=json.dumps({"name": "reader", "permissions": ["read"]}).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        reader = json.load(response)["token"]
    run = nascar("stream", "--url", engine.url, "--duration", "1", token=reader)
    assert run.returncode == 2
    assert "403" in run.stderr
    assert reader not in run.stderr


def test_the_published_script_runs_a_published_command_line(engine: Engine) -> None:
    published = [
        "--token",
        "T",
        "--url",
        "U",
        "--database",
        "nascar_telemetry",
        "--rate",
        "612000",
        "--duration",
        "60",
    ]
    own = {"T": TOKEN, "U": engine.url, "612000": "24000", "60": "2"}
    run = subprocess.run(
        [sys.executable, "nascar_telemetry.py", *(own.get(word, word) for word in published)],
        cwd=Path(__file__).parents[2] / "generator",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Ledger" in run.stdout


def test_a_report_of_a_dry_run_cannot_be_verified(engine: Engine, nascar: Nascar, tmp_path: Path) -> None:
    report = tmp_path / "dry.json"
    assert nascar("stream", "--dry-run", "--duration", "1", "--report", str(report)).returncode == 0
    run = nascar("verify", "--report", str(report), "--url", engine.url)
    assert run.returncode == 2
    assert "dry run" in run.stderr


def test_a_database_with_a_hyphen_is_written_verified_and_asked(
    engine: Engine, nascar: Nascar, tmp_path: Path
) -> None:
    report = tmp_path / "hyphen.json"
    run = nascar(
        *("stream", "--url", engine.url, "--database", "race-1", "--rate", "24000", "--duration", "2"),
        *("--report", str(report)),
    )
    assert run.returncode == 0, run.stderr
    assert nascar("verify", "--report", str(report), "--url", engine.url).returncode == 0
    asked = nascar("queries", "--url", engine.url, "--database", "race-1", "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["queries"][0]["rows"]


def test_no_token_ends_with_two(nascar: Nascar) -> None:
    run = nascar("stream", "--url", "http://127.0.0.1:9", token=None)
    assert run.returncode == 2
    assert "ARC_TOKEN" in run.stderr


def test_a_dry_run_needs_neither_server_nor_token(nascar: Nascar, tmp_path: Path) -> None:
    report = tmp_path / "dry.json"
    run = nascar("stream", "--dry-run", "--duration", "2", "--report", str(report), token=None)
    assert run.returncode == 0, run.stdout + run.stderr
    written = json.loads(report.read_text())
    assert sum(table["acknowledged"] for table in written["tables"].values()) == 1_224_000
    # The low-rate tables are rendered too: 40 cars at ten instants a second.
    assert written["beside"]["track_position"]["acknowledged"] == 800


def test_export_writes_the_rows_as_parquet(nascar: Nascar, tmp_path: Path) -> None:
    run = nascar(
        *("export", str(tmp_path / "rows"), "--seconds", "1", "--rate", "24000", "--seed", "7"),
        *("--start-at", "2026-05-24T18:00:00Z"),
        token=None,
    )
    assert run.returncode == 0, run.stderr
    files = sorted(file.name for file in (tmp_path / "rows").iterdir())
    assert files == [
        "chassis_telemetry.parquet",
        "engine_telemetry.parquet",
        "lap_times.parquet",
        "race_events.parquet",
        "tire_telemetry.parquet",
        "track_position.parquet",
    ]
    assert run.stdout.count("8,000 rows") == 3


def test_a_demo_whose_engine_dies_prints_the_ledger_and_ends_with_one(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nascar", "demo", "--seconds", "8", "--rate", "24000"),
            *("--data-dir", str(tmp_path / "data"), "--report", str(tmp_path / "demo.json")),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    output = running(process)
    for child in psutil.Process(process.pid).children():
        child.kill()
    output += process.communicate(timeout=120)[0]
    assert process.returncode == 1, output
    assert "Ledger" in output
    assert json.loads((tmp_path / "demo.json").read_text())["verdict"] == "not held"


def test_an_engine_ends_with_the_demo_that_started_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nascar", "demo", "--seconds", "60", "--rate", "24000"),
            *("--data-dir", str(tmp_path / "data")),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    running(process)
    (engine,) = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=10)
    engine.wait(timeout=20)


def test_the_demo_ends_by_itself_with_the_proof(nascar: Nascar, tmp_path: Path) -> None:
    run = nascar(
        "demo", "--seconds", "6", "--rate", "24000", "--data-dir", str(tmp_path / "data"), token=None
    )
    assert run.returncode == 0, run.stdout + run.stderr
    proved = re.search(
        f"Proved: {24_000 * 6:,} rows acknowledged, the same number stored; so are ([\\d,]+) beside the rate",
        " ".join(run.stdout.split()),
    )
    assert proved is not None, run.stdout
    assert int(proved[1].replace(",", "")) >= 6 * 10 * 40
    assert not list((tmp_path / "data").iterdir())
