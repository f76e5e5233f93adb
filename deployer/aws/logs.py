"""CloudWatch Logs: the events of a log group that may hold records of ours."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from deployer.aws.translate import translate_errors
from deployer.errors import MissingError
from deployer.models.evidence import LogEvent
from probe_layer.guard import line
from probe_layer.record import MARK, OLD_MARK

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

PATTERN = f'?"{OLD_MARK}" ?"{MARK}" ?"{line.MARK}"'
"""Any of the phrases, the probe's and the guard's: in quotes it matches in text and in JSON events alike; a JSON
pattern would match only events that are JSON as a whole (CloudWatch Logs User Guide, "Filter pattern syntax")."""
SIDE_BY_SIDE = 4
"""Requests under way at once. FilterLogEvents has a quota of 5 to 25 a second, by region
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html): the client's adaptive retries
slow all of them down together when it is met."""
SHARDS = 8
"""Into so many shards a time is divided, so that one busy hour does not keep a single thread."""
SHORTEST_MS = 15 * 60 * 1000
"""No shard is shorter: each costs a request at least."""


@dataclass(frozen=True)
class _Shard:
    """A time of the log and how far it was read: milliseconds since 1970, the end exclusive."""

    since: int
    until: int
    pattern: str
    token: str = ""


@dataclass(frozen=True)
class Logs:
    """The log groups of one account and region."""

    client: "CloudWatchLogsClient"

    def group_class(self, group: str) -> str:
        """Return the class of a log group, such as ``STANDARD``; empty where there is no such group yet."""
        with translate_errors(f"look up the log group {group}"):
            found = self.client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return next((one.get("logGroupClass", "STANDARD") for one in found if one["logGroupName"] == group), "")

    def events(
        self,
        group: str,
        since: int,
        until: int,
        progress: Callable[[int], Any],
        shards: int = SHARDS,
        pattern: str = PATTERN,
    ) -> Iterator[LogEvent]:
        """Yield each event that matches, from all pages, empty ones too, in about the order of the log.

        The time is divided into shards that are read side by side, a page of each at a time: memory holds a few
        pages, however long the log. Shards are half open, so that no event is in two of them.

        Args:
            group: name of the log group; one that does not exist yet has no events.
            since: milliseconds since 1970, inclusive.
            until: milliseconds since 1970, exclusive.
            progress: called with the number of events in each page.
            shards: how many at most.
            pattern: in CloudWatch's filter syntax, by default our mark; some services answer with more.

        Raises:
            DeniedError: logs:FilterLogEvents is missing.
        """
        waiting = _divided(since, until, shards, pattern)
        pool = ThreadPoolExecutor(SIDE_BY_SIDE, "logs")
        try:
            running = {pool.submit(self._page, group, shard) for shard in islice(waiting, SIDE_BY_SIDE)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for events, rest in (page.result() for page in done):
                    following = rest or next(waiting, None)
                    if following:
                        running.add(pool.submit(self._page, group, following))
                    progress(len(events))
                    yield from events
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _page(self, group: str, shard: _Shard) -> tuple[list[LogEvent], _Shard | None]:
        """Return one page of a shard, and what is left of the shard."""
        asked: dict[str, Any] = {
            "logGroupName": group,
            "startTime": shard.since,
            "endTime": shard.until - 1,  # inclusive
            "filterPattern": shard.pattern,
        }
        if shard.token:
            asked["nextToken"] = shard.token
        try:
            with translate_errors(f"read the log group {group}"):
                page = self.client.filter_log_events(**asked)
        except MissingError:
            return [], None
        events = [
            LogEvent(event["eventId"], event["timestamp"], event["message"], event.get("logStreamName", ""))
            for event in page["events"]
        ]
        token = page.get("nextToken")
        return events, replace(shard, token=token) if token else None


def _divided(since: int, until: int, shards: int, pattern: str) -> Iterator[_Shard]:
    """Divide a period into shards of about the same length."""
    length = max(SHORTEST_MS, -(-(until - since) // shards))
    return (_Shard(begin, min(begin + length, until), pattern) for begin in range(since, until, length))
