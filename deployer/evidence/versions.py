"""What a log tells of two versions of a function in the same time: each sandbox's log stream names its version."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from deployer.evidence.invocations import Status, is_error, read_report, timed_out
from deployer.models.evidence import LogEvent
from probe_layer.guard.line import MARK, decode

_STREAM: Final = re.compile(r"\d{4}/\d\d/\d\d/([^\[\]]*)\[([^\[\]]+)\]")
"""``2026/11/30/[3]1c2f…``; in a log group that functions share, ``2026/11/30/name[3]1c2f…``
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html)."""


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """What became of one version's invocations."""

    invocations: int = 0
    errors: int = 0
    timeouts: int = 0
    misses: int = 0
    """Sandboxes in which something was asked for that the package does not hold; one for each, however many files."""
    throttles: int = 0
    """Requests that were refused; they are no invocations."""


@dataclass
class _Tally:
    """What was read so far of one version."""

    statuses: Counter[Status] = field(default_factory=Counter)
    errors: int = 0
    timeouts: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    def add(self, event: LogEvent) -> None:
        """Count what a line tells. An exception that the function raised is a success in Lambda's own line."""
        if report := read_report(event.message):
            self.statuses[report.status] += 1
        elif MARK in event.message:
            line = decode(event.message)
            self.missing |= {line.sandbox or event.stream} if line and line.miss else set()
        else:
            self.timeouts |= {timed_out(event.message)} - {""}
            self.errors += is_error(event.message)

    def figures(self, throttles: int) -> VersionFigures:
        """Return the counts; none is greater than that of the invocations, of which each is a share."""
        invocations = self.statuses.total()
        return VersionFigures(
            invocations,
            errors=min(invocations, max(self.statuses[Status.ERROR], self.errors)),
            timeouts=min(invocations, max(self.statuses[Status.TIMEOUT], len(self.timeouts))),
            misses=min(invocations, len(self.missing)),
            throttles=throttles,
        )


class VersionLog:
    """The lines of a function's log, counted by version; a line that is read twice counts once.

    Args:
        function: its name.
    """

    def __init__(self, function: str) -> None:
        self._function = function
        self._tallies: dict[str, _Tally] = {}
        self._seen: dict[str, int] = {}

    def add(self, events: Iterable[LogEvent]) -> None:
        """Count the lines that were not counted yet."""
        for event in events:
            if event.id not in self._seen and (version := self._version(event.stream)):
                self._seen[event.id] = event.timestamp
                self._tallies.setdefault(version, _Tally()).add(event)

    def forget(self, before: int) -> None:
        """Forget which lines were read that are older: they are not read again."""
        self._seen = {event: moment for event, moment in self._seen.items() if moment >= before}

    def figures(self, version: str, throttles: int = 0) -> VersionFigures:
        """Return what was read of a version."""
        return self._tallies.get(version, _Tally()).figures(throttles)

    def _version(self, stream: str) -> str:
        found = _STREAM.match(stream)
        return found[2] if found and found[1] in {"", self._function} else ""
