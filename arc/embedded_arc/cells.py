"""Fast reading of MessagePack columns, without a Python object for a cell.

An array whose cells all have the same fixed width (a tag byte and eight bytes) is two numpy views of the
request body: one over the tags, one over the numbers. An array of texts in which the same block of bytes
comes again and again (the drivers of an instant, then the drivers of the next) is recognised by comparing
the array with itself, shifted by one block. Anything else is left to `msgpack`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from embedded_arc.columns import Kind, Numbers, Words

_INT64: Final = 0xD3
_UINT64: Final = 0xCF
_FLOAT64: Final = 0xCB
_CELL_BYTES: Final = 9

_CELL_INT: Final = np.dtype([("tag", "u1"), ("value", ">i8")])
_CELL_FLOAT: Final = np.dtype([("tag", "u1"), ("value", ">f8")])

LONGEST_PERIOD: Final = 1024
"""Texts looked at in search of a repetition, before the column is read the slow way."""

MOST_COMPARISONS: Final = 16
"""Whole columns compared in that search: what looks like a block need not be one."""


class Ended(Exception):
    """The bytes end before the value does; the message is Go's, for an end between values and one inside."""

    def __init__(self, inside: bool) -> None:
        super().__init__("unexpected EOF" if inside else "EOF")


@dataclass(slots=True)
class Cursor:
    """A place in a request body. Readers return None, and stay where they are, at anything unexpected."""

    body: bytes | bytearray
    at: int = 0

    def map_header(self) -> int | None:
        """Pairs of the map that begins here."""
        return self._header(0x80, 0xDE)

    def array_header(self) -> int | None:
        """Cells of the array that begins here."""
        return self._header(0x90, 0xDC)

    def _header(self, fix: int, tag16: int) -> int | None:
        body, at = self.body, self.at
        if at >= len(body):
            raise Ended(inside=False)
        tag = body[at]
        if fix <= tag < fix + 16:
            self.at = at + 1
            return tag - fix
        if tag not in (tag16, tag16 + 1):
            return None
        end = at + (3 if tag == tag16 else 5)
        if end > len(body):
            raise Ended(inside=True)
        self.at = end
        return int.from_bytes(body[at + 1 : end], "big")

    def text(self) -> bytes | None:
        """The text that begins here, undecoded."""
        body, at = self.body, self.at
        if at >= len(body):
            raise Ended(inside=False)
        tag = body[at]
        if 0xA0 <= tag < 0xC0:
            start, size = at + 1, tag - 0xA0
        elif 0xD9 <= tag <= 0xDB:
            start = at + 1 + (1, 2, 4)[tag - 0xD9]
            size = int.from_bytes(body[at + 1 : start], "big")
        else:
            return None
        end = start + size
        if end > len(body):
            raise Ended(inside=True)
        self.at = end
        return bytes(body[start:end])

    def at_text(self) -> bool:
        """Whether a text begins here."""
        if self.at >= len(self.body):
            raise Ended(inside=False)
        tag = self.body[self.at]
        return 0xA0 <= tag < 0xC0 or 0xD9 <= tag <= 0xDB

    def numbers(self, count: int) -> Numbers | None:
        """A column of `count` cells of one fixed width."""
        body, at = self.body, self.at
        end = at + count * _CELL_BYTES
        if count == 0 or end > len(body):
            return None
        tag = body[at]
        if tag == _FLOAT64:
            cells = np.frombuffer(body, dtype=_CELL_FLOAT, count=count, offset=at)
            if not (cells["tag"] == _FLOAT64).all():
                return None
            self.at = end
            return Numbers(Kind.FLOAT, cells["value"].astype("<f8"))
        if tag not in (_INT64, _UINT64):
            return None
        cells = np.frombuffer(body, dtype=_CELL_INT, count=count, offset=at)
        tags = cells["tag"]
        if not (tags == tag).all():
            if not ((tags == _INT64) | (tags == _UINT64)).all():
                return None
            unsigned = tags == _UINT64
        else:
            unsigned = tags == _UINT64 if tag == _UINT64 else None
        values = cells["value"].astype("<i8")
        if unsigned is not None and bool((values[unsigned] < 0).any()):
            return None
        self.at = end
        return Numbers(Kind.INT, values)


