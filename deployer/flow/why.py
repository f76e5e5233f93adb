"""Why a file is kept or dropped: from what the last shrink left, on this machine or in S3."""

from deployer.context import Context
from deployer.flow.page import last_account
from deployer.flow.reports import last_report
from deployer.report.outcomes import rows
from deployer.report.why import why
from deployer.report.why_report import WhyReport


def explain(context: Context, function: str, asked: str) -> WhyReport:
    """Return what the last shrink or deploy decided about what is asked for, and why; change nothing.

    Args:
        context: the surroundings.
        function: its name.
        asked: a path, a pattern, a module or a distribution.

    Raises:
        WorkspaceError: there was no shrink.
        UsageError: nothing in the package is named so.
    """
    account, report = last_account(context.workspace), last_report(context.workspace)
    return why(asked, function, report.state, rows(account.whitelist, account.outcomes), account.evidence)
