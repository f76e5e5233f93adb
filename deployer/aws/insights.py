"""CloudWatch Logs Insights: a query of a log group, and all rows of its answer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.aws.translate import translate_errors
from deployer.errors import CloudError

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

MOST_ROWS: Final = 100_000
"""Of one query (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html)."""
PAGE: Final = 10_000
"""Rows in one answer of GetQueryResults."""
UNDER_WAY: Final = frozenset({"Scheduled", "Running"})
POLL_S: Final = 1.0


class TooManyRowsError(Exception):
    """The answer may have more rows than Insights gives: ask about a shorter time."""


@dataclass(frozen=True)
class Insights:
    """Logs Insights of one account and region."""

    client: "CloudWatchLogsClient"
    poll: float = POLL_S
    """Seconds between two looks at a query in progress."""

    def start(self, group: str, query: str, since: int, until: int) -> str:
        """Start a query over at least this period, in milliseconds since 1970; return its id.

        Raises:
            MissingError: there is no such log group.
            DeniedError: logs:StartQuery is missing.
        """
        with translate_errors(f"query the log group {group}"):
            return self.client.start_query(
                logGroupName=group,
                startTime=since // 1000,
                endTime=-(-until // 1000),
                queryString=query,
                limit=MOST_ROWS,
            )["queryId"]

    def rows(self, query: str) -> Iterator[dict[str, str]]:
        """Yield every row of a query's answer, when it is complete.

        Args:
            query: its id.

        Raises:
            TooManyRowsError: as many rows as Insights gives at most.
            CloudError: the query failed, was cancelled or took over an hour.
        """
        asked: dict[str, Any] = {"queryId": query, "maxItems": PAGE}
        count = 0
        while True:
            page = self._complete(asked)
            for row in page["results"]:
                yield {field["field"]: field["value"] for field in row if field.get("value") is not None}
            count += len(page["results"])
            if count >= MOST_ROWS:
                raise TooManyRowsError
            if not page.get("nextToken"):
                return
            asked["nextToken"] = page["nextToken"]

    def _complete(self, asked: dict[str, Any]) -> dict[str, Any]:
        while True:
            with translate_errors("read the answer of Logs Insights"):
                page = dict(self.client.get_query_results(**asked))
            if page["status"] == "Complete":
                return page
            if page["status"] not in UNDER_WAY:
                raise CloudError(
                    f"Logs Insights stopped the query ({page['status']}).",
                    "Run the same command again, or omit --via insights.",
                )
            time.sleep(self.poll)
