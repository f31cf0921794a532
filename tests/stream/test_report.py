from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.errors import UsageError
from nascar.stream import report
from nascar.stream.clock import iso_utc
from nascar.stream.ledger import Ledger
from nascar.stream.report import Report, RunFacts, build, check_writable, read, without_token, write
from nascar.stream.result import Result
from nascar.stream.run import Run
from nascar.stream.settings import StreamSettings
from nascar.stream.source import BatchHead
from nascar.stream.verdict import verdict
from tests.stream.conftest import TABLES, TOKEN, FakeSource


@pytest.fixture
async def result(settings: Callable[..., StreamSettings]) -> Result:
    return await Run(
        settings(rate=12_000), lambda start_us: FakeSource(start_us, 12_000, 0.15), lead_s=0.05
    ).run()


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def made(result: Result, **facts: Any) -> Report:
    return build(result, verdict(result), RunFacts(**facts))


async def test_it_holds_the_names_that_scripts_rely_on(result: Result) -> None:
    made_ = json.loads(json.dumps(made(result, seed=24, cars=40)))
    assert list(made_["tables"]) == list(TABLES)
    for table in made_["tables"].values():
        assert table["scheduled"] == table["acknowledged"] == 600
        assert (table["failed"], table["missed"], table["waiting"]) == (0, 0, 0)
        assert result.started_us <= table["first_time_us"] < table["last_time_us"]
    assert made_["target_rate"] == 12_000
    assert made_["achieved_rate"] == pytest.approx(12_000, rel=0.01)
    for kind in ("due", "send"):
        latency = made_["latency_ms"][kind]
        assert list(latency) == ["p50", "p95", "p99", "max"]
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
    assert made_["cpu_s"] > 0
    assert made_["max_rss_bytes"] > 10_000_000
    assert (made_["verdict"], made_["reasons"]) == ("held", [])
    assert (made_["seed"], made_["cars"], made_["database"]) == (24, 40, "laps")
    assert datetime.fromisoformat(made_["started_at"]).timestamp() * 1e6 == pytest.approx(result.started_us)


async def test_no_secret_gets_into_it(result: Result) -> None:
    arguments = ("stream", "--token", TOKEN, f"--token={TOKEN}", "--seed", "24")
    settings = replace(result.settings, url="http://someone:secret@127.0.0.1:8000")
    text = json.dumps(made(replace(result, settings=settings), arguments=arguments))
    assert "http://127.0.0.1:8000" in text
    assert TOKEN not in text
    assert "secret" not in text
    assert '"--token", "***"' in text


async def test_it_is_read_back_as_it_was_written(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("an older report")
    write(made(result), path)
    assert read(path) == made(result)
    assert names_in(tmp_path) == ["run.json"]
    assert path.stat().st_mode & 0o777 == 0o644


async def test_a_report_that_cannot_be_written_leaves_the_old_one_alone(
    result: Result, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    path.write_text("an older report")
    broken = made(result)
    broken["versions"] = {"python": object()}  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        write(broken, path)
    assert path.read_text() == "an older report"
    assert names_in(tmp_path) == ["run.json"]


def test_an_unwritable_path_is_found_out_before_the_run(tmp_path: Path) -> None:
    check_writable(tmp_path / "run.json")
    assert names_in(tmp_path) == []
    with pytest.raises(UsageError, match="No such file or directory"):
        check_writable(tmp_path / "missing" / "run.json")
    with pytest.raises(UsageError, match="is a folder"):
        check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Give another file with --report"):
        check_writable(tmp_path / "file" / "run.json")


def test_a_path_in_the_working_folder_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_writable(Path("run.json"))
    assert names_in(tmp_path) == []


GOOD_TABLE = {
    "scheduled": 1,
    "acknowledged": 1,
    "failed": 0,
    "missed": 0,
    "first_time_us": None,
    "last_time_us": None,
}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "is not a report"),
        ("{}", "has no 'tables'"),
        (json.dumps({"tables": {}}), "has no 'database'"),
        (json.dumps({"tables": {"pace": 3}, "database": "laps"}), "has no counts for 'pace'"),
        (
            json.dumps({"tables": {"pace": GOOD_TABLE | {"acknowledged": "all"}}, "database": "laps"}),
            "has no 'acknowledged' for 'pace'",
        ),
        (
            json.dumps({"tables": {"pace": GOOD_TABLE | {"last_time_us": "now"}}, "database": "laps"}),
            "has no 'last_time_us' for 'pace'",
        ),
    ],
)
def test_what_is_no_report_is_told(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=says):
        read(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "missing.json")


