"""Watch a shift of traffic: the log of both versions, read again and again until there is a verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from deployer.context import Context
from deployer.errors import CloudError
from deployer.evidence.misses import PATTERN
from deployer.evidence.verdict import Judgement, Verdict, judge
from deployer.evidence.versions import VersionFigures, VersionLog
from deployer.models.evidence import LogEvent
from deployer.state.shift import Shift
from deployer.words import counted, percent

LOOKS: Final = 20
"""Into so many parts a shift is divided, with a look at the end of each ..."""
LONGEST_MS: Final = 30_000
"""... but none is longer: a bad version serves no more than its share of half a minute."""
OVERLAP_MS: Final = 120_000
"""So much of the log is read again at each look: lines come late. CloudWatch promises no bound; seconds are usual."""
MOST: Final = 200_000
"""So many lines are read at a look at most: more would tell no more."""


@dataclass
class Watch:
    """One shift being watched.

    Args:
        context: the surroundings.
        group: name of the function's log group.
        shift: under way.
    """

    context: Context
    group: str
    shift: Shift

    def __post_init__(self) -> None:
        self._log = VersionLog(self.context.workspace.function)
        self._read_until = self.shift.began
        self._told = ""
        self._throttles: dict[str, int] | None = {}

    @property
    def interval(self) -> int:
        """Milliseconds between two looks."""
        return max(1, min(LONGEST_MS, self.shift.canary.duration // LOOKS))

    @property
    def looks(self) -> int:
        """How many there are before the last."""
        return self.shift.canary.duration // self.interval

    @property
    def new(self) -> VersionFigures:
        """What is known of the new version."""
        return self._figures(self.shift.version)

    @property
    def old(self) -> VersionFigures:
        """What is known of the old one."""
        return self._figures(self.shift.old.version)

    def _figures(self, version: str) -> VersionFigures:
        return self._log.figures(version, (self._throttles or {}).get(version, 0))

    def look(self) -> Judgement:
        """Read what is new in the log, and judge.

        Raises:
            DeniedError: logs:FilterLogEvents is missing.
        """
        now = self.context.now()
        self._log.add(islice(self._events(now), MOST))
        self._read_until = max(self.shift.began, now - OVERLAP_MS)
        self._log.forget(self._read_until)
        self._count_throttles(now)
        self._tell()
        return judge(self.new, self.old, self.looks, last=now >= self.shift.until)

    def look_or_wait(self) -> Judgement:
        """Look; where the log cannot be read, wait, and go back at the end: what cannot be watched is not trusted."""
        try:
            return self.look()
        except CloudError as error:
            self.context.notices.warn(f"The log was not read this time: {error.what}")
            last = self.context.now() >= self.shift.until
            return Judgement(Verdict.BACK if last else Verdict.WAIT, f"The shift could not be watched: {error.what}")

    def _count_throttles(self, now: int) -> None:
        """Ask CloudWatch's metrics: a request that is throttled leaves no line in the log."""
        if self._throttles is None:
            return
        name, since = self.context.workspace.function, self.shift.began
        try:
            for version in (self.shift.version, self.shift.old.version):
                self._throttles[version] = self.context.aws.metrics.throttles(
                    name, self.shift.alias, version, since, now
                )
        except CloudError as error:
            self._throttles = None
            self.context.notices.warn(f"Throttled requests are not watched: {error}")

    def _events(self, now: int) -> Iterator[LogEvent]:
        def quiet(_: int) -> None:
            pass

        return self.context.aws.logs.events(self.group, self._read_until, now + 1, quiet, pattern=PATTERN)

    def _tell(self) -> None:
        """Tell the figures, where they changed."""
        text = f"{self.shift.alias}: {told(self.shift.version, self.new)}; {told(self.shift.old.version, self.old)}"
        if text != self._told and self.new.invocations:
            self.context.notices.say(text)
        self._told = text


def told(version: str, one: VersionFigures) -> str:
    """Return the figures of a version in words."""
    failed = one.errors + one.timeouts
    share = f" ({percent(failed / one.invocations)})" if failed else ""
    misses = f", {counted(one.misses, 'sandbox', 'sandboxes')} met the guard" if one.misses else ""
    return f"version {version} {counted(one.invocations, 'invocation')}, {failed:,} failed{share}{misses}"
