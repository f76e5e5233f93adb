"""Evidence from a log group, event by event (FilterLogEvents)."""

from dataclasses import dataclass

from deployer.aws import Logs
from deployer.evidence import Tally
from deployer.models.evidence import Evidence
from deployer.sources.base import Advance, Collection


@dataclass(frozen=True)
class EventSource:
    """Reads every event that holds a record."""

    logs: Logs

    def begin(self, label: str) -> Collection:
        """Return an empty collection for the package with this label."""
        return _Events(self.logs, Tally(label))


@dataclass(frozen=True)
class _Events:
    logs: Logs
    tally: Tally

    def collect(self, place: str, since: int, until: int, advance: Advance) -> None:
        for event in self.logs.events(place, since, until, advance):
            self.tally.read(event)

    def evidence(self) -> Evidence:
        return self.tally.evidence()
