"""Text that people write: UTF-8, of a reasonable size."""

from __future__ import annotations

from nascar.errors import UsageError


def decode(name: str, data: bytes, largest_bytes: int, error: type[UsageError], wanted: str) -> str:
    """The text of a file. Raises `error` with file, line and column where it is none; `wanted` says what to give."""
    if len(data) > largest_bytes:
        raise error(f"{name}: larger than {largest_bytes:,} bytes. Give {wanted}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        before = data[: broken.start]
        line = before.count(b"\n") + 1
        column = broken.start - (before.rfind(b"\n") + 1) + 1
        raise error(
            f"{name}, line {line}, column {column}: not UTF-8. Save the file as UTF-8 text."
        ) from broken
