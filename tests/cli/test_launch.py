"""The published script on a Python that has nothing installed, or is too old."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[2] / "generator"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without any package."""
    directory = tmp_path_factory.mktemp("bare")
    venv.create(directory, with_pip=False)
    return directory / "bin" / "python"


def test_without_packages_it_names_the_one_command(bare_python: Path) -> None:
    run = subprocess.run(
        [bare_python, "nascar_telemetry.py", "--token", "x"], cwd=GENERATOR, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "is not installed" in run.stderr
    assert "-m pip install -r ../requirements/stream.txt" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_command_it_names_installs_what_is_there() -> None:
    requirements = GENERATOR.parent / "requirements" / "stream.txt"
    names = {line.split("==")[0] for line in requirements.read_text().splitlines() if "==" in line}
    assert {"aiohttp", "numpy", "rich", "hdrhistogram"} <= names


def test_it_loads_on_a_python_too_old_to_run_it() -> None:
    """The file that refuses an old Python may use nothing newer than that Python."""
    source = (GENERATOR / "nascar" / "launch.py").read_text()
    compile(source, "launch.py", "exec", dont_inherit=True)
    import ast

    ast.parse(source, feature_version=(3, 7))


def test_with_packages_it_shows_the_published_flags_and_an_example() -> None:
    run = subprocess.run(
        [sys.executable, "nascar_telemetry.py", "--help"], cwd=GENERATOR, capture_output=True, text=True
    )
    assert run.returncode == 0
    published = "--url --token --database --cars --rate --duration --batch-size --pregenerate-batches --workers --full-race"
    for flag in published.split():
        assert flag in run.stdout
    assert "Example" in run.stdout
