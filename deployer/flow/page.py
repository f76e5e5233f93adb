"""Make the page and the comment of the last shrink: from what it has at hand, or from what it left."""

from dataclasses import dataclass, replace

from deployer import __version__
from deployer import evidence as evidences
from deployer.context import Context
from deployer.errors import WorkspaceError
from deployer.evidence.discovery import discovery
from deployer.flow.models import RedeployRequest
from deployer.flow.since import milliseconds, rfc3339, since_deployed
from deployer.models.evidence import Evidence
from deployer.models.outcome import Outcomes
from deployer.models.package import Package, Source
from deployer.models.whitelist import Whitelist
from deployer.package import distributions, index, open_file
from deployer.report import outcomes
from deployer.report.models import ShrinkReport
from deployer.report.page import PageContent
from deployer.report.suggestions import suggestions
from deployer.slim.build import SlimPackage
from deployer.slim.guard import without_links
from deployer.state.baseline import known_state
from deployer.state.left import Left
from deployer.state.workspace import EVIDENCE, OUTCOMES, WHITELIST
from deployer.whitelist import from_json


@dataclass(frozen=True)
class Account:
    """What a shrink decided about each file, and why."""

    whitelist: Whitelist
    outcomes: Outcomes
    evidence: Evidence


def settle_account(context: Context, request: RedeployRequest, slim: SlimPackage) -> Account:
    """Compare the full package with the slim one; write down what became of each file, and by what evidence."""
    workspace, full = context.workspace, request.full
    account = account_of(full.source, full.package, slim, request.evidence)
    workspace.write(OUTCOMES, outcomes.to_json(account.outcomes))
    if request.evidence.sandboxes:  # a whitelist that was carried over has none: what an earlier shrink used stays
        workspace.write(EVIDENCE, evidences.to_json(request.evidence))
    return account


def account_of(source: Source, package: Package, slim: SlimPackage, evidence: Evidence) -> Account:
    """Compare a full package, and its zip, with the slim one."""
    with open_file(slim.path) as written:
        made = without_links(index(written))
    guarded = slim.guard.paths if slim.guard else ()
    found = outcomes.outcomes(package, made, distributions(source, package), slim.sizes, guarded)
    return Account(slim.whitelist, found, evidence)


def last_account(left: Left) -> Account:
    """Return what the last shrink or deploy decided, from this machine or from S3.

    Raises:
        WorkspaceError: there was none, or it was of a version that did not write it down.
    """
    whitelist, found = left.read(WHITELIST), left.read(OUTCOMES)
    if whitelist is None or found is None:
        raise WorkspaceError(
            f"Nothing is known here of the files of {left.function}.",
            "Run ldeploy shrink first, or give the --bucket that it was shrunk with.",
        )
    evidence = left.read(EVIDENCE)
    chosen = from_json(whitelist)
    return Account(
        chosen,
        outcomes.from_json(found),
        evidences.from_json(evidence) if evidence else Evidence(chosen.package, {}),
    )


def page_content(context: Context, report: ShrinkReport, account: Account, command: str) -> PageContent:
    """Return what the page shows, without what happened since."""
    return content(report, account, command, rfc3339(context.now()))


def content(report: ShrinkReport, account: Account, command: str, made: str) -> PageContent:
    """Return what the page shows that was made then."""
    files = outcomes.rows(account.whitelist, account.outcomes)
    return PageContent(
        report=report,
        files=files,
        made=made,
        tool=f"ldeploy {__version__}",
        command=command,
        discovery=discovery(account.evidence) if report.sandboxes else None,
        suggestions=suggestions(files),
    )


def last_content(context: Context, report: ShrinkReport) -> PageContent:
    """Return what the page of the last shrink shows today: with what the log tells since it was deployed."""
    function, account = report.function, last_account(context.workspace)
    content = page_content(context, report, account, f"ldeploy report {function}")
    if report.state != "deployed" or not report.made:
        return content
    state = known_state(function, context.workspace.state())
    since = since_deployed(context, state.probe.log_group, milliseconds(report.made), account.whitelist)
    after = report.after
    if after.init_ms is None:
        after = replace(after, init_ms=since.log.init_ms)
    return replace(content, report=replace(report, after=after), since=since)
