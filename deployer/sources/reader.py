"""The log of a probed function -> its evidence, merged with what was read before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from deployer.context import Context
from deployer.errors import NotEnoughEvidenceError
from deployer.evidence import merge
from deployer.models.evidence import Evidence
from deployer.notices import Notices
from deployer.sources import SOURCES
from deployer.sources.base import EvidenceSource
from deployer.state.state import ProbePeriod, State
from deployer.state.workspace import EvidenceCheckpoint, Workspace
from deployer.whitelist import Earlier
from deployer.words import counted

LATE_MS = 15 * 60 * 1000
"""Events may come late: what is older than this is taken as complete and never read again."""
CLOCK_MS = 5 * 60 * 1000
"""The clocks of this machine and of Lambda may differ by so much: reading begins earlier and ends later."""
GROUPS = 12
"""A long time is read in so many parts, each written down when it is complete: a run that is cut off goes on there."""
SHORTEST_MS = 2 * 60 * 60 * 1000
"""No part is shorter than this, but the last."""
WHOLE_SANDBOXES = 10
"""So many sandboxes of which nothing is lost say what a lost record would have said: what every fourth cold sandbox
touches, at least one of them has touched with 94 % chance (1 - 0.75 ** 10)."""


@dataclass(frozen=True)
class Window:
    """What part of the log to read, in milliseconds since 1970; None is as far as there is something to read."""

    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Reader:
    """Reads one function's log."""

    source: EvidenceSource
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
        nothing = Evidence(state.packages.full.label, {})
        if not state.probe.since:
            return nothing
        early = 0 if state.probe.mark else CLOCK_MS  # an older build's records may carry the same mark
        since = state.probe.since - early
        probe, until = state.probe, now + CLOCK_MS
        here = ProbePeriod(state.packages.full.label, probe.log_group, since, until, probe.mark, probe.nonce)
        if window.since is None and window.until is None:
            return self._all(here, now, keep=keep)
        since = here.since if window.since is None else window.since
        since = max(since, here.since) if state.probe.mark else since
        until = here.until if window.until is None else window.until
        return self._on_top(here, EvidenceCheckpoint(nothing, since), until, complete=0)

    def earlier(self, state: State, now: int) -> tuple[Earlier, ...]:
        """The evidence of the packages that were probed before this one, with what it belongs to."""
        found = []
        for probed in state.earlier:
            inventory = self.workspace.inventory(probed.label)
            if inventory is not None:
                found.append(Earlier(inventory, self._all(probed, now, keep=True)))
        return tuple(found)

    def _all(self, probed: ProbePeriod, now: int, *, keep: bool) -> Evidence:
        """What was read in earlier runs and what has come since."""
        nothing = EvidenceCheckpoint(Evidence(probed.label, {}), probed.since)
        known = self.workspace.checkpoint(probed.key) or nothing
        until = min(probed.until + LATE_MS, now + CLOCK_MS)
        return self._on_top(probed, known, until, complete=now - LATE_MS if keep else 0)

    def _on_top(self, probed: ProbePeriod, known: EvidenceCheckpoint, until: int, complete: int) -> Evidence:
        """On top of what is known, part by part; each that ends before ``complete`` is written down."""
        taken = self.source.begin(probed.carried)
        begin = known.read_until

        def merged() -> Evidence:
            return merge(known.evidence, replace(taken.evidence(), package=probed.label))

        with self.notices.bar(f"reading {probed.log_group}", None, "events") as advance:
            for end in _ends(begin, min(complete, until), until):
                taken.collect(probed.log_group, begin, end, advance)
                if end <= complete:
                    self.workspace.save_checkpoint(probed.key, EvidenceCheckpoint(merged(), end))
                begin = end
        return merged()


def open_reader(context: Context, via: str) -> Reader:
    """Return the reader of the function's log."""
    return Reader(SOURCES[via](context.aws), context.workspace, context.notices)


def _ends(begin: int, complete: int, until: int) -> Iterator[int]:
    """Where the parts end: those that are complete, then the rest."""
    length = max(SHORTEST_MS, (complete - begin) // GROUPS)
    yield from range(begin + length, complete, length)
    if complete > begin:
        yield complete
    if until > max(begin, complete):
        yield until


UNCOUNTED = "runtime-unknown"
"""The fault of those who report no invocation: something other than Python's runtime answers (a web adapter)."""


def enough(evidence: Evidence, state: State, minimum: int, *, allow_lost: bool = False) -> None:
    """Check whether a whitelist may be made of this.

    Args:
        evidence: what was seen.
        state: of the function.
        minimum: sandboxes that must have reported.
        allow_lost: also where records are lost and few sandboxes hold the rest.

    Raises:
        NotEnoughEvidenceError: no record of this package, of too few sandboxes, or of no invocation: a function that
            does not start needs nothing of what it would need. Or records are lost.
    """
    lines = evidence.lines
    if evidence.sandboxes == 0 and lines.other_package:
        raise NotEnoughEvidenceError(
            f"All {lines.other_package} records in {state.probe.log_group} are of another package than the probed one.",
            "Invoke the function as it is deployed now, then run the same command again.",
        )
    if evidence.sandboxes == 0:
        cut = f" ({lines.cut} are cut off)" if lines.cut else ""
        raise NotEnoughEvidenceError(
            f"There are no whole records in {state.probe.log_group} yet{cut}.",
            "Invoke the function, wait a few seconds for its log, then run the same command again.",
        )
    if evidence.invocations == 0 and UNCOUNTED not in evidence.faults:
        raise NotEnoughEvidenceError(
            f"No invocation of {state.function} has come to its end yet: its records are of its start alone.",
            f"See in {state.probe.log_group} whether it starts; invoke it, then run the same command again.",
        )
    if evidence.sandboxes < minimum:
        raise NotEnoughEvidenceError(
            f"{counted(evidence.sandboxes, 'sandbox', 'sandboxes')} reported, of {minimum:,} asked for.",
            "Wait for more traffic, or lower --min-sandboxes.",
        )
    whole = evidence.sandboxes - lines.missing
    if lines.missing and whole < WHOLE_SANDBOXES and not allow_lost:
        raise NotEnoughEvidenceError(
            f"{lines.missing} records are cut off in the log or missing from it, and only {max(whole, 0)} sandboxes "
            "reported without a gap: what the lost records held would be dropped.",
            f"Wait until {WHOLE_SANDBOXES} more sandboxes have reported, or give --allow-lost.",
        )
