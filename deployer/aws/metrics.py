"""CloudWatch's metrics of a function: what its log cannot tell, since a request that is throttled runs nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deployer.aws.translate import translate_errors

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True)
class Metrics:
    """The metrics of one account and region."""

    client: Any

    def throttles(self, function: str, alias: str, version: str, since: int, until: int) -> int:
        """Return how many requests to an alias were throttled that one of its versions would have served.

        Lambda counts by the minute, with the dimension ``ExecutedVersion`` for the versions of a weighted alias
        (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).

        Args:
            function: its name.
            alias: through which the requests come.
            version: of the function.
            since: milliseconds since 1970.
            until: milliseconds since 1970.

        Raises:
            DeniedError: cloudwatch:GetMetricData is missing.
        """
        dimensions = {"FunctionName": function, "Resource": f"{function}:{alias}", "ExecutedVersion": version}
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Throttles",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        query = {"Id": "throttles", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        with translate_errors(f"read how often {function} was throttled"):
            pages = self.client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[query],
                StartTime=_moment(since - since % _MINUTE_MS),
                EndTime=_moment(until - until % _MINUTE_MS + _MINUTE_MS),
            )
            return int(sum(sum(found["Values"]) for page in pages for found in page["MetricDataResults"]))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
