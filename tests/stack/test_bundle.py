"""Bundles and their archive: whole or not there, verified before anything is loaded, for one architecture."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from stack import bundle
from stack.archive import Archive, ArchiveWriter, Damaged
from stack.docker import Docker
from stack.hops import Broken
from tests.stack.docker_command import ROOT, DockerCommand, compose_config

CONTENT = bytes(range(256)) * 9_000


def written(path: Path) -> Path:
    with ArchiveWriter(path, folder="one") as archive:
        archive.add_text("HOWTO.txt", "Read me.\n")
        archive.add_text("load", "#!/bin/sh\n", executable=True)
        archive.add_stream("images.tar", io.BytesIO(CONTENT))
    return path


def test_what_was_written_is_read_from_the_file_and_from_its_folder(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tar")
    with tarfile.open(path) as tar:
        assert tar.getnames() == [f"one/{name}" for name in ("HOWTO.txt", "load", "images.tar", "SHA256SUMS")]
        assert tar.getmember("one/load").mode & 0o111
        tar.extractall(tmp_path, filter="data")
    for place in (path, tmp_path / "one"):
        with Archive(place) as archive:
            archive.verify()
            assert archive.text("HOWTO.txt") == "Read me.\n"
            with archive.open("images.tar") as file:
                assert file.read() == CONTENT


def test_the_sums_are_those_that_other_tools_check(tmp_path: Path) -> None:
    with tarfile.open(written(tmp_path / "a.tar")) as tar:
        tar.extractall(tmp_path, filter="data")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=tmp_path / "one",
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0


def test_a_changed_byte_a_missing_file_and_a_cut_end_are_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tar")
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(Damaged, match=r"images\.tar is not as it was written"), Archive(path) as archive:
        archive.verify()
    path.write_bytes(whole[:middle])
    with pytest.raises((Damaged, tarfile.TarError)), Archive(path) as archive:
        archive.verify()
    with tarfile.open(written(path)) as tar:
        tar.extractall(tmp_path, filter="data")
    (tmp_path / "one" / "images.tar").unlink()
    with pytest.raises(OSError, match="images"), Archive(tmp_path / "one") as archive:
        archive.verify()


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """The file-size limit of a process stands for a disk's end: both are errors of writing."""
    script = (
        "import io, pathlib, resource, sys\n"
        "from stack.archive import ArchiveWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "with ArchiveWriter(pathlib.Path(sys.argv[1]), folder='one') as archive:\n"
        "    archive.add_stream('images.tar', io.BytesIO(bytes(5_000_000)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.tar"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "OSError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_older_bundle_stays_when_a_new_one_fails(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tar")
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), ArchiveWriter(path, folder="one") as archive:
        archive.add_text("HOWTO.txt", "other")
        raise ZeroDivisionError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def command(tmp_path: Path) -> DockerCommand:
    """A Docker whose images are all there, for amd64."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = DockerCommand(folder)
    command.others |= {
        "image inspect --format {{.Os}}/{{.Architecture}}": (0, "linux/amd64\n", ""),
        "version --format": (0, "linux/amd64\n", ""),
        "save ": (0, "the images, as docker saves them", ""),
        "load --quiet": (0, "", ""),
    }
    return command


def test_a_bundle_has_all_that_the_other_side_needs(
    command: DockerCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle.main(["save", "--out", str(tmp_path / "stick")], command.docker()) == 0
    said = capsys.readouterr().out
    path = tmp_path / "stick" / "nascar-stack-linux-amd64.tar"
    assert f"tar xf {path.name} && nascar-stack/load" in said.splitlines()[-1]
    with tarfile.open(path) as tar:
        tar.extractall(tmp_path, filter="data")
    there = tmp_path / "nascar-stack"
    for name in (
        "docker-compose.yml",
        ".env.example",
        "arc/arc.toml",
        "arc/retention",
        "arc/health",
        "stack/doctor.py",
    ):
        assert (there / name).read_bytes() == (ROOT / name).read_bytes()
    assert os.access(there / "load", os.X_OK)
    assert "linux/amd64" in (there / "HOWTO.txt").read_text()
    # Every file that a service mounts is in it.
    for mount in set((there / "docker-compose.yml").read_text().split()):
        if mount.startswith("./"):
            assert (there / mount.partition(":")[0]).is_file()
    # The verbs and the doctor work there, without the project.
    listed = subprocess.run(["make"], cwd=there, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr
    assert "make doctor" in listed.stdout
    assert "make build" not in listed.stdout
    env = {**os.environ, "PATH": f"{command.folder}:{os.environ['PATH']}"}
    env.pop("COMPOSE_FILE", None)
    doctor = ["make", "PYTHON=" + sys.executable, "doctor"]
    asked = subprocess.run(doctor, cwd=there, env=env, capture_output=True, text=True, check=False)
    assert "ok         Docker" in asked.stdout, asked.stderr
    loaded = subprocess.run(
        [there / "load"], env={**env, "PYTHON": sys.executable}, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.splitlines()[-1] == "Next: make up"


def test_a_bundle_names_the_arc_that_is_in_it(command: DockerCommand, tmp_path: Path) -> None:
    command.config = compose_config(ARC_VERSION="26.09.2")
    with Archive(bundle.save(tmp_path, command.docker())) as archive:
        assert archive.text(".env") == "ARC_IMAGE=basekicklabs/arc\nARC_VERSION=26.09.2\n"
        assert "basekicklabs/arc:26.09.2" in archive.text("bundle.json")


def test_a_bundle_for_another_architecture_is_refused_before_it_is_loaded(
    command: DockerCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bundle.save(tmp_path, command.docker())
    command.others["version --format"] = (0, "linux/arm64\n", "")
    command.others["load --quiet"] = (1, "", "must not be asked")
    assert bundle.main(["load", str(path)], command.docker()) == 1
    said = capsys.readouterr().err
    assert "The bundle's images are for linux/amd64, this Docker runs linux/arm64" in said
    assert "What to do: " in said


def test_what_is_no_bundle_is_refused(command: DockerCommand, tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    other.write_bytes(b"something else")
    for path in (other, written(tmp_path / "a.tar")):
        with pytest.raises(Broken, match="is no whole bundle"):
            bundle.load(path, command.docker())


def test_a_bundle_that_is_not_there_is_said_to_be_away_not_broken(
    command: DockerCommand, tmp_path: Path
) -> None:
    with pytest.raises(Broken, match=r"there is no .*/away\.tar") as broken:
        bundle.load(tmp_path / "away.tar", command.docker())
    assert "make unbundle BUNDLE=" in broken.value.fix


def test_images_that_are_missing_or_mixed_are_not_saved(command: DockerCommand, tmp_path: Path) -> None:
    out = tmp_path / "stick"
    mixed = "image inspect --format {{.Os}}/{{.Architecture}} nascar-generator"
    command.others = {mixed: (0, "linux/arm64\n", ""), **command.others}
    with pytest.raises(Broken, match="not for one architecture"):
        bundle.save(out, command.docker())
    command.others[mixed] = (1, "", "No such image")
    with pytest.raises(Broken, match="nascar-generator is not here"):
        bundle.save(out, command.docker())
    assert not out.exists()


def test_a_docker_that_fails_while_saving_leaves_nothing(command: DockerCommand, tmp_path: Path) -> None:
    command.others["save "] = (1, "half of the images", "Error response from daemon: no space left on device")
    out = tmp_path / "stick"
    with pytest.raises(Broken, match="no space left on device"):
        bundle.save(out, command.docker())
    assert list(out.iterdir()) == []


def test_a_docker_that_does_not_load_is_heard(command: DockerCommand, tmp_path: Path) -> None:
    path = bundle.save(tmp_path, command.docker())
    command.others["load --quiet"] = (1, "", "no space left on device")
    with pytest.raises(Broken, match="does not load the images: no space left on device"):
        bundle.load(path, command.docker())


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(
    command: DockerCommand, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(Broken) as told:
        bundle.save(taken, command.docker())
    assert "make bundle OUT=" in told.value.fix


def test_without_docker_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="Docker is not installed"):
        bundle.save(tmp_path, Docker(env={"PATH": str(tmp_path)}))
