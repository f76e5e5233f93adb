"""The commands that show what was found and done; they change nothing in AWS."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.commands.groups import command
from deployer.commands.options import Common, common, option
from deployer.commands.slimming import via
from deployer.errors import UsageError
from deployer.report.formats import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.report.models import Report, ShrinkReport
    from deployer.report.page import PageContent


@command()
@common
@via
def status(shared: Common, via: Any) -> "Report":
    """Show the state of FUNCTION and what has been seen of it so far.

    \b
    Example:
      ldeploy status my-function
    """
    from deployer import pipeline

    return pipeline.status(shared.context(), shared.function, via)


@command()
@common
@click.argument("asked", metavar="PATH|MODULE|DISTRIBUTION", required=False)
def why(shared: Common, asked: str | None) -> "Report":
    """Show why a file of FUNCTION is kept or dropped; a pattern, a module or a distribution stands for several.

    \b
    Examples:
      ldeploy why my-function numpy
      ldeploy why my-function 'data/*.json'
    """
    from deployer.flow.traced import find_trace
    from deployer.flow.why import explain

    if not asked:
        raise UsageError("No file is named.", "Name a path, a pattern, a module or a distribution after FUNCTION.")
    return explain(find_trace(shared.function, shared.folder) or shared.context().workspace, asked)


@command()
@common
@option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the page to this file too.")
@option("--markdown", is_flag=True, help="Show a comment for a pull request instead.")
def report(shared: Common, html: Path | None, markdown: bool) -> "Report":
    """Show again what the last shrink or deploy of FUNCTION found and did.

    \b
    Examples:
      ldeploy report my-function --html page.html
      ldeploy report my-function --markdown
    """
    from deployer.flow.page import last_content
    from deployer.flow.reports import last_report
    from deployer.flow.traced import find_trace, traced_content

    if trace := find_trace(shared.function, shared.folder):
        return _shown(last_report(trace), lambda found: traced_content(trace, found), html, markdown=markdown)
    context = shared.context()
    found = last_report(context.workspace)
    return _shown(found, lambda found: last_content(context, found), html, markdown=markdown)


def _shown(
    found: "ShrinkReport", content_of: "Callable[[ShrinkReport], PageContent]", html: Path | None, *, markdown: bool
) -> "Report":
    """Write the page, make the comment, or return the report as it is."""
    from deployer.report.models import CommentReport
    from deployer.state.workspace import write_whole

    if not (html or markdown):
        return found
    content = content_of(found)
    if html:
        write_whole(html, PAGES["html"](content))
    return CommentReport(found.function, PAGES["markdown"](content), found.state) if markdown else found
