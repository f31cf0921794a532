"""Build the dashboards from queries/ and the schema.

python -m grafana.build_dashboards            write grafana/dashboards/*.json
python -m grafana.build_dashboards --check    exit 1 if a committed file is not what would be written
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grafana import car, eight_questions, ingest, overview, strategy, technical

ROOT: Final = Path(__file__).parents[1]
DASHBOARDS: Final = ROOT / "grafana" / "dashboards"
PAGES: Final = (overview, car, strategy, technical, ingest, eight_questions)
"""One module for each dashboard."""


def grafana_version() -> str:
    """The version named by docker-compose.yml, the one place that names versions."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = re.search(r"\$\{GRAFANA_VERSION:-([\d.]+)\}", compose)
    if named is None:
        raise ValueError("docker-compose.yml names no default for GRAFANA_VERSION")
    return named[1]


def build() -> dict[str, str]:
    """The text of every dashboard file, by its name."""
    dashboards = [page.build(grafana_version()) for page in PAGES]
    return {
        f"{dashboard['uid'].replace('-', '_')}.json": json.dumps(dashboard, indent=2, ensure_ascii=False)
        + "\n"
        for dashboard in dashboards
    }


def stale(directory: Path, built: dict[str, str]) -> list[str]:
    """Names of the files in `directory` that differ from `built`, are missing, or should not be there."""
    there = {file.name: file.read_text(encoding="utf-8") for file in directory.glob("*.json")}
    return sorted(name for name in there.keys() | built.keys() if there.get(name) != built.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build_dashboards", description="Build Grafana's dashboards.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file is stale")
    parser.add_argument("--directory", type=Path, default=DASHBOARDS, help="where the JSON files are")
    options = parser.parse_args(arguments)
    built = build()
    names = stale(options.directory, built)
    if options.check:
        for name in names:
            print(
                f"{options.directory / name} is stale. Build it again with: make dashboards", file=sys.stderr
            )
        return 1 if names else 0
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = options.directory / name
        if name in built:
            path.write_text(built[name], encoding="utf-8")
            print(f"wrote {path}")
        else:
            path.unlink()
            print(f"removed {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
