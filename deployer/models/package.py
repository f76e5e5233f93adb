"""A package: every file of a zip or folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from deployer.models.dates import OURS


class Source(Protocol):
    """Bytes that can be read in any order: a file on disk, or an object in S3 by range requests."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``offset``.

        Raises:
            PackageError: the source ends before that, or was changed since it was opened.
        """
        ...


class Kind(StrEnum):
    """What an entry of a package is."""

    FILE = "file"
    SYMLINK = "symlink"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a package, as the zip's central directory tells it."""

    path: str
    kind: Kind
    size: int
    """Unpacked."""
    packed: int
    """As it is in the zip."""
    crc32: int
    mode: int
    """Permission bits as they will be in Lambda: 0o644, or 0o755 where anyone may execute."""
    method: int
    """0 stored, 8 deflated."""
    offset: int
    """Of the local header in the zip."""
    target: str = ""
    """Where a symlink points, as written in it."""
    date: int = OURS
    """When it was last changed, as a zip tells it (``deployer/models/dates.py``)."""
    utc: int | None = None
    """The same in seconds since 1970, where the zip has that too (the extended timestamp of Info-ZIP)."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution inside a package: its ``*.dist-info`` folder and what its RECORD lists."""

    name: str
    version: str
    folder: str
    files: frozenset[str]


@dataclass(frozen=True)
class Package:
    """Every entry of a zip by its path, in sorted order."""

    entries: Mapping[str, Entry]
    zip_bytes: int
    identity: str
    """SHA-256 (hex) over each entry's path, kind, size, CRC-32 and mode: the same for the same files."""

    @property
    def files(self) -> int:
        """How many files and symlinks."""
        return sum(entry.kind is not Kind.DIRECTORY for entry in self.entries.values())

    @property
    def file_paths(self) -> list[str]:
        """Paths of the files and symlinks."""
        return [path for path, entry in self.entries.items() if entry.kind is not Kind.DIRECTORY]

    @property
    def bytes(self) -> int:
        """Unpacked."""
        return sum(entry.size for entry in self.entries.values())

    @property
    def label(self) -> str:
        """The identity's first 16 digits: what log records carry."""
        return self.identity[:16]


@dataclass(frozen=True)
class Examined:
    """A package, and what its files tell."""

    package: Package
    distributions: tuple[Distribution, ...] = ()
    certificates: frozenset[str] = frozenset()
    """Files that hold certificates or keys, whatever they are called."""