@dataclass(frozen=True, slots=True)
class _Block:
    """Texts that repeat: their bytes as they travel, and what they mean."""

    data: bytes
    period: int
    words: tuple[str, ...]
    codes: NDArray[np.int16]
    """Code of each text of the block, ``(period,)``."""
    ends: NDArray[np.int64]
    """Bytes from the block's start to the end of each text, ``(period,)``."""


class TextReader:
    """Reads columns of repeating texts; remembers the last block of each column."""

    def __init__(self, most_remembered: int = 4096) -> None:
        self._last: dict[tuple[str, str], _Block] = {}
        self._most_remembered = most_remembered

    def read(self, cursor: Cursor, count: int, table: str, column: str) -> Words | None:
        """`count` texts at the cursor, or None where they do not repeat."""
        key = (table, column)
        block = self._last.get(key)
        if block is not None:
            words = self._repeat(cursor, count, block)
            if words is not None:
                return words
        block = _find_block(cursor, count)
        if block is None:
            return None
        if len(self._last) >= self._most_remembered:
            self._last.clear()
        self._last[key] = block
        return self._repeat(cursor, count, block)

    @staticmethod
    def _repeat(cursor: Cursor, count: int, block: _Block) -> Words | None:
        whole, rest = divmod(count, block.period)
        size = whole * len(block.data) + (int(block.ends[rest - 1]) if rest else 0)
        body, at = cursor.body, cursor.at
        end = at + size
        if whole == 0 or end > len(body) or not body.startswith(block.data, at):
            return None
        shift = len(block.data)
        flat = np.frombuffer(body, dtype=np.uint8, count=size, offset=at)
        if not np.array_equal(flat[shift:], flat[: size - shift]):
            return None
        cursor.at = end
        return Words(np.resize(block.codes, count), block.words)


def _find_block(cursor: Cursor, count: int) -> _Block | None:
    """The shortest block of texts at the cursor that comes again; the cursor stays where it is."""
    body, start = cursor.body, cursor.at
    reader = Cursor(body, start)
    texts: list[bytes] = []
    ends: list[int] = []
    comparisons = 0
    for _ in range(min(count, 2 * LONGEST_PERIOD)):
        text = reader.text()
        if text is None:
            return None
        if texts and text == texts[0] and count >= len(texts):
            size = ends[-1]
            # Most texts come again before the block does (three makes, forty cars): a second look decides.
            if body.startswith(body[start + size : start + 2 * size], start):
                comparisons += 1
                if _runs_on(body, start, size, count, len(texts), ends):
                    return _block(bytes(body[start : start + size]), texts, ends)
        if len(texts) == LONGEST_PERIOD or comparisons == MOST_COMPARISONS:
            return None
        texts.append(text)
        ends.append(reader.at - start)
    if len(texts) == count:  # no repetition, but all of it has been read: one block is the column
        return _block(bytes(body[start : reader.at]), texts, ends)
    return None


def _runs_on(
    body: bytes | bytearray, start: int, size: int, count: int, period: int, ends: list[int]
) -> bool:
    """Whether the block of `size` bytes at `start` goes on to the end of a column of `count` texts."""
    whole, rest = divmod(count, period)
    total = whole * size + (ends[rest - 1] if rest else 0)
    if start + total > len(body):
        return False
    flat = np.frombuffer(body, dtype=np.uint8, count=total, offset=start)
    return bool(np.array_equal(flat[size:], flat[: total - size]))


def _block(data: bytes, texts: list[bytes], ends: list[int]) -> _Block:
    known: dict[str, int] = {}
    codes = [known.setdefault(text.decode(errors="replace"), len(known)) for text in texts]
    return _Block(
        data, len(texts), tuple(known), np.array(codes, dtype=np.int16), np.array(ends, dtype=np.int64)
    )
