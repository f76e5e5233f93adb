"""Why a file is kept or dropped: from what the last shrink left, on this machine or in S3."""

from deployer.flow.page import last_account
from deployer.flow.reports import last_report
from deployer.report.outcomes import rows
from deployer.report.why import why
from deployer.report.why_report import WhyReport
from deployer.state.left import Left


def explain(left: Left, asked: str) -> WhyReport:
    """Return what the last shrink or deploy decided about what is asked for, and why; change nothing.

    Args:
        left: what the shrink left.
        asked: a path, a pattern, a module or a distribution.

    Raises:
        WorkspaceError: there was no shrink.
        UsageError: nothing in the package is named so.
    """
    account, report = last_account(left), last_report(left)
    return why(asked, left.function, report.state, rows(account.whitelist, account.outcomes), account.evidence)
