"""Bad input: a clear message that names what would be right, exit 2, nothing sent."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta, timezone

import pytest

from nascar.cli import arguments
from nascar.errors import UsageError
from nascar.stream.shard import WHOLE, Shard

TOKEN = "a-token-of-at-least-32-characters!"


@pytest.mark.parametrize("text", ["0", "-5", "1e3", "many", "", "12.5", "999999999999", "nan", "inf"])
def test_a_rate_that_is_none_is_refused_with_the_limits(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="give 1 to 100,000,000"):
        arguments.whole_number(1, arguments.MOST_RATE)(text)


def test_whole_numbers_may_carry_separators() -> None:
    assert arguments.whole_number(1, arguments.MOST_RATE)("612,000") == 612_000


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon", "1e12"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="give 0 to"):
        arguments.seconds(0)(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:8000",
        "ftp://h:1",
        "http://",
        "http://h:0",
        "http://h:99999",
        "http://h/api",
        "http://h?x=1",
    ],
)
def test_an_address_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"http://localhost:8000"):
        arguments.server_url(text)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        arguments.server_url("http://me:secret@host:8000")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "1race", "_race", "race;drop", "ra ce", "r" * 65, "räce"])
def test_a_database_name_arc_refuses_is_refused_here(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="beginning with a letter"):
        arguments.database_name(text)


@pytest.mark.parametrize(
    ("flag", "environment", "words"),
    [
        (None, None, "No token"),
        ("", TOKEN, "No token"),
        ("short", None, "has 5 characters"),
        (None, "short", "ARC_TOKEN has 5 characters"),
        ("YOUR_ARC_TOKEN", None, "stands for your own token"),
        ("a token with blanks in it, 40 chars long", None, "blanks"),
    ],
)
def test_no_token_or_a_bad_one(
    monkeypatch: pytest.MonkeyPatch, flag: str | None, environment: str | None, words: str
) -> None:
    monkeypatch.delenv("ARC_TOKEN", raising=False)
    if environment is not None:
        monkeypatch.setenv("ARC_TOKEN", environment)
    with pytest.raises(UsageError, match=words) as caught:
        arguments.token_of(argparse.Namespace(token=flag))
    assert caught.value.exit_code == 2


def test_the_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARC_TOKEN", "e" * 40)
    assert arguments.token_of(argparse.Namespace(token=TOKEN)) == TOKEN
    assert arguments.token_of(argparse.Namespace(token=None)) == "e" * 40


def test_parts_of_a_run_are_counted_from_one() -> None:
    assert arguments.shard("1/1") == WHOLE
    assert arguments.shard("2/5") == Shard(1, 5)
    for text in ("0/2", "3/2", "1/0", "a/2", "1", "1/2/3", "-1/2", "1/ 2"):
        with pytest.raises(argparse.ArgumentTypeError, match="no part of a run; give 1/3"):
            arguments.shard(text)


def test_a_start_needs_a_time_zone_and_lies_ahead_within_a_day() -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    assert arguments.future_us(soon.isoformat()) == round(soon.timestamp() * 1e6)
    elsewhere = soon.astimezone(timezone(timedelta(hours=-5)))
    assert arguments.future_us(elsewhere.isoformat()) == round(soon.timestamp() * 1e6)
    for text in ("soon", "", soon.replace(tzinfo=None).isoformat()):
        with pytest.raises(argparse.ArgumentTypeError, match="time zone; give one such as"):
            arguments.future_us(text)
    for at in (soon - timedelta(hours=1), soon + timedelta(days=2)):
        with pytest.raises(argparse.ArgumentTypeError, match="next 24 hours; it is now"):
            arguments.future_us(at.isoformat())
