"""Send events to a function as it is: answers, durations, cold or warm."""

from pathlib import Path

from deployer.context import Context
from deployer.deploy.recorded_events import read_events
from deployer.deploy.sending import opened, send_rounds
from deployer.report.models import InvokeReport


def invoke(context: Context, function: str, events: Path, rounds: int) -> InvokeReport:
    """Send each event of a folder once, or in each of some rounds to a fresh sandbox.

    Args:
        context: the surroundings.
        function: its name.
        events: the folder.
        rounds: 0 takes the sandboxes that there are.

    Raises:
        UsageError: the folder holds no events.
        MissingError: there is no such function.
    """
    found = tuple(read_events(events))
    context.aws.functions.get(function)
    with opened(context.aws.invocations, function, context.notices) as session:
        sent = tuple(one.sent for one in send_rounds(session, found, rounds, context.notices))
    failed = sum(one.failed for one in sent)
    return InvokeReport(function, "failed" if failed == len(sent) else "answered", len(sent), failed, sent)
