"""The interface of a source of evidence: where records of a probed package are collected from.

A new source is one module here with a class that has ``begin``, and its row in ``SOURCES``
(deployer/sources/__init__.py).
"""

from collections.abc import Callable
from typing import Any, Protocol

from deployer.models.evidence import Evidence

Advance = Callable[[int], Any]
"""Is told of records that were read since the last call."""


class Collection(Protocol):
    """What was collected of one package so far."""

    def collect(self, place: str, since: int, until: int, advance: Advance) -> None:
        """Collect the records of a period, on top of what is there.

        Args:
            place: where the package's records are, by the name that its state keeps.
            since: begin of the period, in milliseconds since 1970.
            until: its end, exclusive.
            advance: is told of the progress.
        """
        ...

    def evidence(self) -> Evidence:
        """Return what all of it tells."""
        ...


class EvidenceSource(Protocol):
    """Where evidence is collected from."""

    def begin(self, label: str) -> Collection:
        """Return an empty collection for the package whose records carry this label."""
        ...
