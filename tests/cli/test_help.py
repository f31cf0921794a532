"""Every command and every flag is explained, and each help text ends with an example."""

from __future__ import annotations

import argparse

import pytest

from nascar.cli.main import build_parser

COMMANDS: dict[str, argparse.ArgumentParser] = next(
    dict(action.choices)
    for action in build_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_is_explained(name: str) -> None:
    for action in COMMANDS[name]._actions:
        assert action.help, action.option_strings


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_description_and_an_example(name: str) -> None:
    text = COMMANDS[name].format_help()
    assert COMMANDS[name].description
    assert "Example" in text


def test_the_published_flags_have_the_published_defaults() -> None:
    args = COMMANDS["stream"].parse_args([])
    assert args.url == "http://localhost:8000"
    assert args.database == "nascar_telemetry"
    assert (args.cars, args.rate, args.batch_size) == (40, 612_000, 10_000)
    assert (args.pregenerate_batches, args.workers, args.full_race) == (500, 300, False)
    from nascar.cli.stream import DEFAULT_DURATION_S

    assert DEFAULT_DURATION_S == 60


@pytest.mark.parametrize(
    "line",
    [
        "--token T --url http://localhost:8000 --database nascar_telemetry --rate 612000 --duration 60",
        "--token T --full-race --rate 612000 --workers 300",
        "--token T --rate 2400000 --duration 300 --workers 500",
        "--token T --rate 300000 --duration 30 --batch-size 5000",
        "--token T --rate 1200000 --batch-size 20000 --pregenerate-batches 1000",
        "--token T --rate 612000 --duration 300 --workers 300",
        "--token T --rate 1200000 --duration 300 --workers 400",
        "--token T --rate 3000000 --duration 60 --workers 600",
    ],
)
def test_every_published_command_line_is_accepted(line: str) -> None:
    COMMANDS["stream"].parse_args(line.split())
