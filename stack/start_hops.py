"""What must hold before the stack can start: Docker, settings, ports, memory, disk, token and images."""

from __future__ import annotations

import errno
import json
import shutil
import socket
from pathlib import Path
from typing import Any

from stack.docker import NOT_FOUND, ROOT, Docker
from stack.hops import Broken, Hop
from stack.settings import Port, Settings, settings_of

LEAST_TOKEN_CHARACTERS = 32
"""Arc takes no shorter token, and then runs with none at all."""
BYTES_PER_ROW = 16
"""About what a row takes on Arc's disk."""
IMAGES_BYTES = 4_000_000_000
"""About what all images take, and the building of them."""
SPARE_BYTES = 1_000_000_000
REFRESHES = ("1s", "2s", "5s", "10s", "30s")
"""What grafana/Dockerfile builds into the dashboards."""
_REGISTRY_TIMEOUT_S = 30
_WITHOUT_DOCKER = "Without Docker, the same race runs with: make demo"


class StartHops:
    """The hops before the start, in order; what one finds out the later ones use."""

    def __init__(self, docker: Docker, root: Path = ROOT) -> None:
        self.docker = docker
        self.root = root
        self.info: dict[str, Any] = {}
        """What the engine says of itself and its machine."""
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """Known once the hop `settings` held."""
        assert self._settings is not None
        return self._settings

    def hops(self) -> list[Hop]:
        return [
            Hop("Docker", self.engine),
            Hop("Compose", self.compose),
            Hop("settings", self.read_settings),
            Hop("ports", self.ports),
            Hop("memory", self.memory),
            Hop("disk", self.disk),
            Hop("token", self.token),
            Hop("images", self.images),
        ]

    def engine(self) -> str:
        """Docker is installed, and its engine answers."""
        said = self.docker.docker("info", "--format", "{{json .}}")
        if said.status == NOT_FOUND:
            raise Broken(
                "Docker is not installed", f"Install it (docs.docker.com/get-docker). {_WITHOUT_DOCKER}"
            )
        self.info = _document(said.out)
        complaint = " ".join(self.info.get("ServerErrors") or ()) or ("" if said.ok else said.last_line)
        if "permission denied" in complaint.lower():
            raise Broken(
                "this user may not talk to Docker",
                "Join the group docker (sudo usermod -aG docker $USER, then log in again), or run make with sudo.",
            )
        if complaint or "ServerVersion" not in self.info:
            raise Broken(
                f"Docker's engine does not answer: {complaint or said.last_line}",
                f"Start Docker Desktop, or on Linux: sudo systemctl start docker. {_WITHOUT_DOCKER}",
            )
        return f"{self.info['ServerVersion']} on {self.info['OperatingSystem']}, {self.info['Architecture']}"

    def compose(self) -> str:
        """Compose's second version is there."""
        said = self.docker.compose("version", "--short")
        version = said.out.strip().lstrip("v")
        if not said.ok or version.startswith("1."):
            raise Broken(
                f"Compose 1 ({version}) is too old" if said.ok else "Docker's Compose plugin is not there",
                "Install the plugin docker-compose-plugin (docs.docker.com/compose/install).",
            )
        return version

    def read_settings(self) -> str:
        """Compose accepts docker-compose.yml with the variables as they are, and their values can be."""
        said = self.docker.compose("config", "--format", "json")
        if not said.ok:
            raise Broken(
                said.last_line, "Correct .env or the variables of this shell; .env.example has them all."
            )
        config = json.loads(said.out)
        self._settings = settings_of(config, self.root)
        if not self.settings.keep_minutes:
            raise Broken("KEEP_MINUTES is not 1 to 60", "Give whole minutes: make up KEEP_MINUTES=20")
        if not self.settings.rate:
            raise Broken("RATE is no number of rows a second", "Give one: make up RATE=612000")
        refresh = (
            (config["services"].get("grafana") or {}).get("build", {}).get("args", {}).get("REFRESH", "5s")
        )
        if refresh not in REFRESHES:
            raise Broken(
                f"REFRESH={refresh} cannot be", f"Give one of {', '.join(REFRESHES)}: make up REFRESH=5s"
            )
        return f"{self.settings.rate:,} rows/s, kept {self.settings.keep_minutes} minutes"

    def ports(self) -> str:
        """Each port is free, or the stack's own."""
        ours = {
            published
            for container in self.docker.containers().values()
            if container.is_running
            for published in container.ports.values()
        }
        wanted: dict[int, str] = {}
        for port in self.settings.ports:
            if port.number in wanted:
                raise Broken(
                    f"{wanted[port.number]} and {port.variable} are both {port.number}",
                    f"Choose another: make up {port.variable}={free_port(port.number + 1)}",
                )
            wanted[port.number] = port.variable
            if port.number not in ours:
                self._must_be_free(port)
        return ", ".join(f"{number} {'ours' if number in ours else 'free'}" for number in wanted)

    def _must_be_free(self, port: Port) -> None:
        trouble = port_trouble(port.number, port.host)
        if trouble == errno.EACCES:
            raise Broken(
                f"port {port.number} may not be opened by this user",
                f"Choose one above 1023: make up {port.variable}={free_port(port.number + 8000)}",
            )
        if trouble:
            said = self.docker.docker("ps", "--filter", f"publish={port.number}", "--format", "{{.Names}}")
            names = said.out.split() if said.ok else []
            who = f" by the container {names[0]}" if names else ""
            raise Broken(
                f"port {port.number} ({port.service}) is taken{who}",
                f"Choose another: make up {port.variable}={free_port(port.number + 1)}",
            )

    def memory(self) -> str:
        """The machine has what the services may take together, and the cores that one may take alone."""
        settings, there = self.settings, int(self.info["MemTotal"])
        needed = sum(service.memory_bytes for service in settings.services.values())
        if needed > there:
            raise Broken(
                f"the services may take {gigabytes(needed)}, Docker has {gigabytes(there)}",
                "Give Docker more memory (Docker Desktop: Settings, Resources), or Arc less: make up ARC_MEMORY=3g",
            )
        cores = int(self.info["NCPU"])
        for service in settings.services.values():
            if service.cores > cores:
                raise Broken(
                    f"{service.name} may take {service.cores:g} CPUs, Docker has {cores}",
                    f"Give Docker more CPUs, or limit it: make up {service.name.upper()}_CPUS={cores}",
                )
        return f"{gigabytes(there)} there, {gigabytes(needed)} may be taken; {cores} CPUs"

    def disk(self) -> str:
        """There is room for the rows that are kept, and for images that are not there yet."""
        settings = self.settings
        folder = Path(str(self.info.get("DockerRootDir", "")))
        # Docker Desktop's folder is inside its own machine; then the disk that this folder is on tells about as much.
        known = folder if folder.is_dir() else self.root
        free = shutil.disk_usage(known).free
        running = any(container.is_running for container in self.docker.containers().values())
        rows = settings.rate * 60 * (settings.keep_minutes + 2) * BYTES_PER_ROW
        images = IMAGES_BYTES if any(not self.docker.has_image(image) for image in settings.images) else 0
        needed = SPARE_BYTES + (0 if running else rows + images)
        if free < needed:
            raise Broken(
                f"{gigabytes(free)} free, {gigabytes(needed)} needed",
                f"Remove what Docker no longer uses (docker system prune), or keep fewer rows: "
                f"make up KEEP_MINUTES={max(1, settings.keep_minutes // 4)} RATE={settings.rate // 2}",
            )
        return f"{gigabytes(free)} free, {gigabytes(needed)} needed"

    def token(self) -> str:
        """The token is long enough."""
        token = self.settings.token
        if len(token) < LEAST_TOKEN_CHARACTERS or token != token.strip():
            raise Broken(
                f"ARC_TOKEN has {len(token)} characters, Arc wants {LEAST_TOKEN_CHARACTERS} or more without spaces",
                "Put a longer one into .env, for example: echo ARC_TOKEN=$(openssl rand -hex 24) >> .env",
            )
        return f"{len(token)} characters"

    def images(self) -> str:
        """Every image is here, or can be got."""
        services = self.settings.services.values()
        missing = [service for service in services if not self.docker.has_image(service.image)]
        if not missing:
            return "all there"
        for service in missing:
            for image in service.stands_on if service.is_built else (service.image,):
                if not self.docker.has_image(image):
                    self._must_be_to_be_had(image)
        return f"{', '.join(dict.fromkeys(one.image for one in missing))} will be fetched or built (a few minutes)"

    def _must_be_to_be_had(self, image: str) -> None:
        said = self.docker.docker("manifest", "inspect", image, timeout_s=_REGISTRY_TIMEOUT_S)
        if not said.ok:
            raise Broken(
                f"the image {image} is not here and cannot be had: {said.last_line}",
                "Connect this machine to the internet for the first start, or load a bundle that was made on "
                "one that is (make bundle): make unbundle BUNDLE=nascar-stack-….tar",
            )


def port_trouble(number: int, host: str) -> int:
    """0 if a server can listen at the port; else the error number of trying it."""
    with socket.socket() as probe:
        probe.settimeout(2)
        # On some systems a port can be opened beside a server that listens on all addresses.
        if probe.connect_ex((host, number)) == 0:
            return errno.EADDRINUSE
    with socket.socket() as probe:
        # As Docker does: an old connection that is still closing takes no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def free_port(start: int) -> int:
    """The first free port on loopback from `start` on."""
    return next(
        number for number in range(min(start, 60_000), 65_536) if not port_trouble(number, "127.0.0.1")
    )


def gigabytes(amount: float) -> str:
    return f"{amount / 1e9:,.1f} GB"


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
