"""``ldeploy invoke``: events sent to a function as it is."""

from typing import TYPE_CHECKING

import click

from deployer.commands.groups import command
from deployer.commands.options import Common, common, option
from deployer.commands.parameters import events_folder
from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.report.models import Report


@command()
@common
@click.argument("asked", metavar="EVENTS_DIR", required=False)
@option("--cold", type=click.IntRange(0), default=0, help="Send all events to this many fresh sandboxes.")
@option("--yes", is_flag=True, help="Do not ask before --cold.")
def invoke(shared: Common, asked: str | None, cold: int) -> "Report":
    """Send events to FUNCTION and show the answers.

    Each *.json file of EVENTS_DIR is one event. --cold changes a variable of the function (LDEPLOY_COLD) before each
    round, so that Lambda starts fresh sandboxes, and takes it out again at the end.

    \b
    Examples:
      ldeploy invoke my-function events/
      ldeploy invoke my-function events/ --cold 20 --yes
    """
    from deployer.flow.invoke import invoke as send
    from deployer.instrumentation.configure import COLD_VARIABLE

    if not asked:
        raise UsageError("No folder of events is named.", "Give: ldeploy invoke FUNCTION EVENTS_DIR.")
    folder = events_folder.convert(asked, None, None)
    if cold and not shared.confirmed(f"~ {COLD_VARIABLE} of {shared.function}, {cold} times, and out again"):
        raise click.Abort
    return send(shared.context(), shared.function, folder, cold)
