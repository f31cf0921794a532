"""``make bundle``: the whole stack in one file, for a venue without network; ``make unbundle`` on the other side.

A bundle is a tar: the files that Compose and the doctor need, a HOWTO, all images as `docker save` writes them, and the
SHA-256 of each. Images are of one architecture, which is in the file's name and is compared before they are loaded.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from stack.archive import Archive, ArchiveWriter, Damaged
from stack.docker import ROOT, Docker
from stack.hops import Broken, walk
from stack.settings import Settings
from stack.start_hops import StartHops, gigabytes

IMAGES = "images.tar"
MANIFEST = "bundle.json"
FILES = (
    "docker-compose.yml",
    ".env.example",
    "LICENSE",
    "arc/arc.toml",
    "arc/health",
    "arc/retention",
    "grafana/dashboards/*.json",
    "stack.mk",
    "stack/*.py",
)
"""What the other side needs beside the images, as patterns from the folder of docker-compose.yml."""

_MAKEFILE = """\
# The verbs of the stack. `make` alone lists them, but for those that need the project.
.DEFAULT_GOAL := help
PYTHON ?= python3
help:
\t@awk -F ':.*## ' '/^[a-z-]+:.*## / && !/^(build|dashboards|test-stack):/ {printf "  make %-12s %s\\n", $$1, $$2}' stack.mk
include stack.mk
"""
_LOAD = """\
#!/bin/sh
# Checks this bundle and loads its images into Docker.
cd "$(dirname "$0")" && exec "${PYTHON:-python3}" -m stack.bundle load .
"""
_HOWTO = """\
The race on Arc and Grafana, without network. The images are for {architecture}.

  ./load          checks the bundle and loads its images into Docker (needs Python 3.9 or newer, nothing else)
  make up         starts the stack, waits until rows can be seen, prints the addresses
  make doctor     says what is wrong, and what to do
  make down       stops it

Without Python and make:

  docker load --input images.tar
  docker compose up --detach --wait      then open http://127.0.0.1:3000

