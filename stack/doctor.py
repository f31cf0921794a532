"""``make doctor``: what is wrong with the stack, and what to do. ``--before-start`` looks at the machine alone.

Run it in the folder of docker-compose.yml as ``python3 -m stack.doctor``; any Python from 3.9 on will do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from stack.docker import Docker
from stack.hops import walk
from stack.run_hops import RunHops
from stack.start_hops import StartHops


def main(arguments: Sequence[str] | None = None, docker: Docker | None = None) -> int:
    """Walk the hops; status 0 if all hold, 1 if one does not."""
    options = _parser().parse_args(arguments)
    docker = docker or Docker()
    start = StartHops(docker)
    run = RunHops(docker, lambda: start.settings)
    failure = walk(start.hops() + ([] if options.before_start else run.hops()), print)
    sys.stdout.flush()
    if failure is not None:
        print(f"\n{failure.message()}", file=sys.stderr)
        return 1
    if not options.before_start:
        print(f"\nAll is well. Next: {_next(docker)}")
    return 0


def _next(docker: Docker) -> str:
    containers = docker.containers()
    if "grafana" in containers:
        return f"open http://127.0.0.1:{containers['grafana'].ports[3000]}"
    return f"ask Arc at http://127.0.0.1:{containers['arc'].ports[8000]}; Grafana is not part of this stack."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make doctor",
        description="Checks each hop from Docker to an answered question. The first that fails names its fix.",
        epilog="Example: python3 -m stack.doctor --before-start",
    )
    parser.add_argument(
        "--before-start", action="store_true", help="only what must hold before the stack can start"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
