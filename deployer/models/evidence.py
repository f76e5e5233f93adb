"""What the log tells of a package: which paths were touched, how, and in how many sandboxes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class LogEvent(NamedTuple):
    """One event of a log, as FilterLogEvents gives it."""

    id: str
    """The eventId: the same for the same event, however often it is delivered."""
    timestamp: int
    """Milliseconds since 1970, UTC."""
    message: str
    stream: str = ""
    """The log stream: each sandbox has one of its own."""


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
    """Ours by the package that they name, but cut off: their paths are lost."""
    other_package: int = 0
    """Ours, but of another package's version or another deployment of it."""
    misfit: int = 0
    """Look like ours and count for nothing: broken without our package's name, a field out of bounds, or of another
    sandbox than the one whose log stream it is."""
    doubled: int = 0
    """Delivered more than once (the same eventId)."""
    lost: int = 0
    """Numbered by a sandbox and not in the log, or cut there: their paths are lost."""

    @property
    def missing(self) -> int:
        """Records whose paths are lost: one that is cut off leaves a gap in its sandbox's numbers too."""
        return max(self.cut, self.lost)


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