Settings: write them into .env; .env.example lists them. What is built into Grafana's image (REFRESH, versions) cannot
be changed here, nor can Arc's version, which stands in .env.
Images: {images}
"""


def save(out: Path, docker: Docker) -> Path:
    """Write a bundle into the folder `out`; the file. Nothing is left of one that could not be finished."""
    start = StartHops(docker)
    failure = walk(start.hops()[:3], print)
    if failure is not None:
        raise failure
    images, architecture = start.settings.images, _architecture(start.settings, docker)
    path = out / f"nascar-stack-{architecture.replace('/', '-')}.tar"
    manifest = {"architecture": architecture, "images": list(images)}
    words = {"architecture": architecture, "images": ", ".join(images)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        with ArchiveWriter(path, folder="nascar-stack") as archive:
            archive.add_text("HOWTO.txt", _HOWTO.format(**words))
            archive.add_text("load", _LOAD, executable=True)
            archive.add_text("Makefile", _MAKEFILE)
            archive.add_text(MANIFEST, json.dumps(manifest, indent=2) + "\n")
            archive.add_text(".env", _saved_arc(start.settings))
            for file in bundled_files(ROOT):
                archive.add_file(file.relative_to(ROOT).as_posix(), file)
            print(f"Saving {len(images)} images for {architecture} ...", flush=True)
            _save_images(archive, images, docker)
    except OSError as error:
        free = gigabytes(shutil.disk_usage(out).free) if out.is_dir() else "nothing"
        raise Broken(
            f"{path} cannot be written: {error.strerror or error} ({free} free there now)",
            "Make room, or name a folder on another disk: make bundle OUT=/media/stick",
        ) from None
    return path


def load(path: Path, docker: Docker) -> tuple[str, ...]:
    """Verify the bundle at `path`, a file or the folder that it was unpacked to, and load its images; their names."""
    if not path.exists():
        raise Broken(
            f"there is no {path}",
            "Give the file that make bundle wrote: make unbundle BUNDLE=nascar-stack-….tar",
        )
    try:
        with Archive(path) as archive:
            manifest = json.loads(archive.text(MANIFEST))
            _must_fit(str(manifest["architecture"]), docker)
            print(f"Checking {path} ...", flush=True)
            archive.verify()
            print("Loading the images ...", flush=True)
            _load_images(archive, docker)
            return tuple(manifest["images"])
    except (Damaged, OSError, ValueError, KeyError, tarfile.TarError) as error:
        raise Broken(
            f"{path} is no whole bundle: {error}", "Copy it again, or make it again: make bundle"
        ) from None


def _saved_arc(settings: Settings) -> str:
    """The variables that name the Arc of the bundle: on the other side there is no other."""
    image, _, version = settings.services["arc"].image.rpartition(":")
    # A stand-in's image has no version, and an override file that names it.
    return f"ARC_IMAGE={image}\nARC_VERSION={version}\n" if image else ""


def bundled_files(root: Path) -> list[Path]:
    """The files below `root` that go into a bundle."""
    files = []
    for pattern in FILES:
        found = sorted(root.glob(pattern))
        if not found:
            raise Broken(f"{pattern} is missing", "Run it in a whole copy of the project.")
        files += found
    return files


def _must_fit(wanted: str, docker: Docker) -> None:
    """The engine runs images for `wanted`, such as ``linux/amd64``."""
    said = docker.docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")
    if not said.ok:
        raise Broken(f"Docker does not answer: {said.last_line}", "Start Docker, then try again.")
    there = said.out.strip()
    if wanted != there:
        raise Broken(
            f"the bundle's images are for {wanted}, this Docker runs {there}",
            f"Make a bundle on a machine with {there}: make bundle",
        )


def _architecture(settings: Settings, docker: Docker) -> str:
    """The one architecture of all images."""
    found: dict[str, str] = {}
    for image in settings.images:
        said = docker.docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image)
        if not said.ok:
            raise Broken(f"the image {image} is not here", "Fetch and build all of them first: make up")
        found[image] = said.out.strip()
    if len(set(found.values())) > 1:
        each = ", ".join(f"{image} {architecture}" for image, architecture in found.items())
        raise Broken(
            f"the images are not for one architecture: {each}", "Get them all for this one: make build"
        )
    return next(iter(found.values()))


def _save_images(archive: ArchiveWriter, images: Sequence[str], docker: Docker) -> None:
    process = docker.open_docker("save", *images)
    assert process.stdout is not None and process.stderr is not None
    try:
        archive.add_stream(IMAGES, process.stdout)
    except BaseException:
        process.kill()
        raise
    finally:
        complaint = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        process.wait()
    if process.returncode:
        raise Broken(
            f"Docker does not save the images: {complaint.decode(errors='replace').strip()}",
            "Look whether they are all there: docker images",
        )


def _load_images(archive: Archive, docker: Docker) -> None:
    process = docker.open_docker("load", "--quiet", is_fed=True)
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    with process.stdin, process.stdout, process.stderr, archive.open(IMAGES) as source:
        # If Docker gives up in the middle, what it says of it comes below.
        with contextlib.suppress(BrokenPipeError):
            shutil.copyfileobj(source, process.stdin, 1 << 20)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        complaint = process.stderr.read().decode(errors="replace").strip()
        if process.wait():
            raise Broken(
                f"Docker does not load the images: {complaint}",
                "Look whether its disk is full (docker system df), then try again.",
            )


def main(arguments: Sequence[str] | None = None, docker: Docker | None = None) -> int:
    """Save or load; the exit status."""
    options = _parser().parse_args(arguments)
    docker = docker or Docker()
    try:
        if options.verb == "save":
            path = save(Path(options.out), docker)
            print(
                f"{path}: {gigabytes(path.stat().st_size)}\n"
                f"Next: copy it to the other machine, then there: tar xf {path.name} && nascar-stack/load"
            )
        else:
            names = load(Path(options.bundle), docker)
            print(f"{', '.join(names)} are there.\nNext: make up")
    except Broken as broken:
        print(f"\n{broken.message()}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m stack.bundle",
        description="Saves the whole stack in one file, and loads it where there is no network.",
        epilog="Example: python3 -m stack.bundle save --out /media/stick",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    saving = verbs.add_parser("save", help="write nascar-stack-<architecture>.tar")
    saving.add_argument("--out", default=".", help="the folder for it (default: this one)", metavar="FOLDER")
    loading = verbs.add_parser("load", help="verify a bundle and load its images")
    loading.add_argument("bundle", help="the file, or the folder that it was unpacked to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
