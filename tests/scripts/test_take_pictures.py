"""The script that takes the pictures: real pages, a real browser, pictures of the size of a projector."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from scripts import take_pictures

PANEL = b"<title>dashboard</title><div data-panelid='1' style='background: #f00; height: 500px'>panel</div>"


class _Dashboards(BaseHTTPRequestHandler):
    """Answers as Grafana does to the requests that matter here: health, and a page with a panel in it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"{}" if self.path == "/api/health" else PANEL)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def grafana() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Dashboards) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG, pixels."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_every_dashboard_and_the_newest_measurements_are_taken(
    grafana: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # These pages draw nothing late.
    monkeypatch.setattr(take_pictures, "SETTLE_MS", 50)
    assert take_pictures.main(["--grafana", grafana, "--out", str(tmp_path)]) == 0
    taken = {file.stem: size(file) for file in tmp_path.glob("*.png")}
    uids = [json.loads(file.read_text())["uid"] for file in take_pictures.DASHBOARDS.glob("*.json")]
    dashboards = {f"grafana_{uid.replace('-', '_')}": take_pictures.SCREEN for uid in uids}
    assert taken == {
        "bench_ladder": take_pictures.COLUMN,
        **dashboards,
    }
    assert "Next:" in capsys.readouterr().out


def test_a_grafana_that_is_not_there_is_said_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_pictures.main(["--grafana", "http://127.0.0.1:9", "--out", str(tmp_path)]) == 1
    assert "make up" in capsys.readouterr().err
    assert not list(tmp_path.glob("grafana_*"))


def test_a_machine_without_a_browser_is_told_which_one_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert take_pictures.main(["--out", str(tmp_path)]) == 1
    assert "chromium" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_page_that_does_not_come_up_is_no_picture(tmp_path: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=take_pictures.find_browser(), args=["--no-sandbox"]
        )
        shot = take_pictures.Shot("gone", "http://127.0.0.1:9/", "h1")
        with pytest.raises(take_pictures.PictureError, match="did not come up"):
            take_pictures.take(browser, [shot], tmp_path)
        browser.close()
    assert not list(tmp_path.iterdir())