def test_the_fixed_names_alone_are_a_report(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"tables": {"pace": GOOD_TABLE}, "database": "laps"}))
    assert read(path)["tables"]["pace"]["acknowledged"] == 1


@given(st.integers(0, 4_000_000_000_000_000))
def test_times_keep_their_microseconds(time_us: int) -> None:
    text = iso_utc(time_us)
    assert text.endswith("Z")
    found = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert (found.days * 86_400 + found.seconds) * 1_000_000 + found.microseconds == time_us


@pytest.mark.parametrize(
    "arguments",
    [["--token", TOKEN], [f"--token={TOKEN}"], ["--tok", TOKEN], [f"--to={TOKEN}"], [f"x{TOKEN}y"]],
)
def test_the_token_leaves_the_command_line_however_it_was_given(arguments: list[str]) -> None:
    kept = without_token(["stream", *arguments, "--rate", "5"], TOKEN)
    assert TOKEN not in " ".join(kept)
    assert kept[0] == "stream"
    assert kept[-2:] == ["--rate", "5"]


def test_a_token_other_than_the_used_one_leaves_the_command_line_too() -> None:
    assert without_token(["--token", "first", "--token=second", "-v"]) == [
        "--token",
        "***",
        "--token=***",
        "-v",
    ]


def test_an_address_loses_its_credentials_and_keeps_its_port() -> None:
    assert report.without_credentials("https://me:pw@arc.example:8443/x?p=t") == "https://arc.example:8443/x"
    assert report.without_credentials("http://127.0.0.1:8000") == "http://127.0.0.1:8000"


async def test_rows_beside_the_rate_stand_by_themselves(result: Result, tmp_path: Path) -> None:
    ledger = Ledger(("laps",))
    head = BatchHead(0, "laps", 7, 1_000, 2_000, 3_000)
    ledger.schedule(head)
    ledger.request(head, attempt=1, late_us=0)
    ledger.acknowledge(head, 99)
    with_beside = replace(result, beside=ledger, beside_troubles=Counter({"503 busy": 2}))
    write(made(with_beside), tmp_path / "run.json")
    found = read(tmp_path / "run.json")
    assert found["tables"] == made(result)["tables"]
    assert found["achieved_rate"] == made(result)["achieved_rate"]
    assert found["beside_troubles"] == {"503 busy": 2}
    laps = found["beside"]["laps"]
    assert (laps["scheduled"], laps["acknowledged"], laps["bytes"]) == (7, 7, 99)
    assert (laps["first_time_us"], laps["last_time_us"]) == (1_000, 2_000)


async def test_a_report_from_before_there_were_rows_beside_is_read(result: Result, tmp_path: Path) -> None:
    report_ = made(result)
    del report_["beside"], report_["beside_troubles"]
    write(report_, tmp_path / "old.json")
    assert read(tmp_path / "old.json") == report_


@pytest.mark.parametrize("beside", [[], {"laps": 3}, {"laps": {"scheduled": 3}}])
async def test_books_beside_that_are_none_are_refused(result: Result, tmp_path: Path, beside: Any) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**made(result), "beside": beside}))
    with pytest.raises(UsageError, match="Give a file made by"):
        read(tmp_path / "run.json")
