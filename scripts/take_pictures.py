#!/usr/bin/env python3
"""Take the pictures of docs/pictures from real pages in a real browser, so that they can be taken again.

    make pictures                                    pages of the committed measurements
    make pictures GRAFANA=http://127.0.0.1:3000      and every dashboard of a running Grafana

A picture of what does not run is not made: its file stays as it was, or away. The terminal has a script of its
own, scripts/record_terminal.py. Needs Chromium (on Debian: apt-get install chromium).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from nascar.bench import page as result_page

ROOT: Final = Path(__file__).parents[1]
RECORDS: Final = ROOT / "docs" / "measurements"
DASHBOARDS: Final = ROOT / "grafana" / "dashboards"
PICTURES: Final = ROOT / "docs" / "pictures"
SCREEN: Final = (1920, 1080)
"""A projector's, in pixels, and the size that the dashboards are laid out for."""
COLUMN: Final = (1180, 1500)
"""A page of text and figures, in pixels."""
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOAD_MS: Final = 60_000
SETTLE_MS: Final = 3_000
"""Panels draw this long after their last answer."""


class PictureError(Exception):
    """No picture can be taken; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture to take: of what stands at `url`, once `ready` (a CSS selector) can be seen."""

    name: str
    url: str
    ready: str
    size: tuple[int, int] = SCREEN
    top: str | None = None
    """What stands at the upper edge (a CSS selector); None for the page as it opens."""


def find_browser() -> str:
    """The Chromium of this machine."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise PictureError(
        "No Chromium on this machine. Install it (Debian: apt-get install chromium), then again."
    )


def record_shots(records: Path, pages: Path) -> list[Shot]:
    """A level of the newest ladder in `records`, its page drawn into the folder `pages`."""
    files = sorted(records.glob("ladder-*.json"))
    if not files:
        raise PictureError(f"No ladder in {records}. Measure one: make bench")
    drawn = pages / "ladder.html"
    drawn.write_text(result_page.render_file(files[-1]), encoding="utf-8")
    # The summary is a table, and stands in the documents as text: the picture begins with the first level.
    return [Shot("bench_ladder", drawn.as_uri(), "h1", COLUMN, "h2 >> nth=1")]


def dashboard_shots(grafana: str, dashboards: Path) -> list[Shot]:
    """Every committed dashboard on the Grafana at this address, as it stands on a stage."""
    grafana = grafana.rstrip("/")
    try:
        with urllib.request.urlopen(f"{grafana}/api/health", timeout=10):
            pass
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise PictureError(f"No Grafana answers at {grafana} ({error}). Start it with: make up") from None
    shots = []
    for file in sorted(dashboards.glob("*.json")):
        uid = json.loads(file.read_text(encoding="utf-8"))["uid"]
        # Without a refresh, so that the page comes to rest.
        url = f"{grafana}/d/{uid}?kiosk&refresh="
        shots.append(Shot(f"grafana_{uid.replace('-', '_')}", url, "[data-panelid], [data-viz-panel-key]"))
    return shots


def take(browser: Browser, shots: Sequence[Shot], folder: Path) -> list[Path]:
    """Take `shots` into `folder`; a page that does not come up is an error."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for shot in shots:
        width, height = shot.size
        page = browser.new_page(viewport={"width": width, "height": height})
        try:
            page.goto(shot.url, timeout=LOAD_MS)
            page.wait_for_selector(shot.ready, timeout=LOAD_MS)
            page.wait_for_load_state("networkidle", timeout=LOAD_MS)
            page.wait_for_timeout(SETTLE_MS)
            if shot.top is not None:
                page.locator(shot.top).evaluate("element => element.scrollIntoView()")
            path = folder / f"{shot.name}.png"
            page.screenshot(path=str(path))
        except BrowserError as error:
            reason = str(error).splitlines()[0]
            raise PictureError(
                f"{shot.url} did not come up in the browser: {reason}. Open it by hand."
            ) from None
        finally:
            page.close()
        taken.append(path)
    return taken


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="take_pictures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Example: scripts/take_pictures.py --grafana http://127.0.0.1:3000",
    )
    parser.add_argument("--grafana", help="address of a running Grafana", metavar="URL")
    parser.add_argument("--out", type=Path, default=PICTURES, help="the folder (default: docs/pictures)")
    options = parser.parse_args(arguments)
    try:
        executable = find_browser()
        with tempfile.TemporaryDirectory() as pages, sync_playwright() as playwright:
            shots = record_shots(RECORDS, Path(pages))
            if options.grafana is not None:
                shots += dashboard_shots(options.grafana, DASHBOARDS)
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            for path in take(browser, shots, options.out):
                print(f"took {path}")
            browser.close()
    except PictureError as error:
        print(error, file=sys.stderr)
        return 1
    if options.grafana is None:
        print(
            "Next: with the stack up (make up), the dashboards too: make pictures GRAFANA=http://127.0.0.1:3000"
        )
    else:
        print("Next: look at them, then commit them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
