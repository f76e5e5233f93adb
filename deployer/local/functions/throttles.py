"""The metric of requests that were refused, as Lambda writes it for the versions of an alias."""

from moto.awslambda.models import LambdaFunction


def count(account: str, region: str, function: LambdaFunction, qualifier: str) -> None:
    """Count one request to a function, or to an alias of it, for the version that would have served it."""
    from moto.cloudwatch.models import cloudwatch_backends  # noqa: PLC0415 - for the few that ask

    name = str(function.function_name)
    dimensions = {"FunctionName": name, "Resource": f"{name}:{qualifier}" if qualifier else name}
    if qualifier:
        dimensions["ExecutedVersion"] = str(function.version)
    metric = {
        "MetricName": "Throttles",
        "Value": 1,
        "Unit": "Count",
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    cloudwatch_backends[account][region].put_metric_data("AWS/Lambda", [metric])
