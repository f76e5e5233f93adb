"""What passes between the stages: frozen values, and the two things that stages read from.

Paths are POSIX, relative to the package's root (``/var/task``), without a leading slash; bytes that are not
UTF-8 are kept as surrogate escapes (PEP 383). Paths of layers are absolute (``/opt/...``). Sizes are bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol


class Source(Protocol):
    """Bytes that can be read in any order: a file on disk, or an object in S3 by range requests."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``.

        Raises:
            PackageError: the source ends before that, or was changed since it was opened.
        """
        ...


# -- package ---------------------------------------------------------------------------------------------------


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
    """As it lies in the zip."""
    crc32: int
    mode: int
    """Permission bits as they will be in Lambda: 0o644, or 0o755 where anyone may execute."""
    method: int
    """0 stored, 8 deflated."""
    offset: int
    """Of the local header in the zip."""
    target: str = ""
    """Where a symlink points, as written in it."""


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
    def bytes(self) -> int:
        """Unpacked."""
        return sum(entry.size for entry in self.entries.values())

    @property
    def label(self) -> str:
        """The identity's first 16 digits: what log records carry."""
        return self.identity[:16]


# -- evidence --------------------------------------------------------------------------------------------------


class LogEvent(NamedTuple):
    """One event of a log, as FilterLogEvents gives it."""

    id: str
    """The eventId: the same for the same event, however often it is delivered."""
    timestamp: int
    """Milliseconds since 1970, UTC."""
    message: str


class Touch(StrEnum):
    """How a path was touched; the values are the keys of a log record's ``touched``."""

    OPENED = "opened"
    LOOKED = "looked"
    """Asked about and found (stat, access, readlink), perhaps never opened."""
    LISTED = "listed"
    """A directory whose entries were read."""
    BROWSED = "browsed"  # a directory whose names were read, other than to find a module in it
    READ = "read"  # a source that was opened, other than to import the module of its name
    EXECUTED = "executed"
    LOADED = "loaded"
    """A library that was mapped or initialised, in the function's process or a child's."""


class Phase(StrEnum):
    """What the sandbox was doing."""

    START = "start"
    INVOKE = "invoke"
    IDLE = "idle"
    """Found outside both: a thread that went on after the answer, or what a killed runtime left behind."""


@dataclass(frozen=True, slots=True)
class PathEvidence:
    """What real invocations did with one path."""

    touches: frozenset[Touch]
    sandboxes: int
    """How many sandboxes touched it."""
    first_seen: str
    """RFC 3339."""
    phase: Phase
    """In which phase it was first touched."""
    request: str | None
    """The request that touched it first."""
    sandbox: str
    """The sandbox that touched it first."""
    witnesses: frozenset[str] = frozenset()
    """Which of inotify, shim, maps and audit saw it, in any sandbox."""
    imported_by: str = ""
    """A module that asked for it; of several the first in sorted order. Empty where Python was not asked."""


@dataclass(frozen=True, slots=True)
class LineCount:
    """What became of the log's lines."""

    records: int = 0
    foreign: int = 0
    """Not ours: the function's own lines."""
    cut: int = 0
    """Ours, but broken off: their paths are lost."""
    other_package: int = 0
    """Ours, but of another package's version."""
    doubled: int = 0
    """Delivered more than once (the same eventId)."""
    lost: int = 0
    """Numbered by a sandbox and not in the log, or cut there: their paths are lost."""


@dataclass(frozen=True)
class Evidence:
    """What a log tells of one package."""

    package: str
    """The label of the package."""
    paths: Mapping[str, PathEvidence]
    sandboxes: int = 0
    invocations: int = 0
    lines: LineCount = field(default_factory=LineCount)
    faults: Mapping[str, int] = field(default_factory=dict)
    """What the probe could not see, by name, and in how many records it said so."""
    since: str = ""
    """RFC 3339: the first record."""
    until: str = ""
    """RFC 3339: the last record."""
    population: float = 0.0
    """How many sandboxes there were, estimated: each that was drawn to report stands for 1 / share of them."""


# -- whitelist -------------------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why a path is kept or dropped."""

    OPENED = "opened"
    READ = "opened as a file"
    LOADED = "loaded"
    EXECUTED = "executed"
    LOOKED = "looked at"
    LISTED = "listed"
    BROWSED = "browsed"
    HANDLER = "handler"
    SOURCE = "source of bytecode"
    BYTECODE = "bytecode of source"
    PACKAGE_INIT = "__init__ on the way"
    METADATA = "metadata of a kept distribution"
    STUB = "stub that lazy_loader reads"
    CERTIFICATES = "CA certificates"
    LICENCE = "licence of a kept distribution"
    SYMLINK = "symlink on the way"
    TARGET = "target of a symlink"
    PARENT = "directory of a kept path"
    NEW = "new since the evidence"
    CHANGED = "distribution changed since the evidence"
    RULE_KEEP = "keep rule"
    RULE_DROP = "drop rule"
    UNTOUCHED = "never touched"


@dataclass(frozen=True, slots=True)
class Decision:
    """One path of the package, kept or dropped, and why."""

    path: str
    kept: bool
    reason: Reason
    because: str
    """The evidence or the rule, in words: ``"request 1f2e… at start-up, 3 of 3 sandboxes"``."""
    size: int
    crc32: int
    """Of the contents that were decided on: other contents are another decision."""


@dataclass(frozen=True)
class Rules:
    """The user's own keep and drop patterns, in the manner of .gitignore."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution as it was when the evidence was taken."""

    name: str
    version: str
    contents: str
    """SHA-256 (hex) over path, size and CRC-32 of its files, without metadata, scripts and bytecode, which differ
    between two installations of the same."""


@dataclass(frozen=True)
class Whitelist:
    """Every path of a package with its decision, in sorted order."""

    package: str
    """The label of the package."""
    decisions: Mapping[str, Decision]
    warnings: tuple[str, ...] = ()
    installed: tuple[Installed, ...] = ()
    """The distributions in it, for a fresh build to be compared with."""
    runtime: str = ""
    """Of the function that it was made for, ``python3.11``; empty where it was not written down."""

    def kept(self) -> Iterator[str]:
        """The paths to keep."""
        return (path for path, decision in self.decisions.items() if decision.kept)


# -- slim zip --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measure:
    """A package's weight."""

    files: int
    bytes: int
    """Unpacked."""
    zip_bytes: int
    sha256: str
    """Of the zip, hex."""


@dataclass(frozen=True)
class Saving:
    """What one step on the way to the slim package did."""

    name: str
    files: int
    """It changed, added or left out so many."""
    bytes_before: int
    """Of those files (of the package for the whitelist), unpacked."""
    bytes_after: int
    left_alone: Mapping[str, int] = field(default_factory=dict)
    """How many files it might have changed and did not, by the reason."""
