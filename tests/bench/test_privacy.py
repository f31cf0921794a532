"""Records tell nothing of other people's hosts and folders, and keep what explains a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascar.bench import record
from nascar.bench.privacy import Curtain
from nascar.bench.record import Record

TOKEN = "a-token-for-tests-of-more-than-32-characters"
URL = "https://night-race.example.org:8443"


def made(*arguments: str, **body: object) -> Record:
    return record.build("knee", {"knee": body}, arguments=["bench", "knee", *arguments], seed=1, token=TOKEN)


@pytest.mark.parametrize("line", [["--url", URL], [f"--url={URL}"]], ids=["two words", "one word"])
def test_the_host_of_a_server_is_nowhere_in_it(line: list[str]) -> None:
    found = made(
        *line,
        target=f"server at {URL}",
        error="Cannot connect to host night-race.example.org:8443 ssl:default",
        trials=[{"report": {"url": URL, "arguments": ["stream", "--url", URL]}}],
        note="night-race.example.org did not answer",
    )
    assert "night-race" not in record.encoded(found)
    assert "https://SERVER:8443" in found["command"]
    assert found["knee"]["target"] == "server at https://SERVER:8443"
    assert found["knee"]["note"] == "SERVER did not answer"


def test_a_short_host_is_hidden_as_an_address_and_stays_a_word() -> None:
    found = made(
        "--url", "http://arc:8000", "--server-container", "arc", note="arc: no answer of arc:8000, search"
    )
    assert found["command"] == "nascar bench knee --url http://SERVER:8000 --server-container arc"
    assert found["knee"]["note"] == "arc: no answer of SERVER:8000, search"


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_loopback_is_nobodys_name(url: str) -> None:
    assert made("--url", url, url=url)["knee"]["url"] == url


def test_of_a_folder_only_its_own_name_is_left() -> None:
    found = made(
        *("--data-dir", "/srv/people/robin/fast disk", "--out=/srv/people/robin/results", "--sink"),
        error="The engine cannot use the folder /srv/people/robin/fast disk (Permission denied).",
    )
    assert "robin" not in record.encoded(found)
    assert found["command"] == "nascar bench knee --data-dir 'fast disk' --out=results --sink"
    assert found["knee"]["error"] == "The engine cannot use the folder fast disk (Permission denied)."


def test_the_home_folder_is_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/robin"))
    hide = Curtain([]).hide
    assert hide("/home/robin/race/.demo is full") == "~/race/.demo is full"
    assert hide("/home/robinson/race") == "/home/robinson/race"


def test_what_is_no_name_stays_as_it_is() -> None:
    body = {"rows/s": 5, "kept": [1.5, None, True, "rows/s", "http is a protocol"]}
    assert made("--levels", "1000,2000", "--out", "bench-results", **body)["knee"] == body
