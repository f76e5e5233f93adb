"""What ``doctor`` looked at, and what it came to."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check came to."""

    GOOD = "good"
    DOUBT = "doubt"
    """Worth knowing; a probe may go on."""
    STOPS = "stops"
    """A probe would be refused."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    what: str


@dataclass(frozen=True)
class Weight:
    """What one distribution of a package weighs."""

    name: str
    """With its version."""
    files: int
    bytes: int
    """Unzipped."""


@dataclass(frozen=True)
class DoctorReport:
    """The answer to ``doctor``."""

    function: str
    """Its name, or the package's path; empty where neither is named."""
    ready: bool
    """Whether nothing would stop a probe."""
    checks: tuple[Check, ...]
    weights: tuple[Weight, ...] = ()
    """Of ``--package``: what weighs what, the heaviest first; they add up."""
    next: str = ""
    """The command to go on with."""
    warnings: tuple[str, ...] = ()
