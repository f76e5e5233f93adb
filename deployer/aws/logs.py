"""CloudWatch Logs: the events of a log group that may hold records of ours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.aws.clients import in_our_words
from deployer.errors import MissingError
from deployer.models import LogEvent
from probe_layer.record import MARK

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

PATTERN = f'"{MARK}"'
"""A phrase in quotes: it matches in text and in JSON events alike; a JSON pattern would match only events that are
JSON as a whole (CloudWatch Logs User Guide, "Filter pattern syntax")."""


@dataclass(frozen=True)
class Logs:
    """The log groups of one account and region."""

    client: "CloudWatchLogsClient"

    def events(self, group: str, since: int, until: int, progress: Callable[[int], Any]) -> Iterator[LogEvent]:
        """Each event that holds our mark: all pages, empty ones too.

        Args:
            group: name of the log group; one that does not exist yet has no events.
            since: milliseconds since 1970, inclusive.
            until: milliseconds since 1970, exclusive.
            progress: called with the number of events in each page.

        Raises:
            DeniedError: logs:FilterLogEvents is missing.
        """
        if until <= since:
            return
        asked: dict[str, Any] = {
            "logGroupName": group,
            "startTime": since,
            "endTime": until - 1,
            "filterPattern": PATTERN,
        }
        while True:
            try:
                with in_our_words(f"read the log group {group}"):
                    page = self.client.filter_log_events(**asked)
            except MissingError:
                return
            progress(len(page["events"]))
            for event in page["events"]:
                yield LogEvent(event["eventId"], event["timestamp"], event["message"])
            if not page.get("nextToken"):
                return
            asked["nextToken"] = page["nextToken"]
