"""The answer to ``why``, as plain data."""

from dataclasses import dataclass
from typing import Literal

from deployer.models.outcome import Fate
from deployer.report.reasons import Reason

Meaning = Literal["file", "distribution", "folder", "module", "pattern"]


def repeating(function: str, state: str) -> str:
    """Return the command that shrinks again, with other rules behind it; of a trace with the same options as before."""
    return "ldeploy trace ..." if state == "traced" else f"ldeploy shrink {function}"


@dataclass(frozen=True, slots=True)
class WhyFile:
    """One file: what was decided, and the evidence."""

    path: str
    distribution: str
    """Name and version; empty for the function's own."""
    kept: bool
    fate: Fate
    reason: str
    because: str
    before: int
    """Bytes in the full package."""
    after: int
    """Bytes in the slim package."""
    sandboxes: int
    """How many sandboxes touched it; 0 where none did, or the evidence is of an earlier package."""
    touches: tuple[str, ...]
    """How: opened, looked, loaded …"""
    request: str
    """The request that touched it first; empty where none was under way."""
    first_seen: str
    """RFC 3339, or empty."""
    phase: str
    """In which phase it was touched first: start, invoke or idle; or empty."""
    asked_by: str
    """A module that asked for it; empty where Python was not asked."""
    change: str
    """What would decide otherwise: a rule to give, or one to take out."""


@dataclass(frozen=True)
class WhyReport:
    """The answer to ``why``."""

    function: str
    state: str
    """That of the shrink: deployed, planned, over_limit."""
    asked: str
    meaning: Meaning
    sandboxes: int
    """How many sandboxes the evidence is of."""
    amounts: tuple[Reason, ...]
    files: tuple[WhyFile, ...]
    """The heaviest first."""
    change: str
    """The command that would decide otherwise about all that is dropped, or kept where nothing is dropped."""
    warnings: tuple[str, ...] = ()
