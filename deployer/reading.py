"""The log of a probed function -> its evidence, merged with what was read before."""

from dataclasses import dataclass

from deployer.aws.logs import Logs
from deployer.errors import NotEnoughEvidenceError
from deployer.evidence import gather, merge
from deployer.function import State
from deployer.models import Evidence
from deployer.notices import Notices
from deployer.workspace import Settled, Workspace

LATE_MS = 15 * 60 * 1000
"""Events may come late: what is older than this is taken as complete and never read again."""
BEFORE_MS = 60 * 1000
"""The clocks of this machine and of Lambda may differ: reading begins so much before the probe."""


@dataclass(frozen=True)
class Window:
    """What part of the log to read, in milliseconds since 1970; None is as far as there is something to read."""

    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Reader:
    """Reads one function's log."""

    logs: Logs
    workspace: Workspace
    notices: Notices

    def read(self, state: State, window: Window, now: int, *, keep: bool) -> Evidence:
        """All evidence of the full package: a window of the log alone, or all that is new on top of what was read.

        Args:
            state: of the function.
            window: given by the user; without one, what was read in earlier runs is merged, not read again.
            now: milliseconds since 1970.
            keep: write down what is complete, for the next run.
        """
        since = state.probed_at - BEFORE_MS
        if window.since is not None or window.until is not None:
            return self._gather(state, window.since or since, window.until or now)
        settled = self.workspace.settled(state.full.label)
        begin, complete = (settled.read_until if settled else since), now - LATE_MS
        known = settled.evidence if settled else Evidence(state.full.label, {})
        if complete > begin:
            known, begin = merge(known, self._gather(state, begin, complete)), complete
            if keep:
                self.workspace.settle(Settled(known, complete))
        return merge(known, self._gather(state, begin, now))

    def _gather(self, state: State, since: int, until: int) -> Evidence:
        with self.notices.bar(f"reading {state.log_group}", None, "events") as advance:
            events = self.logs.events(state.log_group, since, until, advance)
            return gather(events, state.full.label)


def enough(evidence: Evidence, state: State, minimum: int) -> None:
    """Whether a whitelist may be made of this.

    Raises:
        NotEnoughEvidenceError: no record of this package, or of too few sandboxes.
    """
    lines = evidence.lines
    if evidence.sandboxes == 0 and lines.other_package:
        raise NotEnoughEvidenceError(
            f"All {lines.other_package} records in {state.log_group} are of another package than the probed one.",
            "Invoke the function as it is deployed now, then run the same command again.",
        )
    if evidence.sandboxes == 0:
        cut = f" ({lines.cut} are cut off)" if lines.cut else ""
        raise NotEnoughEvidenceError(
            f"There are no whole records in {state.log_group} yet{cut}.",
            "Invoke the function, wait a few seconds for its log, then run the same command again.",
        )
    if evidence.sandboxes < minimum:
        raise NotEnoughEvidenceError(
            f"Only {evidence.sandboxes} sandboxes have reported, of {minimum} asked for.",
            "Wait for more traffic, or lower --min-sandboxes.",
        )
