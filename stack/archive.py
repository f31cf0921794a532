"""A tar with a checksum of each file, written in one pass and read without being unpacked."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO

SUMS = "SHA256SUMS"
"""The last file: a line for each other one, as `sha256sum --check` reads them."""

_CHUNK = 1 << 20


class Damaged(Exception):
    """The archive is not as it was written; says where."""


class ArchiveWriter:
    """Writes `path` as a whole or not at all: a context manager. Names are put below `folder`."""

    def __init__(self, path: Path, folder: str) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._folder = folder
        self._sums: dict[str, str] = {}

    def __enter__(self) -> ArchiveWriter:
        self._file = self._part.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                lines = "".join(f"{digest}  {name}\n" for name, digest in self._sums.items())
                self.add_text(SUMS, lines)
                self._file.write(bytes(2 * tarfile.BLOCKSIZE))
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self._part.replace(self._path)
        finally:
            # What could not be written is thrown away.
            with contextlib.suppress(OSError):
                self._file.close()
            self._part.unlink(missing_ok=True)

    def add_text(self, name: str, text: str, executable: bool = False) -> None:
        self.add_stream(name, io.BytesIO(text.encode()), executable)

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            self.add_stream(name, source, os.access(path, os.X_OK))

    def add_stream(self, name: str, source: IO[bytes], executable: bool = False) -> None:
        """Add what `source` gives until it ends. Its length need not be known: the header is written again."""
        member = tarfile.TarInfo(f"{self._folder}/{name}")
        member.mode = 0o755 if executable else 0o644
        member.mtime = int(time.time())
        start = self._file.tell()
        self._file.write(member.tobuf(tarfile.GNU_FORMAT))
        digest = hashlib.sha256()
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            self._file.write(chunk)
            member.size += len(chunk)
        self._file.write(bytes(-member.size % tarfile.BLOCKSIZE))
        self._file.seek(start)
        self._file.write(member.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(0, os.SEEK_END)
        self._sums[name] = digest.hexdigest()


class Archive:
    """Reads such a tar at `path`, or the folder that it was unpacked to: a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tar: tarfile.TarFile | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        if not path.is_dir():
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115
            self._members = {member.name.partition("/")[2]: member for member in self._tar}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tar is not None:
            self._tar.close()

    def open(self, name: str) -> IO[bytes]:
        """The content of the file `name`."""
        if self._tar is None:
            return (self._path / name).open("rb")
        if name not in self._members:
            raise Damaged(f"{name} is missing")
        content = self._tar.extractfile(self._members[name])
        assert content is not None
        return content

    def text(self, name: str) -> str:
        with self.open(name) as file:
            return file.read().decode()

    def verify(self) -> None:
        """Raise `Damaged` unless every file is there and has the content that was written."""
        lines = self.text(SUMS).splitlines()
        if not lines:
            raise Damaged(f"{SUMS} is empty")
        for line in lines:
            wanted, _, name = line.partition("  ")
            digest = hashlib.sha256()
            with self.open(name) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            if digest.hexdigest() != wanted:
                raise Damaged(f"{name} is not as it was written")
