"""What the log tells since the slim package was deployed: what went wrong, and the commands that mend it or go back."""

import posixpath
import shlex
from ast import literal_eval
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from deployer.context import Context
from deployer.errors import CloudError
from deployer.evidence.invocations import median_start
from deployer.evidence.misses import PATTERN, Miss, aftermath
from deployer.models.evidence import LogEvent
from deployer.models.whitelist import Reason, Whitelist
from deployer.report.since import Since
from deployer.whitelist.user_rules import exactly

MOST: Final = 200_000
"""So many lines are read at most: a busy function's log of a month would take hours, and misses show early."""
_STARTS: Final = '?"Init Duration" ?"initDurationMs"'
_DAY_MS: Final = 24 * 60 * 60 * 1000
_NAMED: Final = 12
"""So many rules are named in a command at most."""


def since_deployed(context: Context, group: str, deployed: int, whitelist: Whitelist) -> Since:
    """Return what the log tells of the time since then.

    Args:
        context: the surroundings.
        group: name of the function's log group.
        deployed: milliseconds since 1970.
        whitelist: of the package that was deployed.

    Raises:
        DeniedError: logs:FilterLogEvents is missing.
    """
    dropped = [path for path, one in whitelist.decisions.items() if not one.kept]
    lines = _Lines(_events(context, group, deployed, PATTERN))
    log = aftermath(lines, dropped)
    function = context.workspace.function
    return Since(
        since=rfc3339(deployed),
        until=rfc3339(context.now()),
        log=log,
        partial=lines.partial,
        mend=mending(function, log.misses, whitelist),
        back=f"ldeploy restore {function}",
    )


def starts_since(context: Context, group: str, since: int) -> float | None:
    """Return the median duration of the cold starts of the last day, in milliseconds.

    Args:
        context: the surroundings.
        group: name of the function's log group.
        since: milliseconds since 1970; earlier cold starts do not count.

    Returns:
        None where there was none, or the log cannot be read that way.
    """
    since = max(since, context.now() - _DAY_MS)
    try:
        return median_start(event.message for event in islice(_events(context, group, since, _STARTS), MOST))
    except CloudError:  # a figure that nobody needs to go on
        return None


def _events(context: Context, group: str, since: int, pattern: str) -> Iterator[LogEvent]:
    with context.notices.bar(f"reading {group}", None, "events") as advance:
        yield from context.aws.logs.events(group, since, context.now() + 1, advance, pattern=pattern)


class _Lines:
    """The messages of a log, up to a number of them."""

    def __init__(self, events: Iterable[LogEvent]) -> None:
        self._events = iter(events)
        self.partial = False
        """Whether there were more."""

    def __iter__(self) -> Iterator[str]:
        for event in islice(self._events, MOST):
            yield event.message
        self.partial = next(self._events, None) is not None


def mending(function: str, misses: Collection[Miss], whitelist: Whitelist) -> str:
    """Return the command that keeps what was missing; the rules of the last shrink stay; empty where nothing was.

    What the guard brought is evidence, and needs no rule.
    """
    if not misses:
        return ""
    kept = {posixpath.dirname(path) for path in whitelist.kept()}
    rules = dict.fromkeys([*_rules(whitelist), *(_keeping(miss.path, kept) for miss in misses if not miss.served)])
    named = " ".join(f"--keep {shlex.quote(rule)}" for rule in islice(rules, _NAMED))
    return f"ldeploy shrink {function} {named}".rstrip()


def _keeping(path: str, kept: Collection[str]) -> str:
    """Return the rule for a missing file; for its folder, where nothing of that is kept: more of it will be needed."""
    folder = posixpath.dirname(path)
    return exactly(path) if not folder or folder in kept else exactly(folder, folder=True)


def _rules(whitelist: Whitelist) -> Iterator[str]:
    """Yield the keep rules that the whitelist was made with, as far as they kept something."""
    for one in whitelist.decisions.values():
        if one.reason is Reason.RULE_KEEP and one.because.startswith("keep rule "):
            yield str(literal_eval(one.because.removeprefix("keep rule ")))


def rfc3339(moment: int) -> str:
    """Return milliseconds since 1970 as ``2026-01-31T12:00:00.000Z``."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: str) -> int:
    """Return an RFC 3339 moment as milliseconds since 1970; 0 where it is empty."""
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0
