"""What a record says of the machine, and what it must not say."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
from pathlib import Path

import psutil
import pytest

from nascar.bench import machine


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A repository with one file."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "race.py").write_text("laps = 1\n")
    git(tmp_path, "add", "race.py")
    git(tmp_path, "commit", "--quiet", "--message", "Race")
    return tmp_path


def test_the_machine_is_described_by_its_properties(tmp_path: Path) -> None:
    found = machine.machine(tmp_path)
    assert found["memory_bytes"] == psutil.virtual_memory().total
    assert 1 <= found["cores_usable"] <= found["cores"]
    assert found["cpu"]
    assert platform.release().startswith(found["kernel"])
    assert found["kernel"].replace(".", "").isdigit()
    assert found["disk"] == machine.disk_kind(tmp_path)
    json.dumps(found, allow_nan=False)


def test_no_name_of_host_or_user_and_no_path_is_in_it(tmp_path: Path) -> None:
    said = [str(value) for value in machine.machine(tmp_path).values()]
    for secret in (platform.node(), getpass.getuser(), str(tmp_path), str(Path.home())):
        assert secret not in said
        assert not any(str(tmp_path) in one for one in said)


def test_a_disk_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert machine.disk_kind(tmp_path / "not" / "yet") == machine.disk_kind(tmp_path)


def test_limits_of_a_container_are_told(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text("2147483648\n")
    assert machine._limits(tmp_path) == (1.5, 2 * 2**30)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._limits(tmp_path) == (None, None)
    assert machine._limits(tmp_path / "none") == (None, None)


def test_the_commit_is_marked_when_the_sources_differ_from_it(sources: Path) -> None:
    clean = machine.commit(sources)
    assert clean is not None
    assert len(clean) == 12
    (sources / "race.py").write_text("laps = 2\n")
    assert machine.commit(sources) == f"{clean}+changes"


def test_sources_in_the_folder_of_another_project_have_no_commit(sources: Path) -> None:
    installed = sources / "site-packages"
    installed.mkdir()
    (installed / "machine.py").write_text("")
    assert machine.commit(installed) is None


def test_versions_name_python_and_what_has_a_part_in_the_numbers() -> None:
    found = machine.versions()
    assert found["python"] == platform.python_version()
    assert {"nascar-telemetry", "numpy", "aiohttp", "psutil"} <= set(found)
