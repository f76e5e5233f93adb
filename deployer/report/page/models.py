"""What the page shows, as plain values."""

from dataclasses import dataclass
from enum import StrEnum

from deployer.evidence.discovery import Discovery
from deployer.report.models import ShrinkReport


class Fate(StrEnum):
    """What became of a file of the full package; the order is that of the legend."""

    KEPT = "kept"
    TRIMMED = "trimmed"
    """Kept, and smaller than it was: a trimmed library, an emptied file, a source that its bytecode replaces."""
    PACKED = "packed"
    """Kept compressed, and unpacked to /tmp at start."""
    ADDED = "added"
    """Not in the full package: bytecode."""
    GUARDED = "guarded"
    """Not in the slim package; the guard fetches it if it is asked for after all."""
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of the full package, or one that was added to the slim one."""

    path: str
    distribution: str
    """Name and version of the distribution that brought it, as ``numpy 2.0.0``; empty for the function's own."""
    before: int
    """Bytes in the full package, unzipped."""
    after: int
    """Bytes in the slim package, unzipped."""
    fate: Fate
    reason: str
    because: str
    """The evidence, or the rule, in words."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that could still go, and what the user would do for it."""

    what: str
    bytes: int
    """Of the full package, unzipped."""
    how: str


@dataclass(frozen=True, slots=True)
class Since:
    """What the log tells of the time since the slim package was deployed."""

    until: str
    """When the log was read, RFC 3339."""
    invocations: int
    errors: int
    timeouts: int
    misses: tuple[str, ...]
    """Paths or modules that were dropped and asked for."""
    partial: bool = False
    """Whether the log held more than was read."""


@dataclass(frozen=True)
class PageContent:
    """All that the page shows."""

    report: ShrinkReport
    files: tuple[FileRow, ...]
    made: str
    """When the page was made, RFC 3339."""
    tool: str
    """Name and version of what made it."""
    command: str
    """What the user typed to make it."""
    discovery: Discovery | None = None
    """None where there is no evidence of more than one sandbox."""
    suggestions: tuple[Suggestion, ...] = ()
    since: Since | None = None
    """None where nobody asked the log."""
