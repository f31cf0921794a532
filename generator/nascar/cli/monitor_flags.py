"""The flags that say how a run is watched and where that is shown."""

from __future__ import annotations

import argparse
from pathlib import Path

from nascar.cli import arguments
from nascar.errors import UsageError
from nascar.monitor.endpoint import DEFAULT_HOST, Address
from nascar.monitor.settings import MonitorSettings
from nascar.monitor.table import PIPELINE_METRICS
from nascar.questions import load_questions


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """``--metrics-port`` and ``--metrics-host``."""
    parser.add_argument(
        "--metrics-port",
        type=arguments.whole_number(0, 65_535),
        help="serve GET /metrics (Prometheus text) and GET /healthz at this port; 0 takes one that is free "
        "(default: not served)",
        metavar="PORT",
    )
    parser.add_argument(
        "--metrics-host",
        help=f"address to serve them at; whoever reaches it can read them (default: {DEFAULT_HOST})",
        metavar="HOST",
    )


def add_monitor(parser: argparse.ArgumentParser) -> None:
    """``--no-monitor``, ``--ask-every``, ``--server-proc`` and ``--server-data``."""
    parser.add_argument(
        "--no-monitor",
        action="store_true",
        help=f"do not write {PIPELINE_METRICS.name}, a row a second on how the stream and the server stand (of a run "
        "on several machines each writes its own part)",
    )
    parser.add_argument(
        "--ask-every",
        type=arguments.seconds(0, 3600),
        default=0,
        help="ask the eight questions in turn, with this pause after each answer, and record how long each took; 0 for "
        "never (default: %(default)g)",
        metavar="SECONDS",
    )
    parser.add_argument(
        "--server-proc",
        type=Path,
        help="folder with copies of the server's /proc files, kept fresh by its health check (arc/health): its CPU, "
        "memory and disk are recorded",
        metavar="DIR",
    )
    parser.add_argument(
        "--server-data",
        type=Path,
        help="the server's data folder as this machine sees it: its files and bytes are recorded",
        metavar="DIR",
    )


def metrics_address(args: argparse.Namespace) -> Address | None:
    """Where to serve metrics; None for nowhere."""
    if args.metrics_port is None:
        if args.metrics_host is not None:
            raise UsageError("--metrics-host serves nothing without a port: give --metrics-port, too.")
        return None
    return Address(args.metrics_host or DEFAULT_HOST, args.metrics_port)


def monitor_settings(args: argparse.Namespace) -> MonitorSettings:
    """What the flags of `add_monitor` ask for."""
    if args.ask_every and args.no_monitor and args.metrics_port is None:
        raise UsageError(
            "--ask-every has nowhere to show its times with --no-monitor: give --metrics-port, too, or leave one out."
        )
    return MonitorSettings(
        writes=not args.no_monitor,
        questions=load_questions() if args.ask_every else (),
        ask_every_s=args.ask_every,
        server_proc=args.server_proc,
        server_data=args.server_data,
    )
