"""The committed files are built from their sources, and a file that is not is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grafana.build_dashboards import DASHBOARDS, ROOT, build, main, stale


def test_the_committed_files_are_what_would_be_built() -> None:
    assert stale(DASHBOARDS, build()) == []


def test_check_tells_a_stale_missing_or_strange_file_and_building_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["--check", "--directory", str(tmp_path)]
    assert main(check) == 1
    assert "make dashboards" in capsys.readouterr().err
    assert main(["--directory", str(tmp_path)]) == 0
    assert main(check) == 0
    built = tmp_path / "nascar_race.json"
    built.write_text(built.read_text().replace("Fuel", "Coal"))
    (tmp_path / "hand_made.json").write_text("{}")
    assert main(check) == 1
    told = capsys.readouterr().err
    assert built.name in told
    assert "hand_made.json" in told
    assert main(["--directory", str(tmp_path)]) == 0
    assert {file.name for file in tmp_path.iterdir()} == build().keys()
    assert main(check) == 0


def test_the_build_runs_as_the_makefile_runs_it() -> None:
    command = [sys.executable, "-m", "grafana.build_dashboards", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "-m grafana.build_dashboards" in (ROOT / "stack.mk").read_text()
