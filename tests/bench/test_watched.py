"""How a server's processes are found, or why they are not. Docker is a stand-in that answers as docker does."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nascar.bench import watched
from nascar.bench.watched import Container, ProcessTree, in_bytes
from nascar.errors import UsageError

STATS = {
    "CPUPerc": "150.00%",
    "MemUsage": "1.5GiB / 4GiB",
    "BlockIO": "12.3kB / 4.5MB",
    "NetIO": "1GB / 2MB",
}


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a ``docker`` on the PATH that gives these answers to inspect and stats, and knows only ``arc``."""

    def make(inspect: str, stats: str) -> None:
        (tmp_path / "inspect").write_text(inspect)
        (tmp_path / "stats").write_text(stats)
        program = tmp_path / "docker"
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *arc) cat "{tmp_path}/$1" ;; *) echo "No such object" >&2; exit 1 ;; esac\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return make


async def test_the_listener_on_the_port_is_the_server(port: int) -> None:
    found, note = await watched.find(f"http://127.0.0.1:{port}", None, None)
    assert isinstance(found, ProcessTree)
    usage, own = await found.look(), await ProcessTree(os.getpid()).look()
    assert usage is not None
    assert own is not None
    assert usage.cpu_s == pytest.approx(own.cpu_s, abs=1)
    assert str(port) in note


async def test_where_nobody_listens_the_note_says_so_and_what_to_give(port: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = probe.getsockname()[1]
        found, note = await watched.find(f"http://127.0.0.1:{dead}", None, None)
    assert found is None
    assert "--server-pid" in note


async def test_a_server_elsewhere_is_not_looked_for_here() -> None:
    # 192.0.2.0/24 is kept for documentation (RFC 5737): no machine has such an address.
    found, note = await watched.find("http://192.0.2.1:8000", None, None)
    assert found is None
    assert "another machine" in note


async def test_a_process_that_only_hands_on_is_not_the_server(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    monkeypatch.setattr(watched, "_PROXIES", (psutil.Process().name(),))
    found, note = watched.listener(f"http://127.0.0.1:{port}")
    assert found is None
    assert "hands on" in note
    assert "--server-container" in note


async def test_a_process_id_is_taken_as_given_and_must_be_there() -> None:
    found, _ = await watched.find("http://192.0.2.1:8000", os.getpid(), None)
    assert isinstance(found, ProcessTree)
    with pytest.raises(UsageError, match="no process"):
        await watched.find("http://192.0.2.1:8000", 2**22, None)


async def test_a_container_is_looked_at_by_its_processes_where_they_can_be_seen(
    docker: Callable[[str, str], None],
) -> None:
    docker(f"{os.getpid()}\n", json.dumps(STATS))
    found, _ = await watched.find("http://localhost:8000", None, "arc")
    assert isinstance(found, ProcessTree)


async def test_a_container_whose_processes_cannot_be_seen_is_looked_at_through_docker(
    docker: Callable[[str, str], None],
) -> None:
    docker(f"{2**22}\n", json.dumps(STATS))
    found, _ = await watched.find("http://localhost:8000", None, "arc")
    assert isinstance(found, Container)
    at_s = iter([10.0, 12.0])
    container = Container("arc", clock=lambda: next(at_s))
    first, second = await container.look(), await container.look()
    assert first is not None
    assert second is not None
    assert second.cpu_s - first.cpu_s == pytest.approx(1.5 * 2)
    assert second.rss_bytes == round(1.5 * 2**30)
    assert (second.read_bytes, second.write_bytes, second.received_bytes) == (12_300, 4_500_000, 10**9)


@pytest.mark.parametrize("said", ["", "no json", "{}", '{"CPUPerc": "--", "MemUsage": "-- / --"}'])
async def test_an_answer_without_numbers_is_no_usage(docker: Callable[[str, str], None], said: str) -> None:
    docker(f"{2**22}\n", said)
    assert await Container("arc").look() is None


async def test_a_container_that_is_not_there_is_refused(docker: Callable[[str, str], None]) -> None:
    docker("0\n", "")
    for name in ("arc", "other"):
        with pytest.raises(UsageError, match="docker ps"):
            await watched.find("http://localhost:8000", None, name)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0B", 0), ("12.3kB", 12_300), ("1.5GiB", 1_610_612_736), ("7MiB", 7 * 2**20), ("2 MB", 2_000_000)],
)
def test_docker_amounts_are_bytes(text: str, number: int) -> None:
    assert in_bytes(text) == number


@pytest.mark.parametrize("text", ["", "--", "5", "5XB", "B"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert in_bytes(text) is None
