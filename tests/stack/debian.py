"""What the test takes from Debian's packages where it is missing: engine, Compose plugin, and a base image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.stack.shell import StackFault, run

# The first suite whose package of Compose is version 2.
_COMPOSE_SUITE: Final = "trixie"
_COMPOSE_IN_PACKAGE: Final = "./usr/libexec/docker/cli-plugins/docker-compose"
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CA_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_SUITE_OF_PYTHON: Final = {"3.11": "bookworm", "3.13": "trixie"}
_PIP_OPTIONS: Final = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout")


def install(*packages: str) -> None:
    """Install `packages` of the system's own suite."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StackFault(
            f"The stack's test needs a running Docker engine, or root on Debian to install {' and '.join(packages)}. "
            "Start Docker, or run `make test-stack` as root."
        )
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    try:
        run(command, env=quiet)
    except StackFault:
        # A fresh machine has no lists of packages, or old ones.
        run(["apt-get", "update"], env=quiet)
        run(command, env=quiet)


def fetch_compose(plugins: Path) -> None:
    """Put Compose's plugin into the folder `plugins`, without touching the system's packages."""
    folder = plugins / "apt"
    (folder / "lists" / "partial").mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror()} {_COMPOSE_SUITE} main\n")
    options = [
        f"Dir::Etc::sourcelist={sources}",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State::lists={folder / 'lists'}",
        f"Dir::Cache={folder}",
        "APT::Sandbox::User=root",
        "Acquire::Languages=none",
    ]
    apt = ["apt-get", *(word for option in options for word in ("-o", option))]
    run([*apt, "update"])
    run([*apt, "download", "docker-compose"], cwd=folder)
    package = next(folder.glob("docker-compose_*.deb"))
    plugin = plugins / "docker-compose"
    with (
        plugin.open("wb") as file,
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpacking,
    ):
        subprocess.run(["tar", "-xO", _COMPOSE_IN_PACKAGE], stdin=unpacking.stdout, stdout=file, check=True)
    plugin.chmod(0o755)
    shutil.rmtree(folder)


def mirror() -> str:
    """Where this machine takes Debian's packages from."""
    folder = Path("/etc/apt")
    for path in (*sorted(folder.glob("sources.list.d/*")), folder / "sources.list"):
        if path.is_file():
            found = re.search(r"https?://[^\s\]]+/debian/?(?=\s|$)", path.read_text(errors="replace"))
            if found:
                return found[0]
    raise StackFault("This machine names no mirror of Debian in /etc/apt. Run the test where Docker runs.")


def write_python_root(tar: Path, python_version: str) -> subprocess.Popen[str]:
    """Begin to write a root file system with Python `python_version`, in the place of an image of that name.

    It gets this machine's certificates and pip's settings: whoever reaches no image registry has packages from
    somewhere, and the Dockerfiles must not know from where.
    """
    suite = _SUITE_OF_PYTHON.get(python_version)
    if suite is None:
        raise StackFault(
            f"No image python:{python_version}-slim can be had, and no Debian has Python {python_version}. "
            f"Set PYTHON_VERSION to one of {', '.join(_SUITE_OF_PYTHON)} for the test."
        )
    hooks = ['ln -s python3 "$1/usr/bin/python"', 'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED']
    settings = tar.with_name("pip.conf")
    settings.write_text(_pip_settings())
    hooks.append(f'install -D -m 644 {settings} "$1/etc/pip.conf"')
    if _CA_BUNDLE.is_file():
        hooks.append(f'install -D -m 644 {_CA_BUNDLE} "$1{_CA_BUNDLE}"')
    return subprocess.Popen(
        [
            *(
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                "--include=python3-venv",
                f"--keyring={_KEYRING}",
            ),
            *(f"--customize-hook={hook}" for hook in hooks),
            *(suite, tar, mirror()),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _pip_settings() -> str:
    """pip's settings on this machine that say where packages come from, as a file of its own."""
    lines = ["[global]"]
    if _CA_BUNDLE.is_file():
        lines.append(f"cert = {_CA_BUNDLE}")
    for line in run([sys.executable, "-m", "pip", "config", "list"]).splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in _PIP_OPTIONS:
            lines.append(f"{option} = {value.strip(chr(39))}")
    return "\n".join(lines) + "\n"
