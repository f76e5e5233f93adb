"""What a package weighs, and what each step saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Measure:
    """A package's weight."""

    files: int
    bytes: int
    """Unpacked."""
    zip_bytes: int
    sha256: str
    """Of the zip, hex."""
    init_ms: float | None = None
    """Milliseconds that a cold start takes: the median Init Duration of Lambda's REPORT lines; None where the log holds
    none."""


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
