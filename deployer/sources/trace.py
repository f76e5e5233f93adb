"""Evidence from sandboxes on this machine: their log lines, as they were written."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deployer.evidence import Tally
from deployer.models.evidence import Evidence, LogEvent
from deployer.sources.base import Advance, Collection


@dataclass(frozen=True)
class TraceSource:
    """Reads the log of a trace; it has no row in ``SOURCES``, as ``--via`` is about functions in AWS."""

    log: Sequence[LogEvent] = field(repr=False)

    def begin(self, label: str) -> Collection:
        """Return an empty collection for the package with this label."""
        return _Lines(self.log, Tally(label))


@dataclass(frozen=True)
class _Lines:
    log: Sequence[LogEvent] = field(repr=False)
    tally: Tally

    def collect(self, place: str, since: int, until: int, advance: Advance) -> None:  # noqa: ARG002 - one log, one place
        for event in self.log:
            if since <= event.timestamp < until:
                self.tally.read(event)
        advance(len(self.log))

    def evidence(self) -> Evidence:
        return self.tally.evidence()
