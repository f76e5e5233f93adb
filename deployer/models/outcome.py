"""What became of each file of a package on the way to the slim one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What became of one file; the order is that of legends."""

    KEPT = "kept"
    TRIMMED = "trimmed"
    """Kept, and smaller than it was: a trimmed library, an emptied file, a source that its bytecode replaces."""
    PACKED = "packed"
    """Kept compressed, inside the package or in S3, and unpacked to /tmp at start."""
    ADDED = "added"
    """Not in the full package: bytecode, and what unpacks packed files."""
    GUARDED = "guarded"
    """Not in the slim package; the guard brings it if it is asked for after all."""
    DROPPED = "dropped"

    @property
    def is_gone(self) -> bool:
        """Whether the slim package does not hold it."""
        return self in {Fate.GUARDED, Fate.DROPPED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    distribution: str
    """Name and version of the distribution that brought it, as ``numpy 2.0.0``; empty for the function's own."""
    after: int
    """Bytes in the slim package, unzipped."""
    fate: Fate


@dataclass(frozen=True)
class Outcomes:
    """What became of every file of one package."""

    package: str
    """The label of the full package."""
    files: Mapping[str, Outcome] = field(default_factory=dict)
    """By path, in sorted order; directories are left out."""
