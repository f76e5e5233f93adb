"""What the page shows, as plain values."""

from dataclasses import dataclass

from deployer.evidence.discovery import Discovery
from deployer.models.outcome import Fate
from deployer.report.models import ShrinkReport
from deployer.report.since import Since


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
